//! Ogg (RFC 3533) with Vorbis or Opus (RFC 7845).

use super::{
    Codec, Container, Finding, Media, ProbeError,
    field::{array, u16_le, u32_le, u64_le},
    tags,
};

/// Where an Ogg file's sound is.
pub(crate) struct Layout<'a> {
    /// The packets of the stream, its headers among them.
    pub(crate) packets: Packets<'a>,
    /// Samples to leave out at the start.
    pub(crate) skip: u64,
    /// Samples to keep after that.
    pub(crate) keep: u64,
    /// Samples a channel that the packets decode to, at most.
    pub(crate) decoded: u64,
    /// Opus: how much louder, in 1/256 dB.
    pub(crate) gain: i16,
    /// Opus: 0 is mono or stereo.
    pub(crate) family: u8,
    pub(crate) chained: bool,
}

pub(super) fn open(bytes: &[u8]) -> Result<(Media, Layout<'_>), ProbeError> {
    let (serial, head) = Pages::new(bytes)
        .take_while(|page| page.begins)
        .find_map(|page| Some((page.serial, Head::read(page.body)?)))
        .ok_or(broken("it has no audio stream"))?;
    let mut media = Media::new(Container::Ogg, head.codec.clone(), head.rate, head.channels);
    let walk = Walk::through(bytes, serial, &head, &mut media);
    let mut packets = Packets::new(bytes, serial);
    let mut collected = tags::Collected::default();
    packets.next_packet();
    if let Some(comments) = packets.next_packet() {
        let prefix = if head.codec == Codec::Opus {
            &b"OpusTags"[..]
        } else {
            &b"\x03vorbis"[..]
        };
        collected.comments(comments.strip_prefix(prefix).unwrap_or_default());
    }
    let heard = walk.last.saturating_sub(walk.first).min(walk.decoded);
    let keep = heard.saturating_sub(head.skip);
    media.measured(keep, walk.coded);
    // Where Vorbis begins midway or breaks off, only decoding tells how much its packets hold.
    let untold = walk.midway || head.codec == Codec::Vorbis && walk.cut;
    if untold || matches!(head.codec, Codec::Other(_)) {
        (media.duration_ms, media.bit_rate) = (None, None);
    }
    (media.tags, media.findings) = tags::bounded(collected, media.findings);
    let layout = Layout {
        packets: Packets::new(bytes, serial),
        skip: head.skip,
        keep,
        decoded: walk.decoded,
        gain: head.gain,
        family: head.family,
        chained: walk.chained,
    };
    Ok((media, layout))
}

fn broken(fault: &'static str) -> ProbeError {
    ProbeError::Broken {
        container: Container::Ogg,
        fault,
    }
}

/// The first packet of a stream.
struct Head {
    codec: Codec,
    rate: u32,
    channels: u16,
    skip: u64,
    gain: i16,
    family: u8,
    /// Header packets before the sound.
    headers: u64,
    /// Samples that a packet decodes to at most.
    longest: u64,
}

impl Head {
    fn read(packet: &[u8]) -> Option<Self> {
        let head = Self {
            codec: Codec::Vorbis,
            rate: 0,
            channels: 0,
            skip: 0,
            gain: 0,
            family: 0,
            headers: 3,
            longest: 0,
        };
        if packet.starts_with(b"\x01vorbis") {
            let channels = u16::from(*packet.get(11)?);
            let longest = 1 << (packet.get(28)? >> 4).min(13) >> 1;
            Some(Self {
                rate: u32_le(packet, 12)?,
                channels,
                longest,
                ..head
            })
        } else if packet.starts_with(b"OpusHead") {
            Some(Self {
                codec: Codec::Opus,
                rate: 48_000,
                channels: u16::from(*packet.get(9)?),
                skip: u64::from(u16_le(packet, 10)?),
                gain: array(packet, 16).map(i16::from_le_bytes)?,
                family: *packet.get(18)?,
                headers: 2,
                ..head
            })
        } else if packet.starts_with(b"Speex   ") {
            let codec = Codec::Other("Speex".to_owned());
            Some(Self {
                codec,
                rate: u32_le(packet, 36)?,
                channels: u16_le(packet, 48)?,
                ..head
            })
        } else if packet.starts_with(b"\x7fFLAC") {
            let codec = Codec::Other("FLAC in Ogg".to_owned());
            let rate = super::field::u24_be(packet, 27)? >> 4;
            Some(Self {
                codec,
                rate,
                channels: u16::from(packet.get(29)? >> 1 & 7) + 1,
                ..head
            })
        } else {
            None
        }
    }

