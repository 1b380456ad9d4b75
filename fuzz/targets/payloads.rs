//! Payloads of a call, one after the other, some of them lost: whatever they hold, the sound is bounded and made of numbers.
#![no_main]

use audio::codec::{Codec, Decoder, MAX_SAMPLES};

const CODECS: [Codec; 4] = [Codec::Opus, Codec::L16, Codec::MuLaw, Codec::ALaw];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((codec, mut rest)) = bytes.split_first() else { return };
    let Ok(mut decoder) = Decoder::new(CODECS[usize::from(codec % 4)]) else { return };
    let mut samples = [0.0; MAX_SAMPLES];
    // Each has its length before it; 0 is a packet that was lost.
    while let Some((length, behind)) = rest.split_first() {
        let (payload, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        let sound = match payload {
            [] => decoder.conceal(&mut samples),
            payload => decoder.decode(payload, &mut samples),
        };
        if let Ok(sound) = sound {
            assert!(sound.iter().all(|sample| sample.is_finite()));
        }
    }
});
