use super::*;
use proptest::prelude::*;

/// Ticks of a packet.
const PACKET: u32 = 160;

fn key(sign: char) -> Key {
    Key::new(sign).unwrap()
}

/// A packet, as it comes.
#[derive(Debug, Clone, Copy)]
struct Sent {
    timestamp: u32,
    marker: bool,
    event: TelephoneEvent,
    at_ms: u64,
}

/// The packets of a press, as RFC 4733 wants them: each 20 ms, in segments, and the end three times.
fn press(sign: char, begins_ms: u64, length_ms: u64, clock: u32) -> Vec<Sent> {
    let packets = (length_ms / 20).max(1) as u32;
    let repeats = (1..=packets).chain([packets; 2]);
    let begin = clock.wrapping_add(begins_ms as u32 * 8);
    repeats
        .enumerate()
        .map(|(at, packet)| {
            let ticks = packet * PACKET;
            let segment = (ticks - 1) / 0xffff;
            Sent {
                timestamp: begin.wrapping_add(segment * 0xffff),
                marker: at == 0,
                event: TelephoneEvent {
                    key: key(sign),
                    end: packet == packets,
                    volume: 10,
                    duration: (ticks - segment * 0xffff) as u16,
                },
                at_ms: begins_ms + at as u64 * 20,
            }
        })
        .collect()
}

/// What is heard of packets that come at their times, and in the second after them.
fn heard(packets: &[Sent]) -> Vec<KeyEvent> {
    let mut heard = Vec::new();
    let mut keys = KeyEvents::new(8000);
    let mut last_ms = 0;
    for sent in packets {
        while let Some(deadline) = keys.deadline().filter(|deadline| *deadline <= sent.at_ms) {
            keys.pass(deadline, |event| heard.push(event));
        }
        keys.take(sent.timestamp, sent.marker, sent.event, sent.at_ms, |event| {
            heard.push(event)
        });
        last_ms = sent.at_ms;
    }
    keys.pass(last_ms + 1000, |event| heard.push(event));
    assert_eq!((keys.deadline(), keys.held()), (None, None));
    heard
}

fn once(sign: char, duration_ms: u64) -> [KeyEvent; 2] {
    let key = key(sign);
    [KeyEvent::Down { key }, KeyEvent::Up { key, duration_ms }]
}

#[test]
fn a_press_is_down_with_its_first_packet_and_up_with_its_first_end() {
    let mut keys = KeyEvents::new(8000);
    let mut when = Vec::new();
    for sent in press('5', 0, 100, 77) {
        keys.take(sent.timestamp, sent.marker, sent.event, sent.at_ms, |event| {
            when.push((sent.at_ms, event))
        });
    }
    let [down, up] = once('5', 100);
    assert_eq!(when, [(0, down), (80, up)]);
}

#[test]
fn any_one_packet_of_a_press_is_enough() {
    let packets = press('#', 0, 100, u32::MAX - 300);
    for only in &packets {
        let duration_ms = u64::from(only.event.duration) / 8;
        assert_eq!(heard(&[*only]), once('#', duration_ms));
    }
}

#[test]
fn a_key_whose_end_is_lost_is_up_200_ms_after_its_last_packet() {
    let mut keys = KeyEvents::new(8000);
    let sent = press('1', 0, 60, 0)[1];
    keys.take(sent.timestamp, sent.marker, sent.event, 20, |_| ());
    assert_eq!((keys.deadline(), keys.held()), (Some(220), Some(key('1'))));
    keys.pass(219, |event| panic!("{event:?}"));
    let mut up = None;
    keys.pass(220, |event| up = Some(event));
    assert_eq!(up, Some(once('1', 40)[1]));
    // The packets that come after all are of a press that is over.
    for sent in press('1', 0, 500, 0) {
        keys.take(sent.timestamp, sent.marker, sent.event, 400, |event| {
            panic!("{event:?}")
        });
    }
}

#[test]
fn the_same_key_pressed_twice_is_two_keys_even_when_the_first_end_is_lost() {
    let (first, second) = (press('7', 0, 60, 9), press('7', 100, 60, 9));
    let twice = [once('7', 60), once('7', 60)].concat();
    assert_eq!(heard(&[&first[..], &second].concat()), twice);
    let without_marker = &second[1..];
    assert_eq!(heard(&[&first[..], without_marker].concat()), twice);
    let without_end = &first[..2];
    let heard = heard(&[without_end, &second].concat());
    assert_eq!(heard, [once('7', 40), once('7', 60)].concat());
}

#[test]
fn a_newer_packet_with_the_marker_is_another_press_wherever_it_begins() {
    let first = press('7', 0, 60, 9);
    let mut second = press('7', 100, 60, 9);
    // A clock that stood still between the keys.
    second.iter_mut().for_each(|sent| sent.timestamp = 9 + PACKET);
    let heard = heard(&[&first[..], &second].concat());
    assert_eq!(heard, [once('7', 60), once('7', 60)].concat());
}

