//! Q.24 from both sides of each limit, at every place of a tone against the detector's own grid.

use super::tone::pair;
use super::*;
use crate::Law;
use crate::tests::{at_snr, every_prompt, noise};
use proptest::prelude::*;

fn heard(sound: &[f32]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut detector = Detector::new();
    for frame in sound.chunks(160) {
        detector.push(frame, |event| events.push(event));
    }
    events
}

/// The keys that went down.
fn keys(sound: &[f32]) -> String {
    let down = heard(sound).into_iter().filter_map(|event| match event {
        Event::Down { key, .. } => Some(key.sign()),
        Event::Up { .. } => None,
    });
    down.collect()
}

/// With silence around it, so that it begins `offset` samples into a stretch.
fn placed(offset: usize, sound: &[f32]) -> Vec<f32> {
    [&vec![0.0; 400 + offset], sound, &[0.0; 800]].concat()
}

fn key(sign: char) -> Key {
    Key::new(sign).unwrap()
}

fn all_offsets() -> impl Iterator<Item = usize> {
    (0..40).step_by(3)
}

/// Each key's tones with the frequencies and levels changed, 40 ms, wherever they begin: how often they were taken as that key,
/// and how often as any.
fn detected(frequencies: [f32; 2], level: Level) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for key in Key::all() {
        let (low, high) = key.frequencies();
        let sound = pair(
            [low as f32 * frequencies[0], high as f32 * frequencies[1]],
            40,
            level,
        );
        for offset in all_offsets() {
            let found = keys(&placed(offset, &sound));
            counts.0 += usize::from(found == key.sign().to_string());
            counts.1 += usize::from(!found.is_empty());
            counts.2 += 1;
        }
    }
    counts
}

fn assert_accepted(frequencies: [f32; 2], level: Level) {
    let (right, _, all) = detected(frequencies, level);
    assert_eq!(right, all, "{frequencies:?} {level:?}");
}

fn assert_refused(frequencies: [f32; 2], level: Level) {
    let (_, any, _) = detected(frequencies, level);
    assert_eq!(any, 0, "{frequencies:?} {level:?}");
}

#[test]
fn only_the_sixteen_signs_are_keys() {
    let signs: String = Key::all().map(Key::sign).collect();
    assert_eq!(signs, "123A456B789C*0#D");
    assert_eq!(Key::new('d'), Key::new('D'));
    assert_eq!(Key::new('E'), None);
    assert_eq!(key('6').frequencies(), (770, 1477));
}

#[test]
fn every_key_is_heard_with_its_time_and_length() {
    for key in Key::all() {
        let events = heard(&placed(0, &tone(key, 100, Level::both(-10.0))));
        let expected = [
            Event::Down { key, at_ms: 50 },
            Event::Up {
                key,
                at_ms: 150,
                duration_ms: 100,
            },
        ];
        assert_eq!(events, expected);
    }
}

#[test]
fn a_key_is_told_before_40_ms_of_it_are_over() {
    let sound = placed(13, &tone(key('5'), 400, Level::both(-10.0)));
    let mut detector = Detector::new();
    let needed = (0..sound.len()).find(|at| {
        let mut down = false;
        detector.push(&sound[*at..=*at], |_| down = true);
        down
    });
    assert!((413 + 250..=413 + 320).contains(&needed.unwrap()), "{needed:?}");
    assert_eq!(detector.held(), Some(key('5')));
}

/// Nobody presses keys like this, but dialling programs do; the tones of a row or a column go on.
#[test]
fn keys_that_share_a_tone_are_two_without_a_pause_between() {
    for (first, second) in [
        ('1', '2'),
        ('1', '4'),
        ('4', '1'),
        ('5', '6'),
        ('9', '#'),
        ('1', '5'),
    ] {
        for pause in [0, 5, 10, 15, 20] {
            for offset in all_offsets() {
                let [one, two] = [first, second].map(|sign| tone(key(sign), 60, Level::both(-10.0)));
                let sound = placed(offset, &[&one[..], &vec![0.0; pause * 8], &two].concat());
                assert_eq!(keys(&sound), format!("{first}{second}"), "{pause} ms, {offset}");
                let ups: Vec<u64> = heard(&sound)
                    .into_iter()
                    .filter_map(|event| match event {
                        Event::Up { duration_ms, .. } => Some(duration_ms),
                        Event::Down { .. } => None,
                    })
                    .collect();
                assert!(
                    ups.iter().all(|length| (50..=85).contains(length)),
                    "{first}{second} {pause} ms: {ups:?}"
                );
            }
        }
    }
}

