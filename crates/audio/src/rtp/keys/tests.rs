use super::*;
use crate::dtmf::{Detector, Level, tone};
use proptest::prelude::*;

fn key(sign: char) -> Key {
    Key::new(sign).unwrap()
}

/// What is told when a key goes down or up one way.
fn hear(keys: &mut Keys, way: Way, down: bool, key: Key, now_ms: u64) -> Vec<KeyEvent> {
    let mut told = Vec::new();
    let event = if down {
        KeyEvent::Down { key }
    } else {
        KeyEvent::Up {
            key,
            duration_ms: 100,
        }
    };
    keys.hear(way, event, now_ms, |event| told.push(event));
    told
}

/// Which of these are told; D and U are events, d and u tones, of one key.
fn told(what: &[(char, u64)]) -> String {
    let mut keys = Keys::new();
    let is_told = |(sign, now_ms): &&(char, u64)| {
        let way = if sign.is_ascii_uppercase() {
            Way::Events
        } else {
            Way::Tones
        };
        let down = sign.eq_ignore_ascii_case(&'d');
        !hear(&mut keys, way, down, key('5'), *now_ms).is_empty()
    };
    what.iter().filter(is_told).map(|(sign, _)| *sign).collect()
}

#[test]
fn a_press_that_comes_both_ways_is_told_when_it_is_first_heard() {
    assert_eq!(told(&[('D', 0), ('d', 50), ('U', 100), ('u', 150)]), "DU");
    assert_eq!(told(&[('d', 0), ('D', 50), ('u', 100), ('U', 150)]), "dU");
    assert_eq!(told(&[('d', 0), ('u', 50), ('D', 100), ('U', 150)]), "du");
    assert_eq!(told(&[('D', 0), ('U', 50), ('d', 100), ('u', 150)]), "DU");
}

#[test]
fn the_other_way_is_waited_for_120_ms() {
    assert_eq!(told(&[('D', 0), ('U', 60), ('d', 180), ('u', 240)]), "DU");
    assert_eq!(told(&[('D', 0), ('U', 60), ('d', 181), ('u', 240)]), "DUdu");
    assert_eq!(told(&[('d', 0), ('u', 60), ('D', 180), ('U', 240)]), "du");
    assert_eq!(told(&[('d', 0), ('u', 60), ('D', 181), ('U', 240)]), "duDU");
}

#[test]
fn a_second_press_is_told_though_the_first_was_just_heard_both_ways() {
    let twice = [
        ('D', 0),
        ('d', 50),
        ('U', 60),
        ('D', 100),
        ('u', 110),
        ('d', 150),
        ('U', 160),
        ('u', 210),
    ];
    assert_eq!(told(&twice), "DUDU");
}

#[test]
fn two_presses_whose_events_are_late_are_two() {
    let late = [
        ('d', 0),
        ('u', 62),
        ('D', 81),
        ('d', 108),
        ('U', 143),
        ('u', 148),
        ('D', 189),
        ('U', 229),
    ];
    assert_eq!(told(&late), "dudu");
}

#[test]
fn tones_that_break_off_while_the_key_is_down_tell_nothing() {
    let broken = [
        ('D', 0),
        ('d', 50),
        ('u', 300),
        ('d', 400),
        ('U', 900),
        ('u', 940),
    ];
    assert_eq!(told(&broken), "DU");
}

#[test]
fn the_next_key_ends_the_one_before() {
    let mut keys = Keys::new();
    let (a, five) = (key('A'), key('5'));
    hear(&mut keys, Way::Tones, true, a, 1000);
    let up = KeyEvent::Up {
        key: a,
        duration_ms: 70,
    };
    let told = hear(&mut keys, Way::Events, true, five, 1070);
    assert_eq!(told, [up, KeyEvent::Down { key: five }]);
    assert_eq!(hear(&mut keys, Way::Tones, false, a, 1100), []);
    assert_eq!(hear(&mut keys, Way::Events, false, five, 1170).len(), 1);
}

#[test]
fn of_tones_that_end_before_the_event_the_length_does_not_count() {
    let mut keys = Keys::new();
    let up = |duration_ms| KeyEvent::Up {
        key: key('5'),
        duration_ms,
    };
    hear(&mut keys, Way::Events, true, key('5'), 0);
    hear(&mut keys, Way::Tones, true, key('5'), 50);
    assert_eq!(hear(&mut keys, Way::Tones, false, key('5'), 300), []);
    let mut told = None;
    keys.event(up(500), 500, |event| told = Some(event));
    assert_eq!(told, Some(up(500)));
}

