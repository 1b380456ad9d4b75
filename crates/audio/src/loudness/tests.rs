use super::*;
use ebur128::{EbuR128, Mode};
use std::f64::consts::{PI, TAU};

/// Stretches of a sine: seconds and dB of full scale.
fn tones(rate: u32, hertz: f64, stretches: &[(f64, f64)]) -> Sound {
    let mut samples: Vec<f32> = Vec::new();
    for (seconds, db) in stretches {
        for _ in 0..(seconds * f64::from(rate)) as usize {
            let phase = samples.len() as f64 * hertz * TAU / f64::from(rate);
            samples.push((amplitude(*db) * phase.sin()) as f32);
        }
    }
    Sound { rate, samples }
}

fn sweep(rate: u32, db: f64) -> Sound {
    let end = 0.45 * f64::from(rate);
    let length = 3 * rate as usize;
    let samples = (0..length)
        .map(|n| {
            let share = n as f64 / length as f64;
            let turns = 20.0 * (end / 20.0).powf(share) / (end / 20.0).ln() * length as f64 / f64::from(rate);
            // Its ends are faded, or they would ring.
            let fade = (20.0 * (1.0 - share)).min(20.0 * share).min(1.0);
            (fade * amplitude(db) * (TAU * turns).sin()) as f32
        })
        .collect();
    Sound { rate, samples }
}

fn speech() -> Vec<Sound> {
    [
        "general_welcome.wav",
        "opening_hours.mp3",
        "apology.wav",
        "billing_menu.mp3",
    ]
    .map(|name| crate::decode(crate::demo_prompt(name)).unwrap())
    .into()
}

fn reference(sound: &Sound) -> (f64, f64) {
    let mut meter = EbuR128::new(1, sound.rate, Mode::I | Mode::TRUE_PEAK).unwrap();
    meter.add_frames_f32(&sound.samples).unwrap();
    let peak = meter.true_peak(0).unwrap();
    (meter.loudness_global().unwrap(), 20.0 * peak.log10())
}

#[test]
fn the_cases_of_ebu_tech_3341_for_one_channel() {
    // The cases are for two equal channels, which are 3.01 LU louder than one.
    let cases: [&[(f64, f64)]; 4] = [
        &[(20.0, -23.0)],
        &[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)],
        &[
            (10.0, -72.0),
            (10.0, -36.0),
            (60.0, -23.0),
            (10.0, -36.0),
            (10.0, -72.0),
        ],
        &[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)],
    ];
    for rate in [8000, 16000, 44100, 48000] {
        for case in cases {
            let measured = integrated(&tones(rate, 1000.0, case)).unwrap().0;
            assert!(
                (measured + 26.01).abs() < 0.1,
                "{case:?} at {rate}: {measured:.2}"
            );
        }
    }
}

#[test]
fn the_true_peak_between_samples_is_seen() {
    // A quarter of the rate, 45 degrees off: the samples are 3 dB below the wave's top (EBU Tech 3341, cases 15 to 18).
    for rate in [8000, 16000, 48000] {
        let samples = (0..rate)
            .map(|n| (0.5 * (f64::from(n) * TAU / 4.0 + TAU / 8.0).sin()) as f32)
            .collect();
        let sound = Sound { rate, samples };
        let (samples, between) = (sample_peak(&sound).unwrap().0, true_peak(&sound).unwrap().0);
        assert!((samples + 9.03).abs() < 0.01, "{samples:.2}");
        // The sine begins and ends at once, which rings: 0.2 dB.
        assert!((-6.2..=-5.6).contains(&between), "{rate}: {between:.2}");
    }
}

