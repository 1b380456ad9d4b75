use super::*;
use crate::{demo_prompt, tests::every_prompt};
use proptest::prelude::*;

const RATE: u32 = 8000;

fn volume(base_gain: f32, peak_limit: f32, compression_ratio: f32) -> Volume {
    Volume {
        base_gain,
        peak_limit,
        compression_ratio,
    }
}

fn sound(samples: Vec<f32>) -> Sound {
    Sound { rate: RATE, samples }
}

fn tone(hertz: f32, dbfs: f32, rate: u32) -> Sound {
    let level = 10f32.powf(dbfs / 20.0);
    let sample = |n: u32| level * (n as f32 * hertz * std::f32::consts::TAU / rate as f32).sin();
    Sound {
        rate,
        samples: (0..rate).map(sample).collect(),
    }
}

fn rms_db(samples: &[f32]) -> f32 {
    10.0 * crate::tests::power(samples).log10()
}

fn prompt() -> Sound {
    crate::decode(demo_prompt("prompt-main-menu-en.wav"))
        .unwrap()
        .resampled(RATE)
}

fn bits(sound: &Sound) -> Vec<u32> {
    sound.samples.iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn ones_leave_every_prompt_as_it_is_bit_by_bit() {
    for (name, samples) in every_prompt() {
        let sound = sound(samples);
        assert_eq!(bits(&volume(1.0, 1.0, 1.0).apply(&sound)), bits(&sound), "{name}");
    }
}

#[test]
fn gain_is_linear() {
    for (name, samples) in every_prompt() {
        for gain in [0.0, 0.1, 0.33, 0.8, 0.999] {
            let played = volume(gain, 1.0, 1.0).apply(&sound(samples.clone()));
            for (before, after) in samples.iter().zip(&played.samples) {
                assert!((before * gain - after).abs() <= 1e-6, "{name} at {gain}");
            }
        }
    }
}

#[test]
fn gain_is_linear_below_the_limit_too() {
    let (tone, limit) = (tone(1004.0, -3.0, RATE), 0.75);
    let played = volume(0.75, limit, 1.0).apply(&tone);
    let differences = tone.samples.iter().zip(&played.samples);
    assert!(differences.clone().count() == 8000);
    for (before, after) in differences {
        assert!((before * 0.75 - after).abs() <= 1e-6);
    }
}

#[test]
fn steady_tones_come_out_on_the_stated_curve() {
    for rate in [8000, 16000, 44100] {
        for hertz in [60.0, 217.0, 1004.0, 3107.0] {
            for ratio in [0.1, 0.4, 0.5, 0.7, 0.95] {
                for dbfs in [-40.0, -14.0, -12.0, -10.0, -6.0, -3.0, 0.0] {
                    let tone = tone(hertz, dbfs, rate);
                    let played = volume(1.0, 1.0, ratio).apply(&tone);
                    let end = tone.samples.len() / 2..;
                    let change = rms_db(&played.samples[end.clone()]) - rms_db(&tone.samples[end]);
                    let stated = if dbfs > -12.0 {
                        -12.0 + (dbfs + 12.0) * ratio
                    } else {
                        dbfs
                    };
                    assert!(
                        (dbfs + change - stated).abs() < 0.2,
                        "{hertz} Hz of {dbfs} dBFS at {rate} Hz, ratio {ratio}: {} dBFS",
                        dbfs + change
                    );
                }
            }
        }
    }
}

#[test]
fn a_tone_that_gets_louder_is_on_the_curve_after_the_attack_and_one_that_gets_quieter_after_the_release() {
    let (quiet, loud) = (tone(1004.0, -20.0, RATE), tone(1004.0, 0.0, RATE));
    let samples = [
        &quiet.samples[..4000],
        &loud.samples[..4000],
        &quiet.samples[..4000],
    ]
    .concat();
    let played = volume(1.0, 1.0, 0.5).apply(&sound(samples)).samples;
    let level_at = |ms: usize| rms_db(&played[ms * 8..(ms + 10) * 8]) + 3.01;
    assert!((level_at(480) + 20.0).abs() < 0.1);
    assert!((level_at(520) + 6.0).abs() < 0.3, "{}", level_at(520));
    // Held back for a moment, then as it was.
    assert!(level_at(1010) < -24.0);
    assert!((level_at(1450) + 20.0).abs() < 0.2, "{}", level_at(1450));
}

#[test]
fn the_end_is_neither_cut_nor_shifted() {
    // Loud to the last sample, so that the limiter works there.
    let tone = tone(440.0, 0.0, RATE);
    let played = volume(0.9, 0.9, 0.999).apply(&tone);
    assert_eq!(played.samples.len(), tone.samples.len());
    let limited = volume(0.5, 0.5, 1.0).apply(&tone);
    for played in [&played.samples, &limited.samples] {
        let product = |shift: usize| -> f32 {
            let pairs = tone.samples[7000..7900].iter().zip(&played[7000 + shift - 5..]);
            pairs.map(|(before, after)| before * after).sum()
        };
        let best = (0..=10).max_by(|a, b| product(*a).total_cmp(&product(*b)));
        assert_eq!(best, Some(5));
        assert!(rms_db(&played[7900..]) > -10.0);
    }
}

#[test]
fn settings_out_of_range_are_the_nearest_in_it() {
    let prompt = prompt();
    let same = |odd: Volume, usual: Volume| assert_eq!(odd.apply(&prompt), usual.apply(&prompt));
    same(volume(2.0, f32::INFINITY, f32::INFINITY), volume(1.0, 1.0, 1.0));
    same(volume(-1.0, -1.0, -1.0), volume(0.0, 0.0, 0.1));
    same(volume(0.5, 0.2, 0.0), volume(0.5, 0.5, 0.1));
    same(volume(f32::NAN, 0.5, f32::NAN), volume(0.0, 0.5, 0.1));
    same(volume(0.5, f32::NAN, 1.0), volume(0.5, 0.5, 1.0));
}

#[test]
fn what_is_above_full_scale_is_limited_to_it() {
    let played = volume(1.0, 1.0, 1.0).apply(&tone(440.0, 6.0, RATE));
    assert!(highest(&played.samples) <= 1.0);
    assert!((rms_db(&played.samples) + 3.01).abs() < 0.2);
}

#[test]
fn silence_is_the_code_of_silence() {
    for law in [Law::Mu, Law::A] {
        let codes = volume(0.0, 0.0, 0.5).encode(&tone(440.0, 0.0, RATE), law);
        assert_eq!(codes, vec![law.silence(); 8000]);
    }
}

fn any_sound() -> impl Strategy<Value = Sound> {
    let sample = prop_oneof![8 => -1.0f32..=1.0, 1 => -4.0f32..4.0, 1 => Just(1.0), 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)];
    let rate = prop_oneof![Just(8000u32), Just(16000), Just(44100), 0u32..50_000];
    (rate, proptest::collection::vec(sample, 0..400), 1usize..30).prop_map(|(rate, samples, stretch)| Sound {
        rate,
        samples: samples.iter().flat_map(|sample| vec![*sample; stretch]).collect(),
    })
}