#[test]
fn what_the_detector_hears_of_a_press_is_the_press_that_the_events_told() {
    let mut sound = tone(key('8'), 100, Level::both(-10.0));
    sound.resize(sound.len() + 800, 0.0);
    let (mut detector, mut keys, mut told) = (Detector::new(), Keys::new(), Vec::new());
    let down = KeyEvent::Down { key: key('8') };
    let up = KeyEvent::Up {
        key: key('8'),
        duration_ms: 100,
    };
    for (frame, samples) in sound.chunks(160).enumerate() {
        let now_ms = frame as u64 * 20;
        match frame {
            0 => keys.event(down, now_ms, |event| told.push(event)),
            5 => keys.event(up, now_ms, |event| told.push(event)),
            _ => {}
        }
        let mut tones = Vec::new();
        detector.push(samples, |event| tones.push(event));
        tones.into_iter().for_each(|tone| {
            assert_eq!(told.first(), Some(&down));
            keys.tone(tone, now_ms + 20, |event| told.push(event));
        });
    }
    assert_eq!(told, [down, up]);
}

/// One way tells presses with a delay: when, down or up, which key.
fn heard_by(way: Way, delay_ms: u64, presses: &[(Key, u64, u64)]) -> Vec<(u64, Way, bool, Key)> {
    let each = presses.iter().flat_map(|(key, begins_ms, ends_ms)| {
        [
            (begins_ms + delay_ms, way, true, *key),
            (ends_ms + delay_ms, way, false, *key),
        ]
    });
    each.collect()
}

/// The keys that are told, each first down and then up.
fn keys_told(mut heard: Vec<(u64, Way, bool, Key)>) -> Vec<Key> {
    heard.sort_by_key(|(now_ms, ..)| *now_ms);
    let mut keys = Keys::new();
    let mut told = Vec::new();
    for (now_ms, way, down, key) in heard {
        told.extend(hear(&mut keys, way, down, key, now_ms));
    }
    let pairs = told.chunks(2).map(|pair| match pair {
        [KeyEvent::Down { key: down }, KeyEvent::Up { key: up, .. }] if down == up => *down,
        _ => panic!("not in turn: {told:?}"),
    });
    pairs.collect()
}

/// Keys, and how long each press and the pause behind it is; few different keys, so that the same one often follows.
fn any_presses(pause_ms: std::ops::Range<u64>) -> impl Strategy<Value = Vec<(Key, u64, u64)>> {
    let press = (0usize..3, 40u64..400, pause_ms);
    proptest::collection::vec(press, 0..20).prop_map(|presses| {
        let mut begins_ms = 0;
        let each = presses.into_iter().map(|(at, length_ms, pause_ms)| {
            let press = (Key::all().nth(at).unwrap(), begins_ms, begins_ms + length_ms);
            begins_ms = press.2 + pause_ms;
            press
        });
        each.collect()
    })
}

proptest! {
    #[test]
    fn each_press_is_told_once_when_both_ways_hear_all(
        presses in any_presses(40..400),
        delays in (0u64..110, 0u64..110),
    ) {
        let heard = [heard_by(Way::Events, delays.0, &presses), heard_by(Way::Tones, delays.1, &presses)].concat();
        let all: Vec<Key> = presses.iter().map(|(key, ..)| *key).collect();
        prop_assert_eq!(keys_told(heard), all);
    }

    #[test]
    fn each_press_is_told_once_when_either_way_misses_some(
        presses in any_presses(240..600),
        delays in (0u64..110, 0u64..110),
        missed in proptest::collection::vec(0u8..3, 20),
    ) {
        let but = |by: u8| -> Vec<_> {
            presses.iter().zip(&missed).filter(|(_, missed)| **missed != by).map(|(press, _)| *press).collect()
        };
        let heard = [heard_by(Way::Events, delays.0, &but(0)), heard_by(Way::Tones, delays.1, &but(1))].concat();
        let all: Vec<Key> = presses.iter().map(|(key, ..)| *key).collect();
        prop_assert_eq!(keys_told(heard), all);
    }
}
