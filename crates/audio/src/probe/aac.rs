//! AAC: its configuration (ISO 14496-3, AudioSpecificConfig), and whether frames carry spectral band replication.

use super::{Codec, field::Bits};

pub(super) const RATES: [u32; 13] = [
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/// What a decoder has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) codec: Codec,
    pub(super) rate: u32,
    pub(super) channels: u16,
}

impl Config {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits { bytes, at: 0 };
        let mut object = object_type(&mut bits)?;
        let mut rate = sample_rate(&mut bits)?;
        let channels = channel_count(bits.take(4)?);
        let explicit = matches!(object, 5 | 29);
        if explicit {
            rate = sample_rate(&mut bits)?;
            object = object_type(&mut bits)?;
        }
        let short = bits.take(1)? == 1;
        let codec = match object {
            _ if explicit || announces_replication(bits) => Codec::HeAac,
            2 if short => Codec::Other("AAC-LC with frames of 960 samples".to_owned()),
            2 => Codec::AacLc,
            other => Codec::Other(profile(other)),
        };
        Some(Self {
            codec,
            rate,
            channels,
        })
    }
}

/// The name of an audio object type.
pub(super) fn profile(object: u32) -> String {
    let name = match object {
        1 => "AAC Main",
        3 => "AAC-SSR",
        4 => "AAC-LTP",
        23 => "AAC-LD",
        34 => "MP3 in MP4",
        39 => "AAC-ELD",
        42 => "xHE-AAC (USAC)",
        other => return format!("MPEG-4 audio object {other}"),
    };
    name.to_owned()
}

fn object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        object => Some(object),
    }
}

fn sample_rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24),
        index => RATES.get(index as usize).copied(),
    }
}

/// Channels of a configuration; 0 when they are told elsewhere.
pub(super) fn channel_count(configuration: u32) -> u16 {
    match configuration {
        1..=6 => configuration as u16,
        7 => 8,
        _ => 0,
    }
}

/// The extension behind the configuration that older decoders do not see.
fn announces_replication(mut bits: Bits<'_>) -> bool {
    while bits.left() >= 16 {
        let mut here = bits;
        if here.take(11) == Some(0x2b7) {
            return here.take(5) == Some(5) && here.take(1) == Some(1);
        }
        bits.at += 1;
    }
    false
}

/// How many frames are looked at.
const LOOKED_AT: usize = 24;
/// Longest frame that is looked at, in bytes: what AAC allows for two channels.
const LONGEST: usize = 1536;

/// Whether nearly all frames end in a fill element with spectral band replication, which nothing else announces.
///
/// By the frames' ends: their beginnings could only be read by decoding them.
pub(super) fn frames_replicate<'a>(frames: impl Iterator<Item = &'a [u8]>) -> bool {
    let (mut seen, mut with) = (0, 0);
    for frame in frames.take(LOOKED_AT) {
        seen += 1;
        with += usize::from(ends_in_replication(frame));
    }
    // By chance about one frame in ten looks like it.
    seen >= 2 && with * 10 >= seen * 8
}

const FILL: u32 = 6;
const END: u32 = 7;

fn ends_in_replication(frame: &[u8]) -> bool {
    frame.len() <= LONGEST && (0..frame.len() * 8).any(|at| fill_then_end(Bits { bytes: frame, at }, true))
}

/// Whether here is a fill element (of spectral band replication, if `replicates`) and then the end.
fn fill_then_end(mut bits: Bits<'_>, replicates: bool) -> bool {
    let Some((FILL, count)) = bits.take(3).zip(bits.take(4)) else {
        return false;
    };
    let count = match count {
        15 => bits.take(8).map_or(0, |more| 14 + more),
        count => count,
    };
    let mut payload = bits;
    if replicates && !matches!(payload.take(4), Some(13 | 14)) {
        return false;
    }
    bits.at += count as usize * 8;
    let mut end = bits;
    if count == 0 || bits.left() < 3 {
        return false;
    }
    match end.take(3) {
        Some(END) => end.left() < 8,
        // Encoders may fill up behind it, once.
        Some(FILL) if replicates => fill_then_end(bits, false),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replication_that_nothing_announces_is_seen_at_the_frames_ends() {
        // Fill element of 2 bytes, its kind, END, and zeros up to the byte.
        let tail = |kind: u32| (0b110_0010_u32 << 25 | kind << 21 | 0b111 << 6).to_be_bytes();
        let frame = |kind| [&[0x21; 40][..], &tail(kind)].concat();
        let frames = |kind| vec![frame(kind); 10];
        assert!(frames_replicate(frames(13).iter().map(Vec::as_slice)));
        assert!(!frames_replicate(frames(0).iter().map(Vec::as_slice)));
        let mixed = [frames(13), frames(0)].concat();
        assert!(!frames_replicate(mixed.iter().map(Vec::as_slice)));
    }

    #[test]
    fn replication_that_is_announced_behind_the_configuration_is_seen() {
        // AAC-LC, 22050 Hz, two channels; then the sync extension: object type 5, present, 44100 Hz.
        let plain = Config::read(&[0x13, 0x90]).unwrap();
        assert_eq!(
            (plain.codec, plain.rate, plain.channels),
            (Codec::AacLc, 22050, 2)
        );
        let extended = Config::read(&[0x13, 0x90, 0x56, 0xe5, 0xa0]).unwrap();
        assert_eq!(extended.codec, Codec::HeAac);
    }
}