#[test]
fn a_long_press_goes_on_under_new_timestamps() {
    let twenty_seconds = press('0', 0, 20_000, 5);
    assert!(twenty_seconds.iter().any(|sent| sent.timestamp == 5 + 2 * 0xffff));
    assert_eq!(heard(&twenty_seconds), once('0', 20_000));
    // The packets around the new timestamp are lost, up to where it would be taken for another press or for over.
    let boundary = twenty_seconds
        .iter()
        .position(|sent| sent.timestamp != 5)
        .unwrap();
    let lossy = [&twenty_seconds[..boundary - 3], &twenty_seconds[boundary + 3..]].concat();
    assert_eq!(heard(&lossy), once('0', 20_000));
}

#[test]
fn a_sender_that_counts_the_timestamp_on_in_each_packet_sends_one_key() {
    let mut packets = press('3', 0, 200, 0);
    for (at, sent) in packets.iter_mut().enumerate() {
        sent.timestamp += at as u32 * PACKET;
        sent.marker = at == 0;
    }
    let heard = heard(&packets);
    assert_eq!(heard[0], once('3', 0)[0]);
    assert!(
        matches!(
            heard[1..],
            [KeyEvent::Up {
                duration_ms: 200..=240,
                ..
            }]
        ),
        "{heard:?}"
    );
}

#[test]
fn a_source_that_begins_anew_ends_the_key_and_its_timestamps_may_be_any() {
    let mut told = Vec::new();
    let mut keys = KeyEvents::new(8000);
    let mut take = |keys: &mut KeyEvents, timestamp| {
        let event = press('9', 0, 20, 0)[0].event;
        let down = TelephoneEvent { end: false, ..event };
        keys.take(timestamp, true, down, 0, |event| told.push(event));
    };
    take(&mut keys, 80_000);
    take(&mut keys, 79_000);
    keys.restart(|event| assert_eq!(event, once('9', 20)[1]));
    take(&mut keys, 79_000);
    assert_eq!(told, [once('9', 20)[0]; 2]);
}

#[test]
fn timestamps_of_the_opus_clock_give_the_same_length() {
    let mut heard = Vec::new();
    let mut keys = KeyEvents::new(48_000);
    let event = TelephoneEvent {
        duration: 4800,
        ..press('2', 0, 20, 0)[0].event
    };
    keys.take(0, true, event, 0, |event| heard.push(event));
    assert_eq!(heard, once('2', 100));
}

/// What happens to a packet: it is lost, it comes so much later, and again so much later.
type Fate = (u8, u64, Option<u64>);

fn fate() -> impl Strategy<Value = Fate> {
    (0u8..3, 0u64..50, proptest::option::of(0u64..4000))
}

proptest! {
    #[test]
    fn each_press_of_which_anything_comes_in_time_is_one_key_in_order(
        clock: u32,
        presses in proptest::collection::vec((0usize..16, 40u64..400, 40u64..400), 1..12),
        fates in proptest::collection::vec(fate(), 400),
    ) {
        let signs = "1234567890*#ABCD";
        let mut begins_ms = 0;
        let mut arriving: Vec<Sent> = Vec::new();
        let mut expected = Vec::new();
        let mut fates = fates.into_iter().cycle();
        for (sign, length_ms, pause_ms) in presses {
            let sign = signs.chars().nth(sign).unwrap();
            let next_ms = begins_ms + length_ms + pause_ms;
            let mut came = false;
            for sent in press(sign, begins_ms, length_ms, clock) {
                let (lost, later, again) = fates.next().unwrap();
                let at_ms = sent.at_ms + later;
                // What comes only after the next press began is out of the running.
                if lost > 0 && at_ms < next_ms {
                    came = true;
                    arriving.push(Sent { at_ms, ..sent });
                    arriving.extend(again.map(|again| Sent { at_ms: at_ms + again, ..sent }));
                }
            }
            if came {
                expected.push(key(sign));
            }
            begins_ms = next_ms;
        }
        arriving.sort_by_key(|sent| sent.at_ms);

        let mut told = heard(&arriving).into_iter();
        let mut keys = Vec::new();
        while let Some(event) = told.next() {
            let KeyEvent::Down { key: down } = event else {
                return Err(TestCaseError::fail(format!("{event:?} before its beginning")));
            };
            let up = told.next();
            prop_assert!(matches!(up, Some(KeyEvent::Up { key, .. }) if key == down), "{up:?}");
            keys.push(down);
        }
        prop_assert_eq!(keys, expected);
    }

    #[test]
    fn keys_go_down_and_up_in_turn_whatever_comes(
        packets in proptest::collection::vec((0u32..2000, any::<bool>(), 0u8..4, any::<bool>(), any::<u16>(), 0u64..300), 0..100),
    ) {
        let mut keys = KeyEvents::new(8000);
        let mut held = None;
        let mut now_ms = 0;
        for (timestamp, marker, event, end, duration, later) in packets {
            now_ms += later;
            let [high, low] = duration.to_be_bytes();
            let event = TelephoneEvent::read(&[event, if end { 0x80 } else { 0 }, high, low]).unwrap();
            keys.take(timestamp, marker, event, now_ms, |event| match event {
                KeyEvent::Down { key } => assert_eq!(held.replace(key), None),
                KeyEvent::Up { key, .. } => assert_eq!(held.take(), Some(key)),
            });
            assert_eq!(keys.held(), held);
        }
    }
}