#[test]
fn frequencies_may_be_off_by_a_percent_and_a_half() {
    for off in [0.985, 0.99, 1.01, 1.015] {
        for other in [0.985, 1.0, 1.015] {
            assert_accepted([off, other], Level::both(-10.0));
            assert_accepted(
                [other, off],
                Level {
                    low: -14.0,
                    high: -10.0,
                },
            );
            assert_accepted(
                [other, off],
                Level {
                    low: -10.0,
                    high: -18.0,
                },
            );
        }
    }
}

#[test]
fn frequencies_that_are_off_by_three_and_a_half_percent_are_refused() {
    for off in [0.94, 0.955, 0.965, 1.035, 1.045, 1.06] {
        assert_refused([off, 1.0], Level::both(-10.0));
        assert_refused([1.0, off], Level::both(-10.0));
        assert_refused([off, off], Level::both(-10.0));
        assert_refused(
            [1.0, off],
            Level {
                low: -10.0,
                high: -18.0,
            },
        );
        assert_refused(
            [off, 1.0],
            Level {
                low: -14.0,
                high: -10.0,
            },
        );
    }
}

#[test]
fn levels_from_0_to_minus_25_dbm0_are_accepted() {
    for level in [0.0, -3.0, -10.0, -20.0, -25.0] {
        assert_accepted([1.0, 1.0], Level::both(level));
    }
    assert_refused([1.0, 1.0], Level::both(-31.5));
}

#[test]
fn twist_is_accepted_up_to_4_and_8_db() {
    for (low, high) in [(-4.0, 0.0), (0.0, -8.0), (-25.0, -21.0), (-17.0, -25.0)] {
        assert_accepted([1.0, 1.0], Level { low, high });
    }
    for (low, high) in [(-18.0, -10.0), (-5.0, -17.0)] {
        assert_refused([1.0, 1.0], Level { low, high });
    }
}

#[test]
fn one_tone_alone_is_no_key() {
    for (low, high) in [(-10.0, -90.0), (-90.0, -10.0)] {
        assert_refused([1.0, 1.0], Level { low, high });
    }
}

#[test]
fn what_is_shorter_than_23_ms_is_refused() {
    for key in Key::all() {
        for offset in 0..40 {
            let short = tone(key, 23, Level::both(-6.0));
            assert_eq!(keys(&placed(offset, &short)), "", "{key} at {offset}");
        }
    }
}

#[test]
fn a_pause_of_40_ms_parts_two_keys_and_one_of_10_ms_does_not() {
    for offset in 0..40 {
        for (pause, expected) in [(320, "77"), (80, "7")] {
            let seven = tone(key('7'), 50, Level::both(-10.0));
            let twice = [&seven[..], &vec![0.0; pause], &seven].concat();
            let events = heard(&placed(offset, &twice));
            assert_eq!(keys(&placed(offset, &twice)), expected, "{offset}");
            assert_eq!(events.len(), 2 * expected.len());
        }
    }
}

#[test]
fn keys_that_follow_without_a_pause_are_told_apart() {
    let run: Vec<f32> = "159D"
        .chars()
        .flat_map(|sign| tone(key(sign), 60, Level::both(-8.0)))
        .collect();
    assert_eq!(keys(&placed(0, &run)), "159D");
}

#[test]
fn noise_15_db_below_does_no_harm() {
    for key in Key::all() {
        for seed in 0..20 {
            let clean = placed(seed as usize * 2, &tone(key, 40, Level::both(-12.0)));
            let tone_power = 2.0 * amplitude(-12.0).powi(2) / 2.0;
            let noisy = at_snr(&clean, tone_power, &noise(seed, clean.len()), 15.0);
            assert_eq!(keys(&noisy), key.sign().to_string(), "{seed}");
        }
    }
}

