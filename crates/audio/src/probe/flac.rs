//! Native FLAC (RFC 9639): its metadata, and its frames by their checksums.

use super::{
    Codec, Container, Finding, Media, ProbeError, Unit,
    field::{array, u16_be, u24_be, u64_be},
    tags,
};

/// Where a FLAC file's sound is.
pub(crate) struct Layout<'a> {
    /// The body of the STREAMINFO block.
    pub(crate) info: &'a [u8],
    pub(crate) frames: Frames<'a>,
    /// Samples a channel in the frames that are there.
    pub(crate) samples: u64,
    pub(crate) changes: bool,
}

pub(super) fn open(bytes: &[u8]) -> Result<(Media, Layout<'_>), ProbeError> {
    let broken = |fault| ProbeError::Broken {
        container: Container::Flac,
        fault,
    };
    let mut collected = tags::Collected::default();
    let (mut info, mut at) = (None, 4);
    loop {
        let kind = *bytes.get(at).ok_or(broken("its metadata has no end"))?;
        let size = u24_be(bytes, at + 1).ok_or(broken("its metadata has no end"))? as usize;
        let body = bytes
            .get(at + 4..at + 4 + size)
            .ok_or(broken("a metadata block goes beyond the file"))?;
        match kind & 0x7f {
            0 => info = info.or(Some(body)),
            4 => collected.comments(body),
            6 => collected.picture(size),
            _ => {}
        }
        at += 4 + size;
        if kind & 0x80 != 0 {
            break;
        }
    }
    let info = info
        .filter(|info| info.len() == 34)
        .ok_or(broken("it has no STREAMINFO block"))?;
    let (rate, channels, bits, declared) = stream(info).ok_or(broken("its STREAMINFO block is too short"))?;
    let mut media = Media::new(Container::Flac, Codec::Flac, rate, channels);
    media.bits = Some(bits);
    let start = Frames {
        bytes,
        at,
        junk: 0,
        patience: PATIENCE,
    };
    let mut frames = start.clone();
    let (mut samples, mut coded, mut changes, mut widened) = (0u64, 0u64, false, false);
    for frame in &mut frames {
        samples += u64::from(frame.samples);
        coded += frame.bytes.len() as u64;
        widened |= frame.side && frame.bits.unwrap_or(bits) == WIDEST;
        changes |= frame.rate.is_some_and(|of| of != rate) || frame.channels != channels;
    }
    media.measured(samples, coded);
    if widened {
        // A difference of 33 bits is more than the decoder reckons with.
        media.codec = Codec::Other("FLAC of 32 bits in joint stereo".to_owned());
    }
    if declared > samples {
        media.find(Finding::Truncated {
            declared,
            present: samples,
            unit: Unit::Samples,
        });
    } else if declared != samples && declared > 0 {
        media.find(Finding::Lie {
            field: "number of samples",
            declared,
            found: samples,
        });
    } else if declared == 0 {
        media.find(Finding::Streamed);
    }
    if frames.junk > 0 {
        media.find(Finding::Junk(frames.junk));
    }
    if changes {
        media.find(Finding::Changes);
    }
    (media.tags, media.findings) = tags::bounded(collected, media.findings);
    Ok((
        media,
        Layout {
            info,
            frames: start,
            samples,
            changes,
        },
    ))
}

/// Most bits of a sample.
const WIDEST: u16 = 32;

/// Rate, channels, bits and number of samples of a STREAMINFO block.
fn stream(info: &[u8]) -> Option<(u32, u16, u16, u64)> {
    let packed = u64_be(info, 10)?;
    let channels = (packed >> 41 & 7) as u16 + 1;
    Some((
        (packed >> 44) as u32,
        channels,
        (packed >> 36 & 31) as u16 + 1,
        packed & 0xf_ffff_ffff,
    ))
}

/// A frame whose checksums are right.
pub(crate) struct Frame<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) samples: u32,
    /// `None`: that of the stream.
    rate: Option<u32>,
    channels: u16,
    /// `None`: those of the stream.
    bits: Option<u16>,
    /// One of the channels is the difference of both.
    side: bool,
}

/// What the header of a frame says.
struct Header {
    /// Its own bytes.
    len: usize,
    samples: u32,
    rate: Option<u32>,
    channels: u16,
    bits: Option<u16>,
    side: bool,
}

/// The frames, found by the checksum of their headers and ended by their own. Linear in the bytes.
#[derive(Clone)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    junk: u64,
    /// How many more damaged frames are left out: each may cost a search through [`LONGEST`] bytes.
    patience: u32,
}

