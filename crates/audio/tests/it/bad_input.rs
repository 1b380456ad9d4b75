//! What people give as audio and is none, or is broken: each has a fault with a name.

use crate::file;
use audio::{Codec, DecodeError, Finding, ProbeError, Unit, decode, probe};

#[test]
fn what_is_no_audio_is_called_by_its_name() {
    for (bytes, said) in [
        (&b""[..], "the file is empty (0 bytes)"),
        (
            b"\n <!DOCTYPE html><html>not found",
            "this is an HTML page, not audio",
        ),
        (b"{\"error\": \"not found\"}", "this is JSON, not audio"),
        (b"PK\x03\x04\x14\0\0\0", "this is a ZIP archive, not audio"),
        (b"\x89PNG\r\n\x1a\n", "this is a PNG picture, not audio"),
        (b"Welcome to the machine", "this is a text, not audio"),
        (&[0; 5000], "this is nothing but zeros, not audio"),
        (
            b"RIFF\x04\0\0\0WAVE",
            "the WAV file is damaged: it has no usable fmt chunk",
        ),
    ] {
        assert_eq!(probe(bytes).unwrap_err().to_string(), said);
        assert_eq!(decode(bytes).unwrap_err().to_string(), said);
    }
    assert_eq!(probe(&file("layer2.mp2")), Err(ProbeError::Unknown));
    assert_eq!(probe(&file("tone.aiff")), Err(ProbeError::NotRead("AIFF")));
    assert_eq!(
        probe(&file("tone.webm")),
        Err(ProbeError::NotRead("Matroska or WebM"))
    );
    assert_eq!(
        probe(&file("fragmented.mp4")),
        Err(ProbeError::NotRead("fragmented MP4"))
    );
}

#[test]
fn codecs_that_are_not_decoded_are_named() {
    for (name, codec) in [
        ("adpcm.wav", "IMA ADPCM"),
        ("alac.m4a", "ALAC"),
        ("speex.ogg", "Speex"),
        ("flac.ogg", "FLAC in Ogg"),
    ] {
        let refused = decode(file(name)).unwrap_err();
        assert!(
            matches!(&refused, DecodeError::Codec(Codec::Other(named)) if named == codec),
            "{name}: {refused}"
        );
    }
    assert!(matches!(
        decode(file("opus-six-channels.opus")),
        Err(DecodeError::Mapping(1))
    ));
}

/// A WAV of 16 bits, with its `fmt ` chunk changed.
fn wav_with(at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = file("s16le.wav");
    bytes[20 + at..20 + at + value.len()].copy_from_slice(value);
    bytes
}

#[test]
fn impossible_rates_and_channels_are_refused() {
    assert!(matches!(decode(wav_with(4, &[0; 4])), Err(DecodeError::Rate(0))));
    assert!(matches!(
        decode(wav_with(2, &[64, 0])),
        Err(DecodeError::Channels { channels: 64, max: 8 })
    ));
    assert!(matches!(
        decode(wav_with(2, &[0, 0])),
        Err(DecodeError::Channels { channels: 0, .. })
    ));
    let media = probe(&wav_with(4, &[0; 4])).unwrap();
    assert_eq!((media.rate, media.duration_ms), (0, None));
}

#[test]
fn a_file_that_breaks_off_gives_what_is_there_and_says_so() {
    for name in [
        "s16le.wav",
        "mpeg2.mp3",
        "mono.aac",
        "vorbis.ogg",
        "opus.ogg",
        "s24-stereo.flac",
        "stereo.m4a",
    ] {
        let whole = file(name);
        let cut = &whole[..whole.len() * 17 / 20];
        let media = probe(cut).unwrap();
        let truncated = media
            .findings
            .iter()
            .any(|finding| matches!(finding, Finding::Truncated { .. }));
        assert!(truncated, "{name}: {:?}", media.findings);
        let (heard, all) = (
            decode(cut).expect(name).duration_ms(),
            decode(&whole).unwrap().duration_ms(),
        );
        assert!((50..all).contains(&heard), "{name}: {heard} ms of {all}");
        // How much a page of Vorbis holds that breaks off, only the decoder knows.
        let told = media.duration_ms.unwrap_or(heard);
        assert!(
            told.abs_diff(heard) <= 1,
            "{name}: {told} ms told, {heard} ms heard"
        );
    }
}

