//! MP3: frames of MPEG 1, 2 and 2.5 layer III, and the Xing, Info and VBRI headers.

use super::{
    Codec, Container, Finding, Media,
    field::{array, u24_be, u32_be},
    frames::{Frames, Header},
    tags,
};

/// Where an MP3's sound is.
pub(crate) struct Layout<'a> {
    /// The frames that hold sound.
    pub(crate) frames: Frames<'a>,
    /// Samples a channel that they decode to.
    pub(crate) samples: u64,
    /// Samples to leave out at the start: what the encoder and the decoder put there.
    pub(crate) skip: u64,
    /// Samples to leave out at the end.
    pub(crate) drop: u64,
    /// Sample rate or channels change.
    pub(crate) changes: bool,
}

/// What an MP3 decoder is late by, in samples.
const DECODER_DELAY: u64 = 529;

pub(super) fn open<'a>(bytes: &'a [u8], tag_bytes: u64) -> Option<(Media, Layout<'a>)> {
    let mut collected = tags::Collected::default();
    let tag = bytes.get(..usize::try_from(tag_bytes).ok()?.min(bytes.len()))?;
    collected.id3(tag);
    let end = tags::without_tail(bytes, &mut collected);
    let sound = bytes.get(tag.len()..end)?;
    let found = Frames::find(sound, header)?;
    let mut frames = found.clone();
    let (first, data) = frames.next()?;
    let info = Info::read(data, first.channels, first.kind);
    let start = if info.is_some() { frames } else { found };

    let mut media = Media::new(Container::Mp3, Codec::Mp3, first.rate, first.channels);
    let sums = Sums::of(start.clone());
    media.findings = sums.findings(info.as_ref());
    // What breaks off has lost its padding with its end.
    let broken = media
        .findings
        .iter()
        .any(|finding| matches!(finding, Finding::Truncated { .. }));
    let (skip, drop) = info
        .as_ref()
        .map_or((0, 0), |info| (info.skip, if broken { 0 } else { info.drop }));
    media.measured(sums.samples, sums.bytes);
    media.duration_ms = Some(sums.samples.saturating_sub(skip + drop) * 1000 / u64::from(first.rate));
    (media.tags, media.findings) = tags::bounded(collected, media.findings);
    let (samples, changes) = (sums.samples, sums.changes);
    Some((
        media,
        Layout {
            frames: start,
            samples,
            skip,
            drop,
            changes,
        },
    ))
}

/// What all frames are together.
struct Sums {
    frames: u64,
    samples: u64,
    bytes: u64,
    varies: bool,
    changes: bool,
    junk: u64,
    left: u64,
    cut: Option<(usize, usize)>,
}

impl Sums {
    fn of(mut frames: Frames<'_>) -> Self {
        let (mut count, mut samples, mut bytes) = (0, 0, 0);
        let (mut varies, mut changes) = (false, false);
        let mut first: Option<(Header, u8)> = None;
        for (header, frame) in &mut frames {
            let bit_rate = frame[2] >> 4;
            let (of, rate) = *first.get_or_insert((header, bit_rate));
            varies |= rate != bit_rate;
            changes |= (of.rate, of.channels, of.kind) != (header.rate, header.channels, header.kind);
            count += 1;
            samples += u64::from(header.samples);
            bytes += header.len as u64;
        }
        let (junk, left, cut) = (frames.junk, frames.left as u64, frames.cut);
        Self {
            frames: count,
            samples,
            bytes,
            varies,
            changes,
            junk,
            left,
            cut,
        }
    }