#[test]
fn another_meter_agrees() {
    let mut sounds = speech();
    let rates = [8000, 11025, 16000, 22050, 44100, 48000];
    sounds.extend(rates.map(|rate| tones(rate, 300.0, &[(2.0, -30.0), (1.0, -10.0), (2.0, -50.0)])));
    let sweeps = rates.map(|rate| sweep(rate, -12.0));
    for sound in sounds.iter().chain(&sweeps) {
        for gain_db in [0.0, -20.0] {
            let samples = sound
                .samples
                .iter()
                .map(|sample| sample * amplitude(gain_db) as f32);
            let sound = Sound {
                rate: sound.rate,
                samples: samples.collect(),
            };
            let (lufs, peak) = reference(&sound);
            let (our_lufs, our_peak) = (integrated(&sound).unwrap().0, true_peak(&sound).unwrap().0);
            assert!(
                (our_lufs - lufs).abs() < 0.1,
                "{}: {our_lufs:.2}, not {lufs:.2}",
                sound.rate
            );
            // The other's short filter sees up to 0.11 dB more than there is in a sweep to the Nyquist frequency.
            let allowed = if sweeps
                .iter()
                .any(|sweep| sweep.samples.len() == sound.samples.len())
            {
                0.15
            } else {
                0.1
            };
            assert!(
                (our_peak - peak).abs() < allowed,
                "{}: {our_peak:.2}, not {peak:.2}",
                sound.rate
            );
        }
    }
}

#[test]
fn the_peak_of_a_sweep_is_its_level() {
    for rate in [8000, 16000, 48000] {
        let peak = true_peak(&sweep(rate, -12.0)).unwrap().0;
        assert!((peak + 12.0).abs() < 0.1, "{rate}: {peak:.2}");
    }
}

#[test]
fn silence_has_no_loudness() {
    for samples in [vec![], vec![0.0; 8000], vec![1e-5; 8000]] {
        assert_eq!(integrated(&Sound { rate: 8000, samples }), None);
    }
    assert_eq!(
        true_peak(&Sound {
            rate: 8000,
            samples: vec![0.0; 100]
        }),
        None
    );
}

#[test]
fn a_short_sound_is_one_block() {
    let long = integrated(&tones(8000, 1000.0, &[(1.0, -20.0)])).unwrap().0;
    let short = integrated(&tones(8000, 1000.0, &[(0.2, -20.0)])).unwrap().0;
    assert!((long - short).abs() < 0.2, "{long:.2} and {short:.2}");
}

#[test]
fn what_comes_after_a_part_does_not_change_its_loudness() {
    // Lanes begin in the middle of the sound: their warm-up must be as good as the real beginning.
    let whole = sweep(8000, -20.0);
    let energies = weighting::energies(&whole.samples, 8000, 800);
    for steps in [5, 7, 13] {
        let part = weighting::energies(&whole.samples[..steps * 800], 8000, 800);
        for (at, (a, b)) in part.iter().zip(&energies).enumerate() {
            assert!(
                (a - b).abs() <= 1e-9 * b.max(1e-12),
                "step {at} of {steps}: {a} and {b}"
            );
        }
    }
}

#[test]
fn no_place_that_could_be_the_highest_is_left_out() {
    for rate in [8000, 48000] {
        let oversampler = Oversampler::new(rate);
        for burst in 2..40 {
            // A click, and a burst just below the Nyquist frequency whose samples are low where the wave between them is high.
            let mut samples = vec![0.0f32; 200];
            samples[20] = 0.6;
            for at in 0..burst {
                let phase = PI * 0.98 * (at as f64 - burst as f64 / 2.0 + 0.5);
                samples[100 + at] = (0.5 * phase.cos()) as f32;
            }
            let padded = [vec![0.0; TAPS], samples.clone(), vec![0.0; TAPS]].concat();
            let everywhere = padded
                .windows(TAPS)
                .map(|window| oversampler.between(window.try_into().unwrap()));
            let highest = everywhere.fold(highest(&samples), f32::max);
            let found = oversampler.highest(&samples);
            assert!(
                (found - highest).abs() < 1e-5,
                "{burst} at {rate}: {found}, not {highest}"
            );
        }
    }
}
