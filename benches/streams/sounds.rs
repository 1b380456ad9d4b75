//! What is played and said.

use crate::noise::{pink, white};
use audio::{FRAME_SAMPLES, Law, TELEPHONY_RATE, wav};
use std::{fs, path::Path};

/// A frame of 20 ms in mu-law.
pub(crate) type Frame = [u8; FRAME_SAMPLES];

/// What a caller's line sounds like when nobody speaks, in dBFS.
const QUIET_DB: f32 = -65.0;

/// A prompt of so many seconds, of the demo's prompts in mu-law, as a WAV file.
pub(crate) fn prompt(seconds: usize) -> Vec<u8> {
    let samples = seconds * TELEPHONY_RATE as usize;
    let all: Vec<f32> = spoken().concat().into_iter().cycle().take(samples).collect();
    wav::g711(Law::Mu, &Law::Mu.encode_all(&all))
}

/// Every prompt of the demo, as a caller would say it: from its first sound on.
pub(crate) fn utterances() -> Vec<Vec<Frame>> {
    spoken().iter().map(|samples| frames(samples)).collect()
}

/// So much of a quiet line.
pub(crate) fn quiet(count: usize) -> Vec<Frame> {
    frames(&at_level(white(3, count * FRAME_SAMPLES), QUIET_DB))
}

/// Noise of a kind at a level.
pub(crate) fn noise(kind: &str, db: f32, seed: u32, count: usize) -> Vec<Frame> {
    let samples = count * FRAME_SAMPLES;
    let sound = match kind {
        "pink" => pink(seed, samples),
        _ => white(seed, samples),
    };
    frames(&at_level(sound, db))
}

fn spoken() -> Vec<Vec<f32>> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let files =
        ["prompts", "speech"].map(|folder| fs::read_dir(demo.join(folder)).expect("the demo is there"));
    let files = files
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("it can be listed").path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|name| name == "wav"))
        .collect();
    files.sort();
    let read = |path| {
        let file = fs::read(path).expect("it can be read");
        let samples = audio::decode(file)
            .expect("it is sound")
            .resampled(TELEPHONY_RATE)
            .samples;
        let loudest = samples
            .iter()
            .fold(0f32, |loudest, sample| loudest.max(sample.abs()));
        let first = samples.iter().position(|sample| sample.abs() > loudest / 50.0);
        samples[first.unwrap_or(0)..].to_vec()
    };
    files.iter().map(read).collect()
}

/// Whole frames of it.
fn frames(samples: &[f32]) -> Vec<Frame> {
    Law::Mu.encode_all(samples).as_chunks().0.to_vec()
}

fn at_level(mut sound: Vec<f32>, db: f32) -> Vec<f32> {
    let power = sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32;
    let gain = 10f32.powf(db / 20.0) / power.sqrt().max(f32::MIN_POSITIVE);
    sound.iter_mut().for_each(|sample| *sample *= gain);
    sound
}
