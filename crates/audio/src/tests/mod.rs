//! Sounds for tests: the demo's prompts, and noise.

use std::path::Path;

/// Every prompt and every caller's sentence of the demo, at 8000 Hz, by name.
pub(crate) fn every_prompt() -> Vec<(String, Vec<f32>)> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let folders = ["prompts", "speech"].map(|folder| demo.join(folder).read_dir().unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let wav = files.filter(|path| path.extension().is_some_and(|extension| extension == "wav"));
    let mut prompts: Vec<_> = wav
        .map(|path| (path.display().to_string(), read(&path)))
        .collect();
    prompts.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(prompts.len() > 20);
    prompts
}

#[expect(clippy::disallowed_methods, reason = "only tests read files")]
fn read(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    crate::decode(bytes)
        .unwrap()
        .resampled(crate::TELEPHONY_RATE)
        .samples
}

/// White noise, -0.5 to 0.5, that differs by seed.
pub(crate) fn noise(seed: u32, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_add(1).wrapping_mul(2_654_435_761) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..length).map(next).collect()
}

pub(crate) fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

/// A sound of this power, with a noise so many dB below it.
pub(crate) fn at_snr(sound: &[f32], sound_power: f32, noise: &[f32], db: f32) -> Vec<f32> {
    let gain = (sound_power / power(noise) / 10f32.powf(db / 10.0)).sqrt();
    sound
        .iter()
        .zip(noise)
        .map(|(sound, noise)| sound + gain * noise)
        .collect()
}
