//! How well and how fast voices are told from noise, and keys from voices.
//!
//! `cargo bench -p trunkline --bench voice`
//!
//! Each prompt of the demo is spoken after 3 s of noise that goes on beneath it: white, pink, or four other prompts at once. The
//! ratio is that of the power of its louder half to the noise. The delay is from the first sound of the prompt.

#![allow(clippy::expect_used, clippy::panic)]

#[path = "noise.rs"]
mod noise;

use audio::{dtmf, voice};
use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

const RATE: usize = 8000;
const FRAME: usize = 160;
/// Noise before a prompt: the detector has learned it by then.
const LEAD: usize = 3 * RATE;
/// How long noise alone is listened to, in minutes.
const MINUTES: usize = 5;
/// The level that all speech is brought to: -26 dB of full scale.
const SPEECH_POWER: f32 = 0.0025;
const KINDS: [&str; 3] = ["white", "pink", "babble"];

fn main() {
    let prompts = prompts();
    let seconds = prompts.iter().map(Vec::len).sum::<usize>() / RATE;
    println!(
        "{} prompts, {seconds} s; delays from the first sound of a prompt, in ms\n",
        prompts.len()
    );
    println!("noise   dB  missed  too early  median  90 %  max");
    row("none", 99.0, &prompts, |_, length| vec![0.0; length]);
    for kind in KINDS {
        for db in [20.0, 10.0, 5.0, 0.0] {
            row(kind, db, &prompts, |n, length| {
                noise_of(kind, n, length, &prompts)
            });
        }
    }
    println!("\nfalse triggers a minute in {MINUTES} minutes of noise alone");
    for kind in KINDS {
        let counts = [-26.0f32, -36.0, -46.0, -56.0].map(|db| {
            let sound = scaled(
                &noise_of(kind, 1, MINUTES * 60 * RATE, &prompts),
                10f32.powf(db / 10.0),
            );
            format!("{db} dB {:.1}", begins(&sound).len() as f32 / MINUTES as f32)
        });
        println!("{kind:7} {}", counts.join("   "));
    }
    let silent = begins(&vec![0.0; MINUTES * 60 * RATE]).len();
    println!("silence {silent}\n");
    costs(&prompts);
}

fn row(kind: &str, db: f32, prompts: &[Vec<f32>], noise: impl Fn(usize, usize) -> Vec<f32>) {
    let (mut missed, mut early, mut delays) = (0, 0, Vec::new());
    for (n, prompt) in prompts.iter().enumerate() {
        let mut sound = noise(n, LEAD + prompt.len());
        sound = scaled(&sound, SPEECH_POWER / 10f32.powf(db / 10.0));
        sound[LEAD..]
            .iter_mut()
            .zip(prompt)
            .for_each(|(sound, speech)| *sound += speech);
        let begins = begins(&sound);
        early += begins.iter().filter(|at| **at < LEAD).count();
        match begins.iter().find(|at| **at >= LEAD) {
            Some(at) => delays.push((at - LEAD) / (RATE / 1000)),
            None => missed += 1,
        }
    }
    delays.sort_unstable();
    let at = |share: usize| {
        delays
            .get((delays.len().saturating_sub(1)) * share / 100)
            .copied()
            .unwrap_or(0)
    };
    println!(
        "{kind:7} {db:2}  {missed:6}  {early:9}  {:6}  {:4}  {:3}",
        at(50),
        at(90),
        at(100)
    );
}

/// The samples at whose frames a beginning was told.
fn begins(sound: &[f32]) -> Vec<usize> {
    let mut detector = voice::Detector::new(voice::Settings::default());
    let mut begins = Vec::new();
    for (n, frame) in sound.chunks(FRAME).enumerate() {
        detector.push(frame, |event| {
            if matches!(event, voice::Event::Began { .. }) {
                begins.push((n + 1) * FRAME);
            }
        });
    }
    begins
}

fn costs(prompts: &[Vec<f32>]) {
    let speech = prompts.concat();
    let silence = vec![0.0; speech.len()];
    let white = scaled(&noise::white(1, speech.len()), SPEECH_POWER / 100.0);
    println!("microseconds a frame of 20 ms");
    for (name, sound) in [
        ("speech", &speech),
        ("silence", &silence),
        ("white noise", &white),
    ] {
        let mut voices = voice::Detector::new(voice::Settings::default());
        let mut keys = dtmf::Detector::new();
        let voice = per_frame(sound, |frame| {
            voices.push(frame, |event| {
                black_box(event);
            })
        });
        let key = per_frame(sound, |frame| {
            keys.push(frame, |event| {
                black_box(event);
            })
        });
        println!("{name:12} voice {voice:5.2}   keys {key:5.2}");
    }
}

fn per_frame(sound: &[f32], mut push: impl FnMut(&[f32])) -> f64 {
    let started = Instant::now();
    let mut frames = 0;
    while started.elapsed() < Duration::from_millis(500) {
        sound.chunks(FRAME).for_each(&mut push);
        frames += sound.len().div_ceil(FRAME);
    }
    started.elapsed().as_secs_f64() * 1e6 / frames as f64
}

/// Every prompt of the demo from its first sound on, at one level.
fn prompts() -> Vec<Vec<f32>> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let folders =
        ["prompts", "speech"].map(|folder| demo.join(folder).read_dir().expect("the demo is there"));
    let paths = folders
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("it can be listed").path());
    let mut wavs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|name| name == "wav"))
        .collect();
    wavs.sort();
    let read = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).expect("it can be read");
        let sound = audio::decode(bytes).expect("it is sound").resampled(RATE as u32);
        let scaled = scaled(&sound.samples, SPEECH_POWER);
        let first = scaled.iter().position(|sample| sample.abs() > 0.01).unwrap_or(0);
        scaled[first..].to_vec()
    };
    wavs.iter().map(read).collect()
}

fn noise_of(kind: &str, seed: usize, length: usize, prompts: &[Vec<f32>]) -> Vec<f32> {
    match kind {
        "white" => noise::white(seed as u32, length),
        "pink" => noise::pink(seed as u32, length),
        _ => babble(seed, length, prompts),
    }
}

/// Four others who speak without a pause.
fn babble(seed: usize, length: usize, prompts: &[Vec<f32>]) -> Vec<f32> {
    let mut sound = vec![0.0; length];
    for voice in 0..4 {
        let order = (0..prompts.len()).map(|n| &prompts[(seed + 1 + voice * 6 + n * 5) % prompts.len()]);
        let line = order.cycle().flatten().skip(voice * 1777);
        sound
            .iter_mut()
            .zip(line)
            .for_each(|(sound, sample)| *sound += sample);
    }
    sound
}

/// At a power: of the louder half of its frames.
fn scaled(sound: &[f32], power: f32) -> Vec<f32> {
    let energy = |frame: &[f32]| frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
    let mut powers: Vec<f32> = sound.chunks(FRAME).map(energy).collect();
    powers.sort_by(f32::total_cmp);
    let louder = &powers[powers.len() / 2..];
    let own = louder.iter().sum::<f32>() / louder.len().max(1) as f32;
    let gain = if own > 0.0 { (power / own).sqrt() } else { 0.0 };
    sound.iter().map(|sample| sample * gain).collect()
}
