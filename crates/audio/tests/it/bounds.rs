//! Limits are judged before decoding.

use crate::file;
use audio::{DecodeError, Limits, decode_within};

#[test]
fn what_is_longer_than_the_limits_is_refused() {
    let short = Limits {
        max_samples: 100,
        ..Limits::default()
    };
    for name in [
        "s16le.wav",
        "mpeg2.mp3",
        "mono.aac",
        "mono.m4a",
        "vorbis.ogg",
        "opus.ogg",
        "s16.flac",
    ] {
        let refused = decode_within(&file(name), &short);
        assert!(
            matches!(refused, Err(DecodeError::TooLong { max_samples: 100, .. })),
            "{name}: {refused:?}"
        );
        assert!(
            decode_within(
                &file(name),
                &Limits {
                    max_seconds: 1,
                    ..Limits::default()
                }
            )
            .is_ok(),
            "{name}"
        );
    }
}

#[test]
fn fewer_channels_can_be_asked_for() {
    let mono = Limits {
        max_channels: 1,
        ..Limits::default()
    };
    let refused = decode_within(&file("vorbis-stereo.ogg"), &mono);
    assert!(
        matches!(refused, Err(DecodeError::Channels { channels: 2, max: 1 })),
        "{refused:?}"
    );
}
