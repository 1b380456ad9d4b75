//! Datagrams that come to a stream, each behind a byte for the time since the one before (in 4 ms) and one for its length.
#![no_main]

use audio::rtp::{Incoming, KeyEvent, KeyEvents, Packet, TelephoneEvent, is_rtcp, rtcp};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut incoming, mut keys) = (Incoming::new(), KeyEvents::new(8000));
    let (mut rest, mut now_ms, mut packets) = (bytes, 0, 0);
    let mut held = None;
    let mut tell = |event| match event {
        KeyEvent::Down { key } => assert_eq!(held.replace(key), None),
        KeyEvent::Up { key, .. } => assert_eq!(held.take(), Some(key)),
    };
    while let [later, length, behind @ ..] = rest {
        let (datagram, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        (rest, now_ms) = (behind, now_ms + u64::from(*later) * 4);
        if is_rtcp(datagram) {
            assert!(Packet::read(datagram).is_err());
        }
        if let Ok(told) = rtcp::read(datagram) {
            assert!(told.count() <= datagram.len() / 4);
        }
        let Ok(packet) = Packet::read(datagram) else { continue };
        packets += 1;
        let arrival = incoming.take(&packet, now_ms);
        if let Ok(event) = TelephoneEvent::read(packet.payload)
            && arrival.is_new()
        {
            keys.take(packet.header.timestamp, packet.header.marker, event, now_ms, &mut tell);
        }
        keys.pass(now_ms, &mut tell);
        assert!(keys.deadline().is_none_or(|deadline| deadline > now_ms));
    }
    keys.restart(&mut tell);
    assert_eq!(held, None);
    let counts = incoming.counts();
    assert_eq!(counts.received + counts.duplicates + counts.out_of_place + counts.strangers, packets);
});