    fn findings(&self, info: Option<&Info>) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Some programs count the header's own frame.
        let counted = info.and_then(|info| info.frames).map(u64::from);
        let differs = counted.filter(|told| told.abs_diff(self.frames) > 1);
        let missing = differs.and_then(|told| told.checked_sub(self.frames));
        let per_frame = self.bytes.checked_div(self.frames).unwrap_or(1);
        let (rest, of) = match (self.cut, missing) {
            (Some((declared, present)), missing) => {
                (present as u64, missing.unwrap_or(0).max(1) * (declared as u64))
            }
            (None, Some(missing)) => (0, missing.saturating_mul(per_frame)),
            (None, None) => (0, 0),
        };
        if of > rest {
            let (declared, present) = (self.bytes.saturating_add(of), self.bytes + rest);
            findings.push(Finding::cut(declared, present));
        } else if let Some(declared) = differs {
            let found = self.frames;
            findings.push(Finding::Lie {
                field: "number of frames",
                declared,
                found,
            });
        }
        if self.varies && info.is_none() {
            findings.push(Finding::VbrWithoutHeader);
        }
        if self.junk > 0 {
            findings.push(Finding::Junk(self.junk));
        }
        if self.left > 0 {
            findings.push(Finding::Trailing(self.left));
        }
        if self.changes {
            findings.push(Finding::Changes);
        }
        findings
    }
}

const RATES: [u32; 3] = [44_100, 48_000, 32_000];
const KBIT_1: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBIT_2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
/// The version bits of MPEG 1.
const MPEG_1: u8 = 3;

/// The header of a layer III frame. Free-format frames, whose length nothing tells, are none.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let [sync, version, rates, mode] = array(bytes, 0)?;
    if sync != 0xff || version & 0xe0 != 0xe0 || version >> 1 & 3 != 1 || mode & 3 == 2 {
        return None;
    }
    let kind = version >> 3 & 3;
    let shift = match kind {
        MPEG_1 => 0,
        2 => 1,
        0 => 2,
        _ => return None,
    };
    let rate = *RATES.get(usize::from(rates >> 2 & 3))? >> shift;
    let table = if kind == MPEG_1 { &KBIT_1 } else { &KBIT_2 };
    let kbit = *table.get(usize::from(rates >> 4)).filter(|kbit| **kbit > 0)?;
    let samples = if kind == MPEG_1 { 1152 } else { 576 };
    let len = samples / 8 * kbit * 1000 / rate + u32::from(rates >> 1 & 1);
    let channels = if mode >> 6 == 3 { 1 } else { 2 };
    Some(Header {
        len: len as usize,
        samples,
        rate,
        channels,
        kind,
    })
}

/// What the first frame says about all others, when it holds that instead of sound.
struct Info {
    frames: Option<u32>,
    skip: u64,
    drop: u64,
}

impl Info {
    fn read(frame: &[u8], channels: u16, kind: u8) -> Option<Self> {
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Self {
                frames: u32_be(frame, 50),
                skip: 0,
                drop: 0,
            });
        }
        let side = match (kind, channels) {
            (MPEG_1, 2) => 32,
            (MPEG_1, _) | (_, 2) => 17,
            _ => 9,
        };
        // A frame with a checksum has it before the side information.
        let at = [4 + side, 6 + side];
        let at = at
            .into_iter()
            .find(|at| matches!(frame.get(*at..*at + 4), Some(b"Xing" | b"Info")))?;
        let flags = u32_be(frame, at + 4)?;
        let mut next = at + 8;
        let mut field = |bit: u32, size: usize| {
            let here = next;
            let there = flags & bit != 0;
            next += if there { size } else { 0 };
            there.then(|| u32_be(frame, here)).flatten()
        };
        let frames = field(1, 4);
        field(2, 4);
        field(4, 100);
        field(8, 4);
        let (skip, drop) = gaps(frame, next).unwrap_or((0, 0));
        Some(Self { frames, skip, drop })
    }
}

/// The samples that LAME (and those who write like it) added at both ends.
fn gaps(frame: &[u8], extension: usize) -> Option<(u64, u64)> {
    frame.get(extension).filter(|byte| byte.is_ascii_alphanumeric())?;
    let both = u24_be(frame, extension + 21)?;
    let (delay, padding) = (u64::from(both >> 12), u64::from(both & 0xfff));
    if (delay, padding) == (0, 0) {
        return None;
    }
    Some((delay + DECODER_DELAY, padding.saturating_sub(DECODER_DELAY)))
}
