//! MP4 (ISO 14496-12 and -14) with AAC: its boxes, and where the samples are.

use super::{
    AAC_PRIMING, Codec, Container, Finding, Media, ProbeError,
    aac::{self, Config},
    field::{array, u16_be, u32_be, u64_be},
    tags,
};

/// Where an MP4's sound is.
pub(crate) struct Layout<'a> {
    pub(crate) bytes: &'a [u8],
    /// Place and length of each coded frame; all are within the file, and together no longer than it.
    pub(crate) frames: Vec<(u32, u32)>,
    /// Samples to leave out at the start.
    pub(crate) skip: u64,
    /// Samples to keep after that.
    pub(crate) keep: u64,
}

impl<'a> Layout<'a> {
    /// The coded frames, in order.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = &'a [u8]> {
        let bytes = self.bytes;
        let frame = move |(at, len): &(u32, u32)| bytes.get(*at as usize..*at as usize + *len as usize);
        self.frames.iter().filter_map(frame)
    }
}

/// Samples a channel of an AAC frame.
pub(crate) const FRAME: u64 = 1024;

pub(super) fn is_mp4(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..8), Some(b"ftyp" | b"moov"))
}

fn broken(fault: &'static str) -> ProbeError {
    ProbeError::Broken {
        container: Container::Mp4,
        fault,
    }
}

pub(super) fn open(bytes: &[u8]) -> Result<(Media, Layout<'_>), ProbeError> {
    let movie = child(bytes, b"moov").ok_or(broken("it has no movie box (moov): it is incomplete"))?;
    if child(movie, b"mvex").is_some() {
        return Err(ProbeError::NotRead("fragmented MP4"));
    }
    let track = children(movie)
        .filter(|(kind, _)| kind == b"trak")
        .find(|(_, track)| path(track, &[b"mdia", b"hdlr"]).is_some_and(|h| h.get(8..12) == Some(b"soun")))
        .map(|(_, track)| track)
        .ok_or(broken("it has no sound track"))?;
    let table = path(track, &[b"mdia", b"minf", b"stbl"]).ok_or(broken("its sound track has no tables"))?;
    let entry = child(table, b"stsd").and_then(Entry::read);
    let entry = entry.ok_or(broken("it does not say how its sound is coded"))?;
    let places = places(table, bytes.len() as u64).ok_or(broken(
        "its tables do not say where the sound is, or tell of more than a million frames",
    ))?;

    let mut media = Media::new(
        Container::Mp4,
        entry.config.codec,
        entry.config.rate,
        entry.config.channels,
    );
    let coded = places.frames.iter().map(|(_, len)| u64::from(*len)).sum();
    let mut layout = Layout {
        bytes,
        frames: places.frames,
        skip: 0,
        keep: 0,
    };
    if media.codec == Codec::AacLc && aac::frames_replicate(layout.payloads()) {
        media.codec = Codec::HeAac;
    }
    let decoded = layout.frames.len() as u64 * FRAME;
    let mut collected = tags::Collected::default();
    let gaps = apple_tags(movie, &mut collected);
    let edit = || edit(movie, track, media.rate);
    let (skip, keep) = gaps.or_else(edit).unwrap_or((AAC_PRIMING, u64::MAX));
    (layout.skip, layout.keep) = (skip.min(decoded), keep.min(decoded.saturating_sub(skip)));
    media.measured(decoded, coded);
    if let Codec::AacLc = media.codec {
        media.duration_ms = Some(
            (layout.keep * 1000)
                .checked_div(u64::from(media.rate))
                .unwrap_or(0),
        );
    } else {
        let seconds = declared_ms(track);
        media.duration_ms = seconds;
        media.bit_rate = seconds
            .filter(|ms| *ms > 0)
            .and_then(|ms| u32::try_from(coded * 8000 / ms).ok());
    }
    if places.declared > coded {
        media.find(Finding::cut(places.declared, coded));
    }
    (media.tags, media.findings) = tags::bounded(collected, media.findings);
    Ok((media, layout))
}

/// The boxes in a box: kind and body. A body that is cut off is what is there.
fn children(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut at = 0usize;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let kind = array::<4>(rest, 4)?;
        let (head, size) = match u32_be(rest, 0)? {
            0 => (8, rest.len() as u64),
            1 => (16, u64_be(rest, 8)?),
            size => (8, u64::from(size)),
        };
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        let body = rest.get(head..end)?;
        at += end;
        Some((kind, body))
    })
}

fn child<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    children(bytes)
        .find(|(kind, _)| kind == wanted)
        .map(|(_, body)| body)
}