/// Damaged frames after which the rest is given up.
const PATIENCE: u32 = 8;

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            if let Some(frame) = frame(rest) {
                self.at += frame.bytes.len();
                return Some(frame);
            }
            // A frame that is damaged is left out, up to the next that has a header.
            let more = if self.patience > 0 { 1..rest.len() } else { 0..0 };
            self.patience = self.patience.saturating_sub(1);
            let next = more.into_iter().find(|at| header(&rest[*at..]).is_some());
            let skipped = next.unwrap_or(rest.len());
            self.junk += skipped as u64;
            self.at += skipped;
        }
    }
}

/// Longest frame that is looked for: 8 channels of 65,535 samples of 32 bits would be 2 MiB.
const LONGEST: usize = 2 * 1024 * 1024 + 64;

/// The frame at the start: up to where its checksum is right and another begins, or the file ends.
fn frame(rest: &[u8]) -> Option<Frame<'_>> {
    let found = header(rest)?;
    let mut crc = rest[..found.len].iter().fold(0, |crc, byte| crc_16(crc, *byte));
    for end in found.len..rest.len().min(LONGEST) {
        let checked = u16_be(rest, end).is_some_and(|told| is_right(told, crc));
        let after = checked.then(|| rest.get(end + 2..)).flatten();
        if after.is_some_and(|after| after.is_empty() || header(after).is_some()) {
            return Some(Frame {
                bytes: &rest[..end + 2],
                samples: found.samples,
                rate: found.rate,
                channels: found.channels,
                bits: found.bits,
                side: found.side,
            });
        }
        crc = crc_16(crc, rest[end]);
    }
    None
}

fn header(bytes: &[u8]) -> Option<Header> {
    let [sync, strategy, sizes, form] = array(bytes, 0)?;
    if sync != 0xff || strategy & 0xfe != 0xf8 || form & 1 != 0 {
        return None;
    }
    let channels = match form >> 4 {
        independent @ 0..=7 => u16::from(independent) + 1,
        8..=10 => 2,
        _ => return None,
    };
    let bits = match form >> 1 & 7 {
        0 => None,
        3 => return None,
        code => Some(BITS[usize::from(code) - 1]),
    };
    // The frame's or sample's number, coded like UTF-8.
    let number = match bytes.get(4)?.leading_ones() {
        0 => 1,
        more @ 2..=7 => more as usize,
        _ => return None,
    };
    let mut at = 4 + number;
    let samples = match sizes >> 4 {
        0 => return None,
        1 => 192,
        code @ 2..=5 => 144 << code,
        6 => {
            at += 1;
            u32::from(*bytes.get(at - 1)?) + 1
        }
        7 => {
            at += 2;
            u32::from(u16_be(bytes, at - 2)?) + 1
        }
        code => 1 << code,
    };
    let rate = match sizes & 15 {
        0 => None,
        code @ 1..=11 => Some(RATES[usize::from(code) - 1]),
        12 => {
            at += 1;
            Some(u32::from(*bytes.get(at - 1)?) * 1000)
        }
        code @ 13..=14 => {
            at += 2;
            let value = u32::from(u16_be(bytes, at - 2)?);
            Some(if code == 13 { value } else { value * 10 })
        }
        _ => return None,
    };
    let crc = bytes.get(..at)?.iter().fold(0, |crc, byte| crc_8(crc, *byte));
    is_right(*bytes.get(at)?, crc).then_some(Header {
        len: at + 1,
        samples,
        rate,
        channels,
        bits,
        side: form >> 4 > 7,
    })
}

/// Whether a checksum agrees. A fuzzer cannot guess it, and would never come behind it.
fn is_right<T: PartialEq>(told: T, found: T) -> bool {
    cfg!(fuzzing) || told == found
}

const RATES: [u32; 11] = [
    88200, 176_400, 192_000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000,
];

/// The third is reserved.
const BITS: [u16; 7] = [8, 12, 0, 16, 20, 24, 32];

fn crc_8(crc: u8, byte: u8) -> u8 {
    (0..8).fold(crc ^ byte, |crc, _| {
        if crc & 0x80 != 0 {
            crc << 1 ^ 0x07
        } else {
            crc << 1
        }
    })
}

fn crc_16(crc: u16, byte: u8) -> u16 {
    crc << 8 ^ CRC_16[usize::from((crc >> 8) as u8 ^ byte)]
}

const CRC_16: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 15 == 1 {
                crc << 1 ^ 0x8005
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
