//! Every kind of file against the tone that it was made from: 440 Hz at half of full scale, from 0.1 s to 0.5 s of 0.6 s.

use crate::file;
use audio::{Sound, decode};

/// What a file must sound like.
struct Wanted {
    name: &'static str,
    rate: u32,
    /// How far the length may be off, in milliseconds: where a format does not tell it, by a frame or two.
    length: f64,
    /// How far the begin may be off, in milliseconds.
    delay: f64,
    /// What part of the energy may differ from the tone.
    noise: f64,
}

const fn wanted(name: &'static str, rate: u32, length: f64, delay: f64, noise: f64) -> Wanted {
    Wanted {
        name,
        rate,
        length,
        delay,
        noise,
    }
}

const FILES: [Wanted; 31] = [
    wanted("u8.wav", 8000, 0.0, 0.0, 1e-3),
    wanted("s16le.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("s24le.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("s32le.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("f32le.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("f64le.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("mulaw.wav", 8000, 0.0, 0.0, 1e-3),
    wanted("alaw.wav", 8000, 0.0, 0.0, 1e-3),
    wanted("extensible-s24-stereo.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("rf64.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("streamed.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("tagged.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("mpeg1-stereo.mp3", 44100, 0.1, 0.1, 0.01),
    wanted("mpeg2.mp3", 16000, 0.1, 0.1, 0.01),
    wanted("mpeg25.mp3", 8000, 0.2, 0.1, 0.01),
    wanted("vbr.mp3", 44100, 0.1, 0.1, 0.01),
    wanted("id3v1.mp3", 16000, 0.1, 0.1, 0.01),
    wanted("mono.aac", 16000, 64.0, 0.1, 0.01),
    wanted("stereo.aac", 44100, 24.0, 0.1, 0.01),
    wanted("mono.m4a", 16000, 1.1, 0.1, 0.01),
    wanted("stereo.m4a", 44100, 1.1, 0.1, 0.01),
    wanted("vorbis.ogg", 16000, 0.0, 0.0, 0.01),
    wanted("vorbis-stereo.ogg", 44100, 0.0, 0.0, 0.01),
    wanted("opus.ogg", 48000, 0.1, 0.1, 0.02),
    wanted("opus-stereo.opus", 48000, 0.1, 0.1, 0.02),
    wanted("opus-voip.opus", 48000, 0.1, 0.2, 0.05),
    wanted("s16.flac", 8000, 0.0, 0.0, 1e-6),
    wanted("s24-stereo.flac", 44100, 0.0, 0.0, 1e-6),
    wanted("six-channels.wav", 8000, 0.0, 0.0, 1e-6),
    wanted("vbr-without-header.mp3", 44100, 80.0, 70.0, 0.01),
    wanted("no-gaps-told.mp3", 16000, 220.0, 70.0, 0.01),
];

#[test]
fn every_kind_sounds_like_the_tone_it_was_made_from() {
    let faults: Vec<String> = FILES.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn fault(wanted: &Wanted) -> Option<String> {
    let sound = match decode(file(wanted.name)) {
        Ok(sound) => sound,
        Err(error) => return Some(format!("{}: {error}", wanted.name)),
    };
    let length = sound.samples.len() as f64 * 1000.0 / f64::from(sound.rate);
    let delay = delay(&sound);
    let (level, noise) = level_and_noise(&sound, delay);
    let fits = sound.rate == wanted.rate
        && (length - 600.0).abs() <= wanted.length
        && delay.abs() * 1000.0 / f64::from(sound.rate) <= wanted.delay
        && (level - LEVEL).abs() < 0.03
        && noise < wanted.noise;
    let name = wanted.name;
    let ms = delay * 1000.0 / f64::from(sound.rate);
    (!fits).then(|| {
        format!(
            "{name}: {} Hz, {length} ms, {ms} ms late, level {level}, noise {noise}",
            sound.rate
        )
    })
}

const LEVEL: f64 = 0.5;

fn tone(rate: u32, sample: f64) -> f64 {
    let time = sample / f64::from(rate);
    let sounds = (0.1..=0.5).contains(&time);
    if sounds {
        LEVEL * (std::f64::consts::TAU * 440.0 * time).sin()
    } else {
        0.0
    }
}

/// By how many samples the sound is late: roughly by where it becomes loud, exactly by where it correlates best.
fn delay(sound: &Sound) -> f64 {
    let loud = sound
        .samples
        .iter()
        .position(|sample| sample.abs() > 0.25)
        .unwrap_or(0);
    let begins = (0..)
        .position(|at| tone(sound.rate, f64::from(at)) > 0.25)
        .unwrap_or(0);
    let product = |delay: i64| -> f64 {
        let pairs = sound.samples.iter().enumerate();
        pairs
            .map(|(at, sample)| f64::from(*sample) * tone(sound.rate, (at as i64 - delay) as f64))
            .sum()
    };
    let (rough, half) = (loud as i64 - begins as i64, i64::from(sound.rate) / 880);
    (rough - half..=rough + half)
        .max_by(|a, b| product(*a).total_cmp(&product(*b)))
        .unwrap() as f64
}

fn level_and_noise(sound: &Sound, delay: f64) -> (f64, f64) {
    let (mut product, mut own, mut all) = (0.0, 0.0, 0.0);
    for (at, sample) in sound.samples.iter().enumerate() {
        let (wanted, sample) = (tone(sound.rate, at as f64 - delay), f64::from(*sample));
        product += wanted * sample;
        own += wanted * wanted;
        all += sample * sample;
    }
    (product / own * LEVEL, 1.0 - product * product / own / all)
}
