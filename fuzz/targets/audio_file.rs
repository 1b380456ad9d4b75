//! An audio file, whatever it says it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = audio::wav::read_recording(bytes);
    if let Ok(sound) = audio::decode(bytes) {
        assert!(sound.samples.iter().all(|sample| sample.is_finite()));
    }
});
