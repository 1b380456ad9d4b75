use super::*;
use proptest::prelude::*;

const RATE: u32 = 8000;

/// Stretches of sound (or not) of so many milliseconds.
fn sound(stretches: &[(bool, u64)]) -> Sound {
    let mut samples = Vec::new();
    for (sounding, ms) in stretches {
        let level = if *sounding { 0.3 } else { 0.0005 };
        let length = samples_in(*ms, RATE);
        samples.extend((0..length).map(|n| level * (n as f32 * 0.6).sin()));
    }
    Sound { rate: RATE, samples }
}

#[test]
fn long_silence_is_cut_and_short_silence_is_left() {
    let trimmed = trim(
        &sound(&[(false, 1500), (true, 500), (false, 800)]),
        Trim::default(),
    );
    assert_eq!((trimmed.start_ms, trimmed.end_ms), (1400, 700));
    assert_eq!(trimmed.sound.duration_ms(), 700);
    let short = sound(&[(false, 300), (true, 500), (false, 290)]);
    assert_eq!(trim(&short, Trim::default()).sound, short);
}

#[test]
fn a_click_is_no_sound() {
    let trimmed = trim(
        &sound(&[(false, 500), (true, 5), (false, 500), (true, 400)]),
        Trim::default(),
    );
    assert_eq!(trimmed.start_ms, 900);
}

#[test]
fn nothing_but_silence_is_left_as_it_is() {
    for samples in [vec![], vec![0.0; 8000], vec![f32::NAN; 100]] {
        let silent = Sound { rate: RATE, samples };
        let trimmed = trim(&silent, Trim::default());
        assert_eq!(
            (trimmed.start_ms, trimmed.sound.samples.len()),
            (0, silent.samples.len())
        );
        assert!(pauses(&silent).is_empty());
    }
}

#[test]
fn quiet_speech_is_speech() {
    let mut quiet = sound(&[(false, 600), (true, 500), (false, 600)]);
    quiet.samples.iter_mut().for_each(|sample| *sample *= 0.003);
    assert_eq!(trim(&quiet, Trim::default()).sound.duration_ms(), 700);
}

#[test]
fn pauses_are_found_inside_only() {
    let found = pauses(&sound(&[
        (false, 400),
        (true, 500),
        (false, 200),
        (true, 300),
        (false, 60),
        (true, 300),
        (false, 500),
    ]));
    assert_eq!(
        found,
        [Pause {
            start_ms: 900,
            end_ms: 1100
        }]
    );
    assert_eq!((found[0].length_ms(), found[0].middle_ms()), (200, 1000));
}

#[test]
fn it_is_split_at_the_longest_pause_near_the_limit() {
    let long = sound(&[
        (true, 2000),
        (false, 200),
        (true, 500),
        (false, 500),
        (true, 500),
        (false, 150),
        (true, 2000),
    ]);
    let pieces = split(&long, 4000);
    let lengths: Vec<u64> = pieces.iter().map(Sound::duration_ms).collect();
    assert_eq!(lengths, [2950, 2900]);
    // Nothing is lost, and nothing of the speech is faded.
    let joined: Vec<f32> = pieces.into_iter().flat_map(|piece| piece.samples).collect();
    assert!(
        joined
            .iter()
            .zip(&long.samples)
            .all(|(a, b)| (a - b).abs() < 0.001)
    );
}

#[test]
fn without_a_pause_it_is_cut_where_the_wave_is_zero() {
    let pieces = split(&sound(&[(true, 3000)]), 1000);
    assert_eq!(pieces.len(), 4);
    for piece in &pieces[..3] {
        assert!((980..=1000).contains(&piece.duration_ms()));
        assert!(piece.samples.last().unwrap().abs() < 0.01);
    }
}

proptest! {
    #[test]
    fn pieces_are_never_too_long_and_nothing_is_lost(
        stretches in proptest::collection::vec((any::<bool>(), 10u64..1500), 0..12),
        max_ms in 0u64..3000,
    ) {
        let whole = sound(&stretches);
        let pieces = split(&whole, max_ms);
        prop_assert!(pieces.iter().all(|piece| piece.duration_ms() <= max_ms.max(MIN_PIECE_MS)));
        prop_assert_eq!(pieces.iter().map(|piece| piece.samples.len()).sum::<usize>(), whole.samples.len());
    }

    #[test]
    fn no_sound_makes_it_panic(samples in proptest::collection::vec(any::<f32>(), 0..500), rate in any::<u32>()) {
        let sound = Sound { rate, samples };
        let trimmed = trim(&sound, Trim { over_ms: 0, keep_ms: u64::MAX });
        prop_assert!(trimmed.sound.samples.len() <= sound.samples.len());
        prop_assert!(!split(&sound, 0).is_empty());
        let _ = pauses(&sound);
    }
}

#[test]
fn times_do_not_drift_at_rates_that_have_no_whole_frames() {
    let rate = 11_025;
    let part = |seconds: f64, level: f32| vec![level; (seconds * f64::from(rate)) as usize];
    let samples = [part(60.0, 0.5), part(0.5, 0.0), part(1.0, 0.5)].concat();
    let found = pauses(&Sound { rate, samples });
    let [pause] = found[..] else {
        unreachable!("one pause: {found:?}")
    };
    assert!(
        pause.start_ms.abs_diff(60_000) <= 20 && pause.end_ms.abs_diff(60_500) <= 20,
        "{pause:?}"
    );
}

#[test]
fn no_piece_is_cut_short_on_purpose() {
    let part = |ms: usize, level: f32| vec![level; ms * 8];
    let sound = |first: usize| Sound {
        rate: 8000,
        samples: [part(first, 0.5), part(150, 0.0), part(2000, 0.5)].concat(),
    };
    // A pause whose middle is at 375 ms is too early, one at 575 ms is not.
    for (first, wanted) in [(300, 580..=600), (500, 575..=575)] {
        let pieces = split(&sound(first), 600);
        assert!(
            wanted.contains(&pieces[0].duration_ms()),
            "{first}: {}",
            pieces[0].duration_ms()
        );
    }
}
