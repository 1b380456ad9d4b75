//! What `probe` says of files that other programs wrote.

use crate::file;
use audio::{Codec, Finding, mismatch, probe, telephony::objections};

#[test]
fn each_kind_is_known_by_its_content() {
    for (name, said) in [
        ("u8.wav", "WAV, unsigned PCM 8 bit, 8000 Hz, mono, 0.60 s"),
        ("s16le.wav", "WAV, PCM 16 bit, 8000 Hz, mono, 0.60 s"),
        (
            "extensible-s24-stereo.wav",
            "WAV, PCM 24 bit, 8000 Hz, stereo, 0.60 s",
        ),
        (
            "f64le.wav",
            "WAV, floating-point PCM 64 bit, 8000 Hz, mono, 0.60 s",
        ),
        ("mulaw.wav", "WAV, mu-law, 8000 Hz, mono, 0.60 s"),
        ("alaw.wav", "WAV, A-law, 8000 Hz, mono, 0.60 s"),
        ("rf64.wav", "WAV, PCM 16 bit, 8000 Hz, mono, 0.60 s"),
        ("six-channels.wav", "WAV, PCM 16 bit, 8000 Hz, 6 channels, 0.60 s"),
        ("mpeg1-stereo.mp3", "MP3, 44100 Hz, stereo, 0.60 s"),
        ("mpeg2.mp3", "MP3, 16000 Hz, mono, 0.60 s"),
        ("mpeg25.mp3", "MP3, 8000 Hz, mono, 0.60 s"),
        ("stereo.m4a", "MP4, AAC-LC, 44100 Hz, stereo, 0.60 s"),
        ("vorbis.ogg", "Ogg, Vorbis, 16000 Hz, mono, 0.60 s"),
        ("opus-voip.opus", "Ogg, Opus, 48000 Hz, mono, 0.60 s"),
        ("s16.flac", "FLAC, 8000 Hz, mono, 0.60 s"),
    ] {
        let media = probe(&file(name)).unwrap();
        assert_eq!(media.to_string(), said, "{name}");
        assert_eq!(media.findings, [], "{name}");
    }
}

#[test]
fn tags_are_read_in_every_kind() {
    for name in [
        "tagged.wav",
        "mpeg1-stereo.mp3",
        "id3v1.mp3",
        "mono.m4a",
        "vorbis.ogg",
        "opus.ogg",
        "s16.flac",
    ] {
        let media = probe(&file(name)).unwrap();
        assert!(
            media.tags.iter().any(|tag| tag.value == "A tone"),
            "{name}: {:?}",
            media.tags
        );
    }
}

#[test]
fn oddities_are_found() {
    assert_eq!(
        probe(&file("vbr-without-header.mp3")).unwrap().findings,
        [Finding::VbrWithoutHeader]
    );
    assert_eq!(
        probe(&file("streamed.wav")).unwrap().findings,
        [Finding::Streamed]
    );
    let longer = [file("s16le.wav"), vec![0xff; 7]].concat();
    assert_eq!(probe(&longer).unwrap().findings, [Finding::Trailing(7)]);
}

/// AAC whose configuration announces spectral band replication: as its own object type, and behind it.
#[test]
fn he_aac_is_known_and_refused() {
    let bytes = file("mono.m4a");
    let at = bytes
        .windows(2)
        .position(|window| window == [0x14, 0x08])
        .unwrap();
    let mut explicit = bytes.clone();
    // Object type 5, 8000 Hz, one channel, 16000 Hz.
    explicit[at..at + 2].copy_from_slice(&[0b0010_1101, 0b1000_1100]);
    let media = probe(&explicit).unwrap();
    assert_eq!((media.codec.clone(), media.rate), (Codec::HeAac, 16000));
    let refused = audio::decode(&explicit).unwrap_err();
    assert!(
        refused.to_string().starts_with("HE-AAC is not decoded"),
        "{refused}"
    );
}

#[test]
fn a_name_that_promises_something_else_is_a_mismatch() {
    let media = probe(&file("mpeg2.mp3")).unwrap();
    let said = mismatch("Welcome.WAV", &media).map(|mismatch| mismatch.to_string());
    assert_eq!(
        said.as_deref(),
        Some("the name ends in .wav, but the content is MP3 (MP3)")
    );
    assert_eq!(mismatch("welcome.mp3", &media), None);
    assert_eq!(mismatch("welcome", &media), None);
}

#[test]
fn telephony_objects_to_all_at_once_by_measured_values() {
    let said = |name: &str, size: u64| -> Vec<String> {
        let media = probe(&file(name)).unwrap();
        objections(&media, size).iter().map(ToString::to_string).collect()
    };
    for fine in ["s16le.wav", "mpeg2.mp3", "vorbis.ogg"] {
        assert!(said(fine, 1000).is_empty(), "{fine}: {:?}", said(fine, 1000));
    }
    assert_eq!(
        said("s24-stereo.flac", 3_000_000),
        [
            "the file has 3000000 bytes; telephony takes at most 2097152 (2 MiB)",
            "the format is FLAC; telephony takes WAV (PCM), MP3, AAC and Ogg",
            "the sample rate is 44100 Hz; telephony takes 8000 or 16000 Hz",
        ]
    );
    assert_eq!(
        said("mpeg25.mp3", 1000),
        ["the bit rate is 32 kbit/s on average; telephony takes 64 to 128 kbit/s"]
    );
    assert_eq!(
        said("mulaw.wav", 1000),
        ["the WAV file holds mu-law; telephony takes PCM in WAV"]
    );
    assert_eq!(
        said("opus.ogg", 1000),
        ["the sample rate is 48000 Hz; telephony takes 8000 or 16000 Hz"]
    );
}

#[test]
fn telephony_objects_to_more_than_ten_minutes() {
    let media = |ms| audio::Media {
        duration_ms: Some(ms),
        ..probe(&file("s16le.wav")).unwrap()
    };
    assert_eq!(objections(&media(600_000), 1000), []);
    let said: Vec<String> = objections(&media(600_001), 1000)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(said, ["the sound is 601 s long; telephony takes at most 600 s"]);
}