    /// Samples that a packet decodes to, at most.
    fn samples(&self, packet: &[u8]) -> u64 {
        match self.codec {
            Codec::Opus => opus_samples(packet),
            _ => self.longest,
        }
    }
}

/// The samples of an Opus packet at 48 kHz, by its first bytes (RFC 6716, section 3.1).
pub(crate) fn opus_samples(packet: &[u8]) -> u64 {
    let Some(toc) = packet.first() else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 63)),
    };
    frame * frames
}

/// What is learnt by going through the pages once.
struct Walk {
    /// Granule positions at which the sound begins and ends.
    first: u64,
    last: u64,
    decoded: u64,
    coded: u64,
    chained: bool,
    cut: bool,
    /// Vorbis that was cut out of a longer stream: nothing tells where its first page begins.
    midway: bool,
}

impl Walk {
    fn through(bytes: &[u8], serial: u32, head: &Head, media: &mut Media) -> Self {
        let mut walk = Walk {
            first: 0,
            last: 0,
            decoded: 0,
            coded: 0,
            chained: false,
            cut: false,
            midway: false,
        };
        let (mut packets, mut pages_with_sound) = (0, 0u64);
        let (mut ended, mut wrong) = (false, 0);
        let mut pages = Pages::new(bytes);
        let mut reassembled = Packets::new(bytes, serial);
        let mut sound_began = false;
        for page in &mut pages {
            wrong += u64::from(!page.cut && !page.is_intact());
            walk.chained |= page.begins && sound_began;
            sound_began |= !page.begins;
            if page.serial != serial || walk.chained {
                continue;
            }
            ended |= page.ends;
            let done = page.segments.iter().filter(|segment| **segment < 255).count();
            for _ in 0..done {
                let Some(packet) = reassembled.next_packet() else {
                    break;
                };
                packets += 1;
                if packets > head.headers {
                    walk.decoded += head.samples(packet);
                    walk.coded += packet.len() as u64;
                }
            }
            if done == 0 || page.granule == u64::MAX || packets <= head.headers {
                continue;
            }
            pages_with_sound += 1;
            let midway = head.codec == Codec::Vorbis && page.granule > walk.decoded;
            if pages_with_sound == 1 && !page.ends && (midway || head.codec == Codec::Opus) {
                walk.midway = midway;
                walk.first = page.granule.saturating_sub(walk.decoded);
            }
            walk.last = page.granule.max(walk.last);
        }
        walk.cut = pages.cut.is_some();
        walk.findings(media, head, (ended, wrong, &pages));
        walk
    }

    fn findings(&self, media: &mut Media, head: &Head, (ended, wrong, pages): (bool, u64, &Pages<'_>)) {
        if let Some((declared, present)) = pages.cut {
            media.find(Finding::cut(declared, present));
        } else if !ended {
            media.find(Finding::NoEnd);
        }
        if wrong > 0 {
            media.find(Finding::Checksums(wrong));
        }
        if pages.junk > 0 {
            media.find(Finding::Junk(pages.junk));
        }
        if self.chained {
            media.find(Finding::Chained);
        }
        let told = self.last.saturating_sub(self.first);
        if told > self.decoded && !matches!(head.codec, Codec::Other(_)) {
            let (declared, found) = (told, self.decoded);
            media.find(Finding::Lie {
                field: "number of samples (granule position)",
                declared,
                found,
            });
        }
    }
}

struct Page<'a> {
    serial: u32,
    granule: u64,
    begins: bool,
    ends: bool,
    continues: bool,
    cut: bool,
    /// All of it, or what is there.
    bytes: &'a [u8],
    segments: &'a [u8],
    body: &'a [u8],
}

impl Page<'_> {
    fn is_intact(&self) -> bool {
        u32_le(self.bytes, 22) == Some(checksum(self.bytes))
    }
}

/// The pages of a file, whatever stream they belong to.
#[derive(Clone)]
struct Pages<'a> {
    bytes: &'a [u8],
    at: usize,
    junk: u64,
    /// Bytes that the last page declares and has.
    cut: Option<(u64, u64)>,
}

