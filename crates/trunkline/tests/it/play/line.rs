//! Playing to a receiver of the test's own.

use super::{PROMPT, quick_folder};
use crate::support::trunkline;
use audio::{
    dtmf::Key,
    rtp::{EVENT_BYTES, HEADER_BYTES, Header, MAX_DATAGRAM, Packet, TelephoneEvent},
};
use serde_json::Value;
use std::{net::UdpSocket, process::Stdio, time::Duration};

/// After so many packets the key is pressed: 1 s into the prompt.
const PACKETS_BEFORE: u32 = 50;

#[test]
fn a_key_on_the_line_interrupts_and_is_told() {
    let folder = quick_folder();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let to = format!("rtp://{}", socket.local_addr().unwrap());
    let playing = trunkline(folder.path())
        .args(["--json", "play", PROMPT, "--tenant", "tenant.toml", "--to", &to])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut datagram = [0; MAX_DATAGRAM];
    for received in 1.. {
        let (length, from) = socket.recv_from(&mut datagram).unwrap();
        let packet = Packet::read(&datagram[..length]).unwrap();
        assert_eq!(packet.header.payload_type, 0);
        if received == PACKETS_BEFORE {
            press(&socket, from);
            break;
        }
    }
    let output = playing.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let session = &told["session"];
    assert_eq!(session["playbackState"], "interrupted", "{told:#}");
    assert_eq!(session["interruption"]["cause"], "dtmf");
    assert_eq!(session["interruption"]["digit"], "5");
    let at = session["interruption"]["atMs"].as_u64().unwrap();
    assert!((900..2000).contains(&at), "{told:#}");
    let outcome = told["outcome"].as_str().unwrap();
    assert!(outcome.starts_with("interrupted by key 5 at "), "{outcome}");
}

/// The first packets of a press; what follows does not matter any more.
fn press(socket: &UdpSocket, to: std::net::SocketAddr) {
    for sequence in 0..3 {
        let event = TelephoneEvent {
            key: Key::new('5').unwrap(),
            end: false,
            volume: 10,
            duration: 160 * (sequence + 1),
        };
        let header = Header {
            payload_type: 101,
            marker: sequence == 0,
            sequence,
            timestamp: 16_000,
            ssrc: 77,
        };
        let mut datagram = [0; HEADER_BYTES + EVENT_BYTES];
        header.write(datagram.first_chunk_mut().unwrap());
        datagram[HEADER_BYTES..].copy_from_slice(&event.write());
        socket.send_to(&datagram, to).unwrap();
    }
}