fn path<'a>(bytes: &'a [u8], kinds: &[&[u8; 4]]) -> Option<&'a [u8]> {
    kinds.iter().try_fold(bytes, |bytes, kind| child(bytes, kind))
}

/// The first entry of a sample description.
struct Entry {
    config: Config,
}

impl Entry {
    fn read(description: &[u8]) -> Option<Self> {
        let (kind, entry) = children(description.get(8..)?).next()?;
        let rate = u32::from(u16_be(entry, 24)?);
        let channels = u16_be(entry, 16)?;
        let other = |name: &str| Config {
            codec: Codec::Other(name.to_owned()),
            rate,
            channels,
        };
        let name = String::from_utf8_lossy(&kind);
        let config = match &kind {
            b"mp4a" => {
                // QuickTime has more fields in its later versions.
                let more = match u16_be(entry, 8)? {
                    1 => 16,
                    2 => 36,
                    _ => 0,
                };
                let stream = child(entry.get(28 + more..)?, b"esds")?;
                let descriptor = Descriptor::read(stream.get(4..)?)?;
                match (descriptor.object, descriptor.config) {
                    (0x40 | 0x67, Some(config)) => {
                        let config = Config::read(config)?;
                        let channels = if config.channels == 0 {
                            channels
                        } else {
                            config.channels
                        };
                        Config { channels, ..config }
                    }
                    (0x69 | 0x6b, _) => other("MP3 in MP4"),
                    (object, _) => other(&format!("MPEG-4 object {object:#04x}")),
                }
            }
            b"alac" => other("ALAC"),
            b"Opus" => other("Opus in MP4"),
            b"fLaC" => other("FLAC in MP4"),
            b"ac-3" | b"ec-3" => other("Dolby AC-3"),
            _ => other(&format!("MP4 codec {name}")),
        };
        Some(Self { config })
    }
}

/// An elementary stream descriptor (ISO 14496-1): the kind of object, and its configuration.
struct Descriptor<'a> {
    object: u8,
    config: Option<&'a [u8]>,
}

impl<'a> Descriptor<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let stream = tagged(bytes, 3)?;
        let flags = *stream.get(2)?;
        let mut at = 3 + if flags & 0x80 != 0 { 2 } else { 0 };
        if flags & 0x40 != 0 {
            at += 1 + usize::from(*stream.get(at)?);
        }
        at += if flags & 0x20 != 0 { 2 } else { 0 };
        let decoder = tagged(stream.get(at..)?, 4)?;
        let config = decoder.get(13..).and_then(|rest| tagged(rest, 5));
        Some(Self {
            object: *decoder.first()?,
            config,
        })
    }
}

/// The body of the descriptor at the start, if it has this tag.
fn tagged(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    bytes.first().filter(|first| **first == tag)?;
    let mut size = 0usize;
    for at in 1..5 {
        let byte = *bytes.get(at)?;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            let rest = bytes.get(at + 1..)?;
            return Some(&rest[..rest.len().min(size)]);
        }
    }
    None
}

struct Places {
    frames: Vec<(u32, u32)>,
    /// Bytes of sound that the tables tell of.
    declared: u64,
}

/// Most frames of a file: six hours at 48 kHz, in 8 MB of places.
const MAX_FRAMES: usize = 1 << 20;

/// Where each frame is, by the tables of chunks and sizes. What is beyond the file is only counted.
fn places(table: &[u8], file: u64) -> Option<Places> {
    let sizes = child(table, b"stsz")?;
    let (uniform, count) = (u32_be(sizes, 4)?, u32_be(sizes, 8)?);
    let size = |index: u64| match uniform {
        0 => u32_be(sizes, 12 + usize::try_from(index).ok()? * 4),
        size => Some(size),
    };
    let (short, long) = (child(table, b"stco"), child(table, b"co64"));
    let offset = |chunk: usize| match short {
        Some(offsets) => u32_be(offsets, 8 + chunk * 4).map(u64::from),
        None => u64_be(long?, 8 + chunk * 8),
    };
    let runs = child(table, b"stsc")?.get(8..)?;
    let run = |index: usize| Some((u32_be(runs, index * 12)?, u32_be(runs, index * 12 + 4)?));

    let mut places = Places {
        frames: Vec::new(),
        declared: 0,
    };
    let (mut index, mut taken, mut current) = (0u64, 0u64, 0);
    let mut chunk = 0usize;
    'chunks: while let Some(mut at) = offset(chunk).filter(|_| index < u64::from(count)) {
        while run(current + 1).is_some_and(|(first, _)| first as usize <= chunk + 1) {
            current += 1;
        }
        for _ in 0..run(current)?.1 {
            let Some(size) = size(index).filter(|_| index < u64::from(count)) else {
                break;
            };
            index += 1;
            places.declared += u64::from(size);
            let end = at.saturating_add(u64::from(size));
            // Frames that overlap would be a file that unfolds into a bigger one.
            if end > file || taken + u64::from(size) > file || end > u64::from(u32::MAX) {
                if uniform > 0 {
                    places.declared = u64::from(uniform) * u64::from(count);
                    break 'chunks;
                }
            } else if size > 0 {
                taken += u64::from(size);
                if places.frames.len() == MAX_FRAMES {
                    return None;
                }
                places.frames.push((at as u32, size));
            }
            at = end;
        }
        chunk += 1;
    }
    Some(places)
}

