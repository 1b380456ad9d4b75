use super::*;
use crate::dtmf::{Key, Level, tone};
use crate::tests::{at_snr, every_prompt, noise, power};
use proptest::prelude::*;

fn heard(sound: &[f32]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut detector = Detector::new(Settings::default());
    for frame in sound.chunks(160) {
        detector.push(frame, |event| events.push(event));
    }
    events
}

#[test]
fn silence_hiss_hum_and_tones_are_nobody() {
    let sine = |hertz: f32| -> Vec<f32> {
        (0..80_000)
            .map(|n| 0.2 * (n as f32 * hertz * std::f32::consts::TAU / 8000.0).sin())
            .collect()
    };
    assert_eq!(heard(&[0.0; 80_000]), []);
    assert_eq!(heard(&[0.1; 80_000]), []);
    assert_eq!(heard(&sine(50.0)), []);
    assert_eq!(heard(&sine(425.0)), []);
    for key in Key::all() {
        assert_eq!(heard(&tone(key, 500, Level::both(-10.0))), [], "{key}");
    }
    for gain in [0.001, 0.01, 0.1, 1.0] {
        let hiss: Vec<f32> = noise(1, 160_000).iter().map(|sample| sample * gain).collect();
        assert_eq!(heard(&hiss), [], "{gain}");
    }
}

#[test]
fn clicks_and_short_bursts_are_nobody() {
    let mut sound = vec![0.0; 80_000];
    for place in (4000..70_000).step_by(8000) {
        for (n, sample) in noise(place as u32, 1200).iter().enumerate() {
            sound[place + n] = sample * (-(n as f32) / 300.0).exp();
        }
    }
    assert_eq!(heard(&sound), []);
}

#[test]
fn nine_of_ten_beginnings_are_told_within_200_ms_in_noise_10_db_below() {
    let prompts = every_prompt();
    let mut in_time = 0;
    for (n, (_, speech)) in prompts.iter().enumerate() {
        let first = speech.iter().position(|sample| sample.abs() > 0.02).unwrap();
        let sound = [&vec![0.0; 16_000], &speech[first..]].concat();
        let sound = at_snr(&sound, power(speech), &noise(n as u32, sound.len()), 10.0);
        let mut detector = Detector::new(Settings::default());
        let told = sound.chunks(160).position(|frame| {
            let mut began = false;
            detector.push(frame, |_| began = true);
            began
        });
        let delay = told.unwrap() as i64 * 20 + 20 - 2000;
        assert!(delay > 0, "{n}: before it began");
        in_time += usize::from(delay <= 200);
    }
    assert!(
        in_time * 10 >= prompts.len() * 9,
        "{in_time} of {}",
        prompts.len()
    );
}

#[test]
fn each_prompt_is_speech_from_its_begin_to_its_end() {
    for (name, speech) in every_prompt() {
        let sound = [&vec![0.0; 8000], &speech[..], &vec![0.0; 8000]].concat();
        let sound = at_snr(&sound, power(&speech), &noise(3, sound.len()), 20.0);
        let events = heard(&sound);
        let end = (1000 + speech.len() / 8) as u64;
        let Some(Event::Began { at_ms }) = events.first() else {
            panic!("{name}: not heard")
        };
        assert!((900..1400).contains(at_ms), "{name}: {events:?}");
        let Some(Event::Ended { at_ms, .. }) = events.last() else {
            panic!("{name}: no end")
        };
        assert!(
            (end.saturating_sub(500)..end + 200).contains(at_ms),
            "{name}: {events:?} {end}"
        );
    }
}

proptest! {
    #[test]
    fn any_floats_in_any_frames_are_survived(
        samples in proptest::collection::vec(any::<f32>(), 0..3000),
        frame in 1usize..500,
    ) {
        let mut detector = Detector::new(Settings { sustained_ms: 0, hangover_ms: 0, quietest_db: -200.0, certainty: 0.0 });
        for frame in samples.chunks(frame) {
            detector.push(frame, |_| ());
        }
    }
}
