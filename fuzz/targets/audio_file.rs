//! An audio file, whatever it says it is: what it is, what telephony would say, and its sound.
#![no_main]

/// A short limit, so that the fuzzer is fast and sees it at work.
const LIMITS: audio::Limits = audio::Limits { max_seconds: 20, max_samples: 400_000, max_channels: 8 };

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = audio::wav::read_recording(bytes);
    let media = audio::probe(bytes);
    if let Ok(media) = &media {
        assert!(media.tags.len() <= audio::probe::MAX_TAGS);
        let _ = (media.to_string(), audio::mismatch("prompt.mp3", media));
        for objection in audio::telephony::objections(media, bytes.len() as u64) {
            assert!(!objection.to_string().is_empty());
        }
    }
    if let Ok(sound) = audio::decode_within(bytes, &LIMITS) {
        assert!(media.is_ok());
        assert!(sound.samples.len() as u64 <= LIMITS.max_samples);
        assert!(sound.samples.iter().all(|sample| sample.is_finite()));
    }
});