impl<'a> Pages<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            junk: 0,
            cut: None,
        }
    }

    fn page(rest: &'a [u8]) -> Option<(Page<'a>, usize)> {
        let flags = *rest.get(5)?;
        let segments = rest.get(27..27 + usize::from(*rest.get(26)?))?;
        let start = 27 + segments.len();
        let end = start
            + segments
                .iter()
                .map(|segment| usize::from(*segment))
                .sum::<usize>();
        // A page that is cut off has what is there.
        let body = rest.get(start..end).unwrap_or(&rest[start..]);
        let page = Page {
            serial: u32_le(rest, 14)?,
            granule: u64_le(rest, 6)?,
            begins: flags & 2 != 0,
            ends: flags & 4 != 0,
            continues: flags & 1 != 0,
            cut: end > rest.len(),
            bytes: rest.get(..end).unwrap_or(rest),
            segments,
            body,
        };
        Some((page, end))
    }
}

impl<'a> Iterator for Pages<'a> {
    type Item = Page<'a>;

    fn next(&mut self) -> Option<Page<'a>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let Some(offset) = rest.windows(5).position(|window| window == b"OggS\0") else {
            self.junk += rest.len() as u64;
            self.at = self.bytes.len();
            return None;
        };
        self.junk += offset as u64;
        let rest = &rest[offset..];
        match Self::page(rest) {
            Some((page, end)) if end <= rest.len() => {
                self.at += offset + end;
                Some(page)
            }
            cut => {
                let declared = cut.as_ref().map_or(27, |(_, end)| *end) as u64;
                self.cut = Some((declared.max(rest.len() as u64 + 1), rest.len() as u64));
                self.at = self.bytes.len();
                // The packets that are whole can be heard.
                cut.map(|(page, _)| page)
            }
        }
    }
}

/// CRC-32 of polynomial 0x04c11db7, unreflected, with the page's own field as zero.
fn checksum(page: &[u8]) -> u32 {
    let step = |crc: u32, byte: u8| crc << 8 ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)];
    let (before, after) = (&page[..22.min(page.len())], page.get(26..).unwrap_or_default());
    let crc = before.iter().chain(&[0; 4]).fold(0, |crc, byte| step(crc, *byte));
    after.iter().fold(crc, |crc, byte| step(crc, *byte))
}

const TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 1 {
                crc << 1 ^ 0x04c1_1db7
            } else {
                crc << 1
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// The packets of one stream, put together from its pages.
#[derive(Clone)]
pub(crate) struct Packets<'a> {
    pages: Pages<'a>,
    serial: u32,
    segments: &'a [u8],
    body: &'a [u8],
    begun: bool,
    /// A packet that goes over pages.
    packet: Vec<u8>,
}

impl<'a> Packets<'a> {
    fn new(bytes: &'a [u8], serial: u32) -> Self {
        let pages = Pages::new(bytes);
        Self {
            pages,
            serial,
            segments: &[],
            body: &[],
            begun: false,
            packet: Vec::new(),
        }
    }

    /// The next whole packet; `None` at the end of the stream.
    pub(crate) fn next_packet(&mut self) -> Option<&[u8]> {
        self.packet.clear();
        loop {
            while self.segments.is_empty() {
                self.next_page()?;
            }
            let whole = self.segments.iter().position(|segment| *segment < 255);
            let count = whole.map_or(self.segments.len(), |at| at + 1);
            let (lacing, segments) = self.segments.split_at(count);
            let len = lacing.iter().map(|segment| usize::from(*segment)).sum::<usize>();
            let (part, body) = self.body.split_at_checked(len)?;
            (self.segments, self.body) = (segments, body);
            self.packet.extend_from_slice(part);
            if whole.is_some() {
                return Some(&self.packet);
            }
        }
    }

    fn next_page(&mut self) -> Option<()> {
        let page = self.pages.find(|page| page.serial == self.serial)?;
        if page.begins && self.begun {
            return None;
        }
        self.begun = true;
        (self.segments, self.body) = (page.segments, page.body);
        if !page.continues {
            // What was begun and is not continued is lost.
            self.packet.clear();
        }
        Some(())
    }
}