#[test]
fn both_laws_of_g711_are_transparent() {
    for law in [Law::Mu, Law::A] {
        for key in Key::all() {
            for level in [0.0, -10.0, -25.0] {
                let sound = law.decode_all(&law.encode_all(&placed(5, &tone(key, 40, Level::both(level)))));
                assert_eq!(keys(&sound), key.sign().to_string(), "{law:?} {level}");
            }
        }
    }
}

#[test]
fn speech_is_never_a_key() {
    for (name, speech) in every_prompt() {
        for gain in [0.25, 1.0, 3.0] {
            let sound: Vec<f32> = speech.iter().map(|sample| sample * gain).collect();
            assert_eq!(keys(&sound), "", "{name} x{gain}");
            let noisy = at_snr(&sound, 0.01 * gain * gain, &noise(7, sound.len()), 20.0);
            assert_eq!(keys(&noisy), "", "{name} x{gain} in noise");
        }
    }
}

#[test]
fn keys_are_heard_over_a_prompt_that_echoes() {
    // The prompt at -28 dBm0 (its echo after 15 dB of return loss), keys of 60 ms at -10.
    let prompts = every_prompt();
    for (name, speech) in &prompts {
        let mut sound: Vec<f32> = speech.iter().map(|sample| sample * 0.18).collect();
        let places = (800..sound.len().saturating_sub(1600)).step_by(1600);
        let mut expected = String::new();
        for (place, key) in places.zip(Key::all().collect::<Vec<_>>().into_iter().cycle()) {
            let tones = tone(key, 60, Level::both(-10.0));
            sound[place..]
                .iter_mut()
                .zip(tones)
                .for_each(|(sample, tone)| *sample += tone);
            expected.push(key.sign());
        }
        assert_eq!(keys(&sound), expected, "{name}");
    }
}

#[test]
fn silence_and_noise_have_no_keys() {
    assert_eq!(keys(&[0.0; 80_000]), "");
    for seed in 0..5 {
        assert_eq!(keys(&noise(seed, 160_000)), "");
    }
}

#[test]
fn a_key_after_things_that_are_no_numbers_is_heard() {
    let garbage = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-42, -0.0].repeat(200);
    let sound = [
        garbage,
        vec![0.0; 400],
        tone(key('#'), 50, Level::both(-10.0)),
        vec![0.0; 400],
    ]
    .concat();
    assert_eq!(keys(&sound), "#");
}

#[test]
fn a_tone_is_no_longer_than_asked_for_and_never_beyond_full_scale() {
    assert_eq!(tone(key('1'), 0, Level::both(0.0)).len(), 0);
    assert_eq!(
        tone(key('1'), u32::MAX, Level::both(0.0)).len(),
        MAX_TONE_MS as usize * 8
    );
    assert!(
        tone(key('1'), 50, Level::both(20.0))
            .iter()
            .all(|sample| sample.abs() <= 1.0)
    );
}

proptest! {
    #[test]
    fn any_floats_in_any_frames_are_survived(
        samples in proptest::collection::vec(any::<f32>(), 0..4000),
        frame in 1usize..500,
    ) {
        let mut detector = Detector::new();
        let mut down = 0i32;
        for frame in samples.chunks(frame) {
            detector.push(frame, |event| {
                down += if matches!(event, Event::Down { .. }) { 1 } else { -1 };
                assert!((0..=1).contains(&down));
            });
        }
    }

    #[test]
    fn frames_of_any_length_give_the_same_events(frame in 1usize..700, on in 40u32..200) {
        let sound = placed(3, &tone(key('0'), on, Level::both(-9.0)));
        let mut events = Vec::new();
        let mut detector = Detector::new();
        sound.chunks(frame).for_each(|frame| detector.push(frame, |event| events.push(event)));
        prop_assert_eq!(events, heard(&sound));
    }
}
