use super::*;
use crate::loudness;
use proptest::prelude::*;

const PROMPTS: [&str; 6] = [
    "general_welcome.mp3",
    "opening_hours.wav",
    "apology.mp3",
    "billing_menu.wav",
    "prompt-main-menu-en.mp3",
    "confirmed.wav",
];

fn prompts() -> Vec<Sound> {
    PROMPTS
        .map(|name| crate::decode(crate::demo_prompt(name)).unwrap())
        .into()
}

fn scaled(sound: &Sound, db: f64) -> Sound {
    let gain = loudness::amplitude(db) as f32;
    Sound {
        rate: sound.rate,
        samples: sound.samples.iter().map(|sample| sample * gain).collect(),
    }
}

fn heard(codes: &[u8], law: Law) -> Sound {
    Sound {
        rate: TELEPHONY_RATE,
        samples: law.decode_all(codes),
    }
}

/// Loudness and peaks of what is heard are what the target says and the report tells.
fn assert_on_target(compiled: &Compiled, law: Law, target: &Target, what: &str) {
    let heard = heard(&compiled.codes, law);
    let lufs = loudness::integrated(&heard).unwrap();
    assert_eq!(Some(lufs), compiled.report.output_lufs, "{what}");
    assert!(
        (lufs.0 - target.loudness.unwrap().0).abs() <= 0.1,
        "{what}: {lufs:?}, {:?}",
        compiled.report
    );
    let (samples, between) = (
        loudness::sample_peak(&heard).unwrap(),
        loudness::true_peak(&heard).unwrap(),
    );
    assert!(
        samples <= target.ceiling && between <= target.ceiling,
        "{what}: {between}"
    );
}

#[test]
fn speech_is_on_target_after_decoding_whatever_its_level_was() {
    let target = Target::default();
    for (sound, name) in prompts().iter().zip(PROMPTS) {
        for db in [-25.0, -10.0, 0.0, 6.0] {
            for law in [Law::Mu, Law::A] {
                let compiled = compile(&scaled(sound, db), law, &target);
                assert_on_target(&compiled, law, &target, name);
                assert!(!compiled.report.compressed, "{name}: {:?}", compiled.report);
            }
        }
    }
}

#[test]
fn speech_with_high_peaks_is_limited_until_it_is_loud_enough() {
    let target = Target {
        loudness: Some(Lufs(-14.0)),
        ceiling: Dbtp(-3.0),
        ..Target::default()
    };
    for (mut sound, name) in prompts().into_iter().zip(PROMPTS) {
        // A single peak of 12 dB more, where it is loud already.
        let loudest = sound
            .samples
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .unwrap()
            .0;
        sound.samples[loudest - 30..loudest + 30]
            .iter_mut()
            .for_each(|sample| *sample *= 4.0);
        let compiled = compile(&sound, Law::Mu, &target);
        assert_on_target(&compiled, Law::Mu, &target, name);
        assert!(compiled.report.limited_db > 3.0, "{name}: {:?}", compiled.report);
    }
}

#[test]
fn conformed_sound_is_on_target_at_any_rate() {
    for rate in [8000, 16000, 48000] {
        for sound in prompts() {
            let conformed = conform(
                &sound,
                &Target {
                    rate,
                    ..Target::default()
                },
            );
            let lufs = loudness::integrated(&conformed.sound).unwrap().0;
            assert_eq!(conformed.sound.rate, rate);
            assert!((lufs + 19.0).abs() <= 0.1, "{lufs}");
            assert!(loudness::true_peak(&conformed.sound).unwrap() <= Dbtp(-2.0));
        }
    }
}