#[test]
fn a_size_that_lies_takes_no_memory_and_is_found() {
    let mut bytes = file("s16le.wav");
    let at = bytes.windows(4).position(|window| window == b"data").unwrap() + 4;
    let real = bytes.len() - at - 4;
    bytes[at..at + 4].copy_from_slice(&0x7ffe_0000u32.to_le_bytes());
    let media = probe(&bytes).unwrap();
    let truncated = Finding::Truncated {
        declared: 0x7ffe_0000,
        present: real as u64,
        unit: Unit::Bytes,
    };
    assert_eq!(media.findings[0], truncated);
    assert_eq!(decode(&bytes).unwrap().duration_ms(), 600);
}

#[test]
fn sound_of_no_length_is_refused() {
    let mut bytes = file("s16le.wav");
    let at = bytes.windows(4).position(|window| window == b"data").unwrap();
    bytes.truncate(at + 8);
    bytes[at + 4..].copy_from_slice(&[0; 4]);
    assert!(matches!(decode(&bytes), Err(DecodeError::Empty)));
    assert_eq!(probe(&bytes).unwrap().duration_ms, Some(0));
}

#[test]
fn samples_that_are_no_numbers_become_silence() {
    let mut bytes = file("f32le.wav");
    let end = bytes.len();
    bytes[end - 8..end - 4].copy_from_slice(&f32::NAN.to_le_bytes());
    bytes[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert_eq!(probe(&bytes).unwrap().findings, [Finding::NotNumbers(2)]);
    assert!(
        decode(&bytes)
            .unwrap()
            .samples
            .iter()
            .all(|sample| sample.is_finite())
    );
}

#[test]
fn samples_beyond_32_bits_become_silence_and_are_counted() {
    let mut bytes = file("f64le.wav");
    let end = bytes.len();
    bytes[end - 8..].copy_from_slice(&1e300f64.to_le_bytes());
    assert_eq!(probe(&bytes).unwrap().findings, [Finding::NotNumbers(1)]);
    assert_eq!(decode(&bytes).unwrap().samples.last(), Some(&0.0));
}

#[test]
fn a_tag_larger_than_the_file_does_not_hide_the_sound() {
    let mut bytes = b"ID3\x03\0\0\x7f\x7f\x7f\x7f".to_vec();
    bytes.extend(file("no-gaps-told.mp3"));
    let media = probe(&bytes).unwrap();
    assert!(
        matches!(media.findings[..], [.., Finding::TagBeyondFile { .. }]),
        "{:?}",
        media.findings
    );
}

#[test]
fn a_bomb_of_tags_is_bounded() {
    let mut list = b"INFO".to_vec();
    for _ in 0..5000 {
        list.extend(b"INAM\x04\x00\x00\x00abcd");
    }
    let mut bytes = file("s16le.wav");
    bytes.extend(b"LIST");
    bytes.extend((list.len() as u32).to_le_bytes());
    bytes.extend(list);
    let media = probe(&bytes).unwrap();
    assert_eq!(media.tags.len(), audio::probe::MAX_TAGS);
    assert!(
        media.findings.contains(&Finding::TagsLeftOut(5000 - 64)),
        "{:?}",
        media.findings
    );
}

#[test]
fn chained_ogg_and_mixed_mp3_are_refused() {
    let chained = [file("vorbis.ogg"), file("vorbis-stereo.ogg")].concat();
    assert!(matches!(decode(&chained), Err(DecodeError::Chained)));
    let mixed = [file("no-gaps-told.mp3"), file("vbr-without-header.mp3")].concat();
    assert!(probe(&mixed).unwrap().findings.contains(&Finding::Changes));
    assert!(matches!(decode(&mixed), Err(DecodeError::Changes)));
}
