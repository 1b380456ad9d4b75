use super::*;
use crate::rtp::Header;
use proptest::prelude::*;
use std::collections::HashSet;

fn packet(ssrc: u32, sequence: u16) -> Packet<'static> {
    let header = Header {
        payload_type: 0,
        marker: false,
        sequence,
        timestamp: 0,
        ssrc,
    };
    Packet { header, payload: &[] }
}

/// What the packets of one source are, 20 ms apart.
fn arrivals(incoming: &mut Incoming, sequences: &[u16]) -> Vec<Arrival> {
    let each = sequences
        .iter()
        .enumerate()
        .map(|(at, sequence)| incoming.take(&packet(1, *sequence), at as u64 * 20));
    each.collect()
}

proptest! {
    #[test]
    fn each_packet_is_new_once_and_what_is_missing_is_counted(
        start: u16,
        // Where each packet is sent, whether it gets lost, how much later than others it comes, and whether twice.
        fates in proptest::collection::vec((0u64..10, 0u64..20, 0u64..10), 1..400),
    ) {
        let mut arriving: Vec<(u64, u16)> = Vec::new();
        for (at, (lost, delay, twice)) in fates.iter().enumerate() {
            let sequence = start.wrapping_add(at as u16);
            if *lost > 0 {
                arriving.push((at as u64 + delay, sequence));
            }
            if *twice == 0 {
                arriving.push((at as u64 + 2 * delay, sequence));
            }
        }
        arriving.sort_by_key(|(when, _)| *when);
        let sequences: Vec<u16> = arriving.into_iter().map(|(_, sequence)| sequence).collect();

        let mut incoming = Incoming::new();
        let mut known = HashSet::new();
        for (sequence, arrival) in sequences.iter().zip(arrivals(&mut incoming, &sequences)) {
            prop_assert_eq!(arrival.is_new(), known.insert(*sequence), "{:?}", arrival);
            prop_assert_eq!(arrival.is_new(), arrival != Arrival::Duplicate);
        }
        let numbers = || known.iter().map(|sequence| u64::from(sequence.wrapping_sub(start)));
        let spanned = match (numbers().min(), numbers().max()) {
            (Some(least), Some(most)) => most - least + 1,
            _ => 0,
        };
        prop_assert_eq!(incoming.counts(), Counts {
            received: known.len() as u64,
            lost: spanned - known.len() as u64,
            duplicates: (sequences.len() - known.len()) as u64,
            ..Counts::default()
        });
    }

    #[test]
    fn every_packet_is_counted_as_one_thing(
        packets in proptest::collection::vec((0u32..3, prop_oneof![0u16..40, any::<u16>()], 0u64..1500), 0..300),
    ) {
        let mut incoming = Incoming::new();
        let mut now = 0;
        for (ssrc, sequence, later) in &packets {
            now += later;
            let arrival = incoming.take(&packet(*ssrc, *sequence), now);
            prop_assert!(!arrival.is_new() || incoming.ssrc() == Some(*ssrc));
        }
        let Counts { received, duplicates, out_of_place, strangers, .. } = incoming.counts();
        prop_assert_eq!(received + duplicates + out_of_place + strangers, packets.len() as u64);
    }
}

#[test]
fn a_packet_that_is_64_behind_cannot_be_told_from_a_duplicate() {
    let mut incoming = Incoming::new();
    let heard = arrivals(&mut incoming, &[0, 100, 37, 36, 36]);
    assert_eq!(heard[1], Arrival::Newest { missing: 99 });
    assert_eq!(
        heard[2..],
        [Arrival::Late, Arrival::OutOfPlace, Arrival::OutOfPlace]
    );
    assert_eq!(incoming.counts().lost, 98);
}

#[test]
fn a_sender_that_counts_anew_is_followed_with_its_second_packet() {
    let mut incoming = Incoming::new();
    let heard = arrivals(&mut incoming, &[10, 11, 40000, 40001, 40002, 11]);
    assert_eq!(
        heard[2..],
        [
            Arrival::OutOfPlace,
            Arrival::NewSource,
            Arrival::Newest { missing: 0 },
            Arrival::OutOfPlace
        ]
    );
    assert_eq!(incoming.counts().lost, 0);
}

#[test]
fn a_step_of_3000_is_loss_and_a_longer_one_is_not() {
    let step = |by: u16| arrivals(&mut Incoming::new(), &[5, 5 + by])[1];
    assert_eq!(step(3000), Arrival::Newest { missing: 2999 });
    assert_eq!(step(3001), Arrival::OutOfPlace);
}

#[test]
fn another_source_is_heard_after_five_packets_in_a_row() {
    let mut incoming = Incoming::new();
    incoming.take(&packet(1, 0), 0);
    let four = |incoming: &mut Incoming, ssrc| {
        (0..4u16).all(|at| incoming.take(&packet(ssrc, at), 10) == Arrival::Stranger)
    };
    assert!(four(&mut incoming, 2));
    assert_eq!(incoming.take(&packet(1, 1), 20), Arrival::Newest { missing: 0 });
    assert!(four(&mut incoming, 2) && four(&mut incoming, 3));
    assert_eq!(incoming.take(&packet(3, 4), 30), Arrival::NewSource);
    assert_eq!(incoming.ssrc(), Some(3));
    assert_eq!(incoming.take(&packet(1, 2), 40), Arrival::Stranger);
}

#[test]
fn another_source_is_heard_at_once_when_the_old_one_was_silent_for_a_second() {
    let second_at = |now_ms| {
        let mut incoming = Incoming::new();
        incoming.take(&packet(1, 0), 500);
        incoming.take(&packet(2, 0), now_ms)
    };
    assert_eq!(second_at(1499), Arrival::Stranger);
    assert_eq!(second_at(1500), Arrival::NewSource);
}

#[test]
fn loss_of_the_source_before_is_kept() {
    let mut incoming = Incoming::new();
    arrivals(&mut incoming, &[0, 3]);
    incoming.take(&packet(2, 0), 5000);
    incoming.take(&packet(2, 2), 5000);
    assert_eq!((incoming.counts().received, incoming.counts().lost), (4, 3));
}