fn any_volume() -> impl Strategy<Value = Volume> {
    (0.0f32..=1.0, 0.0f32..=1.0, 0.1f32..=1.0)
        .prop_map(|(one, other, ratio)| volume(one.min(other), one.max(other), ratio))
}

proptest! {
    #[test]
    fn no_sample_is_ever_above_the_limit(sound in any_sound(), volume in any_volume()) {
        let played = volume.apply(&sound);
        prop_assert_eq!(played.samples.len(), sound.samples.len());
        for sample in played.samples {
            prop_assert!(sample.abs() <= volume.peak_limit, "{} above {}", sample, volume.peak_limit);
        }
    }

    #[test]
    fn no_sample_is_ever_above_the_limit_behind_a_law(mut sound in any_sound(), volume in any_volume(), mu: bool) {
        if sound.rate < 4000 {
            sound.rate = RATE;
        }
        let law = if mu { Law::Mu } else { Law::A };
        let limit = if mu { volume.peak_limit } else { volume.peak_limit.max(8.0 / 32768.0) };
        for sample in law.decode_all(&volume.encode(&sound, law)) {
            prop_assert!(sample.abs() <= limit, "{} above {}", sample, limit);
        }
    }

    #[test]
    fn ones_leave_any_sound_as_it_is(samples in proptest::collection::vec(-1.0f32..=1.0, 0..2000)) {
        let sound = sound(samples);
        prop_assert_eq!(bits(&Volume::default().apply(&sound)), bits(&sound));
    }
}
