//! Bytes that somebody meant harm with.

use crate::file;
use audio::{Limits, decode_within, probe, telephony};
use proptest::prelude::*;

const FILES: [&str; 14] = [
    "s16le.wav",
    "extensible-s24-stereo.wav",
    "rf64.wav",
    "f64le.wav",
    "mpeg1-stereo.mp3",
    "mpeg25.mp3",
    "vbr.mp3",
    "stereo.aac",
    "mono.m4a",
    "stereo.m4a",
    "vorbis.ogg",
    "opus-stereo.opus",
    "s16.flac",
    "s24-stereo.flac",
];

const LIMITS: Limits = Limits {
    max_seconds: 10,
    max_samples: 400_000,
    max_channels: 8,
};

/// Whatever the bytes are: no panic, and nothing beyond the bounds.
fn stays_in_bounds(bytes: &[u8]) {
    if let Ok(media) = probe(bytes) {
        assert!(media.tags.len() <= audio::probe::MAX_TAGS);
        let _ = telephony::objections(&media, bytes.len() as u64);
    }
    if let Ok(sound) = decode_within(bytes, &LIMITS) {
        assert!(sound.samples.len() as u64 <= LIMITS.max_samples);
        assert!(sound.samples.iter().all(|sample| sample.is_finite()));
    }
}

proptest! {
    #[test]
    fn any_bytes_stay_in_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        stays_in_bounds(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_magic_stay_in_bounds(
        magic in proptest::sample::select(vec![
            &b"RIFF\0\0\0\0WAVEfmt "[..], b"\0\0\0\x08ftyp\0\0\x01\0moov", b"OggS\0\x02", b"fLaC\0\0\0\x22", b"\xff\xfb\x90\x64",
            b"\xff\xf1\x50\x80", b"ID3\x04\0\0\0\0\0\x40TIT2",
        ]),
        tail in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        stays_in_bounds(&[magic, &tail].concat());
    }

    #[test]
    fn a_mutated_file_stays_in_bounds(
        name in proptest::sample::select(FILES.to_vec()),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
        in_the_head: bool,
    ) {
        let mut bytes = file(name);
        let reach = if in_the_head { bytes.len().min(200) } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(reach)] = value;
        }
        let length = cut.map_or(bytes.len(), |cut| cut.index(bytes.len()));
        stays_in_bounds(&bytes[..length]);
    }
}