/// The part of the sound that the edit list has played, from the first edit's start to the last one's end: samples to leave out,
/// and to keep. What lies between edits is kept, too.
fn edit(movie: &[u8], track: &[u8], rate: u32) -> Option<(u64, u64)> {
    let list = path(track, &[b"edts", b"elst"])?;
    let header = path(track, &[b"mdia", b"mdhd"])?;
    let media_scale = u64::from(u32_be(header, if header.first() == Some(&1) { 20 } else { 12 })?);
    let movie_header = child(movie, b"mvhd")?;
    let movie_scale = u64::from(u32_be(
        movie_header,
        if movie_header.first() == Some(&1) { 20 } else { 12 },
    )?);
    let count = u32_be(list, 4)? as usize;
    let long = list.first() == Some(&1);
    let wide = |value: u32| {
        if value == u32::MAX {
            u64::MAX
        } else {
            u64::from(value)
        }
    };
    let entries = (0..count.min(list.len())).map_while(|index| match long {
        true => Some((u64_be(list, 8 + index * 20)?, u64_be(list, 16 + index * 20)?)),
        false => Some((
            wide(u32_be(list, 8 + index * 12)?),
            wide(u32_be(list, 12 + index * 12)?),
        )),
    });
    let in_samples = |units: u64, scale: u64| {
        let samples = (u128::from(units) * u128::from(rate)).checked_div(u128::from(scale))?;
        u64::try_from(samples).ok()
    };
    let (mut first, mut last) = (None, 0u64);
    // An entry without a time is a pause before the sound.
    for (duration, start) in entries.filter(|(_, start)| *start != u64::MAX) {
        let start = in_samples(start, media_scale)?;
        // The movie's clock is coarse (often milliseconds): a duration of 0 is "to the end", and so is the largest.
        let end = match duration {
            0 | u64::MAX => u64::MAX,
            units => start.saturating_add(in_samples(units + 1, movie_scale)?),
        };
        first = Some(first.unwrap_or(start).min(start));
        last = last.max(end);
    }
    first.map(|first| (first, last - first))
}

fn declared_ms(track: &[u8]) -> Option<u64> {
    let header = path(track, &[b"mdia", b"mdhd"])?;
    let (scale, duration) = match header.first()? {
        1 => (u32_be(header, 20)?, u64_be(header, 24)?),
        _ => (u32_be(header, 12)?, u64::from(u32_be(header, 16)?)),
    };
    u64::try_from((u128::from(duration) * 1000).checked_div(u128::from(scale))?).ok()
}

/// Collects the tags; gives the gaps that `iTunSMPB` tells: samples to leave out, and to keep.
fn apple_tags(movie: &[u8], collected: &mut tags::Collected) -> Option<(u64, u64)> {
    let meta = path(movie, &[b"udta", b"meta"])?;
    let list = child(meta.get(4..)?, b"ilst")?;
    let mut gaps = None;
    for (kind, item) in children(list) {
        let Some(data) = child(item, b"data") else {
            continue;
        };
        let value = data.get(8..).unwrap_or_default();
        let free = child(item, b"name").and_then(|name| name.get(4..));
        match (free, u32_be(data, 0)) {
            (Some(b"iTunSMPB"), _) => gaps = smpb(value),
            (name, Some(1)) => {
                collected.utf8(name.unwrap_or(kind.strip_prefix(b"\xa9").unwrap_or(&kind)), value)
            }
            _ if &kind == b"covr" => collected.picture(value.len()),
            _ => {}
        }
    }
    gaps
}

/// `00000000 00000840 000001CA 00000000003F31F6 ...`: delay, padding and length in samples.
fn smpb(value: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(value).ok()?;
    let mut numbers = text
        .split_whitespace()
        .skip(1)
        .map(|field| u64::from_str_radix(field, 16).ok());
    let (delay, _padding, length) = (numbers.next()??, numbers.next()??, numbers.next()??);
    // All zeros are written by programs that do not know.
    (length > 0).then_some((delay, length))
}