#[test]
fn an_offset_and_what_drifts_is_taken_out_and_the_wave_stays_as_it_is() {
    let plain = prompts().swap_remove(1);
    let mut offset = plain.clone();
    for (at, sample) in offset.samples.iter_mut().enumerate() {
        *sample = 0.5 * *sample + 0.2 + 0.05 * (at as f32 / 8000.0).sin();
    }
    let target = Target {
        trim: None,
        ..Target::default()
    };
    let (with, without) = (conform(&offset, &target).sound, conform(&plain, &target).sound);
    let mean = with.samples.iter().sum::<f32>() / with.samples.len() as f32;
    assert!(mean.abs() < 1e-3, "{mean}");
    let power = |samples: &mut dyn Iterator<Item = f32>| samples.map(|s| f64::from(s * s)).sum::<f64>();
    let noise = power(&mut with.samples.iter().zip(&without.samples).map(|(a, b)| a - b));
    let signal = power(&mut without.samples.iter().copied());
    assert!(noise < 1e-3 * signal, "{:.1} dB", 10.0 * (noise / signal).log10());
    // 440 Hz goes through untouched.
    let tone: Vec<f32> = (0..8000).map(|n| 0.3 * (n as f32 * 0.345_575_2).sin()).collect();
    let untouched = Target {
        loudness: None,
        ..target
    };
    let after = conform(
        &Sound {
            rate: 8000,
            samples: tone.clone(),
        },
        &untouched,
    )
    .sound
    .samples;
    let most = after[800..7200]
        .iter()
        .zip(&tone[800..])
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(most < 0.002, "{most}");
}

#[test]
fn silence_stays_silent() {
    for samples in [
        vec![],
        vec![0.0; 16000],
        vec![f32::NAN; 16000],
        vec![0.4; 16000],
        vec![2e-5; 16000],
    ] {
        let silent = Sound { rate: 16000, samples };
        let compiled = compile(&silent, Law::Mu, &Target::default());
        assert_eq!(compiled.codes.len(), silent.samples.len() / 2);
        assert!(compiled.codes.iter().all(|code| *code == Law::Mu.silence()));
        let report = compiled.report;
        assert_eq!(
            (report.input_lufs, report.output_lufs, report.gain_db),
            (None, None, 0.0)
        );
    }
}

#[test]
fn what_is_absurdly_quiet_is_not_made_loud() {
    let quiet = scaled(&prompts()[0], -48.0);
    let report = compile(&quiet, Law::Mu, &Target::default()).report;
    assert!(report.gain_bounded && report.gain_db == MAX_GAIN_DB, "{report:?}");
    assert!(report.output_lufs.unwrap().0 < -22.0, "{report:?}");
    assert!(
        !compile(&prompts()[0], Law::Mu, &Target::default())
            .report
            .gain_bounded
    );
}

#[test]
fn without_a_loudness_only_the_ceiling_counts() {
    let target = Target {
        loudness: None,
        trim: None,
        ..Target::default()
    };
    let loud = Sound {
        rate: 8000,
        samples: (0..8000).map(|n| (n as f32 * 0.4).sin()).collect(),
    };
    let report = conform(&loud, &target).report;
    assert!(
        report.gain_db == 0.0 && report.true_peak.unwrap() <= target.ceiling,
        "{report:?}"
    );
    let quiet = scaled(&loud, -20.0);
    assert_eq!(conform(&quiet, &target).report.limited_db, 0.0);
}

#[test]
fn trimming_is_reported() {
    let mut sound = prompts().swap_remove(1);
    let second = vec![0.0; sound.rate as usize];
    sound.samples.splice(0..0, second.iter().copied());
    sound.samples.extend(&second);
    let report = conform(&sound, &Target::default()).report;
    assert!(
        (900..1000).contains(&report.trimmed_start_ms) && (900..1000).contains(&report.trimmed_end_ms),
        "{report:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_ceiling_holds_for_any_sound(
        samples in proptest::collection::vec(prop_oneof![-1.0f32..1.0, Just(0.0), any::<f32>()], 0..300),
        stretch in 1usize..30,
        rate in prop_oneof![Just(8000u32), Just(11025), Just(16000), Just(48000), 1000..100_000u32],
        ceiling in -20.0f64..0.0,
        lufs in -30.0f64..-5.0,
    ) {
        let samples = samples.iter().flat_map(|sample| vec![*sample; stretch]).collect();
        let target = Target { ceiling: Dbtp(ceiling), loudness: Some(Lufs(lufs)), ..Target::default() };
        for law in [Law::Mu, Law::A] {
            let compiled = compile(&Sound { rate, samples: Vec::clone(&samples) }, law, &target);
            let heard = heard(&compiled.codes, law);
            prop_assert!(loudness::true_peak(&heard).is_none_or(|peak| peak <= target.ceiling), "{:?}", compiled.report);
        }
    }
}
