//! Any floats as sound, cut at any place: keys go down and up in turn.
#![no_main]

use audio::dtmf::{Detector, Event};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let samples: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let mut detector = Detector::new();
    let mut held = None;
    let frame = 1 + usize::from(bytes.first().copied().unwrap_or_default());
    for frame in samples.chunks(frame) {
        detector.push(frame, |event| match event {
            Event::Down { key, .. } => assert_eq!(held.replace(key), None),
            Event::Up { key, .. } => assert_eq!(held.take(), Some(key)),
        });
    }
});
