//! One caller's phone: a socket that hears a prompt, and sends keys and sound to where the prompt comes from.

use crate::sounds::Frame;
use audio::{
    dtmf::Key,
    rtp::{EVENT_BYTES, HEADER_BYTES, Header, Packet, TelephoneEvent},
};
use std::{
    io::ErrorKind,
    net::UdpSocket,
    thread,
    time::{Duration, Instant},
};

const FRAME: Duration = Duration::from_millis(20);
const TICKS: u16 = 160;
const SOUND: u8 = 0;
const KEYS: u8 = 101;
/// How long nothing may come until a prompt is over.
const SILENCE: Duration = Duration::from_millis(300);
/// How long the first packet may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Phone {
    socket: UdpSocket,
    sequence: u16,
    timestamp: u32,
}

impl Phone {
    /// One that nobody plays to yet, with its port.
    pub(crate) fn new() -> (Self, u16) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("its address").port();
        let phone = Self {
            socket,
            sequence: 0xfffa,
            timestamp: 0xffff_ff00,
        };
        (phone, port)
    }

    /// Waits for the first packet of the prompt; whatever is sent goes to its sender.
    pub(crate) fn answer(&mut self) {
        self.socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (_, from) = self.socket.recv_from(&mut [0; 2048]).expect("a prompt begins");
        self.socket.connect(from).expect("a way back");
        self.socket.set_read_timeout(Some(SILENCE)).expect("a timeout");
    }

    /// Hears the prompt for so long.
    pub(crate) fn hear(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while Instant::now() < until && self.next().is_some() {}
    }

    /// Hears what comes until nothing does, but no longer than this: when each packet came.
    pub(crate) fn hear_out(&self, at_most: Duration) -> Vec<Instant> {
        let until = Instant::now() + at_most;
        let mut came = Vec::new();
        while Instant::now() < until {
            let Some(at) = self.next() else { break };
            came.push(at);
        }
        came
    }

    /// When the next packet of sound came.
    fn next(&self) -> Option<Instant> {
        let mut datagram = [0; 2048];
        loop {
            let length = self.socket.recv(&mut datagram).ok()?;
            let at = Instant::now();
            if Packet::read(&datagram[..length]).is_ok_and(|packet| packet.header.payload_type == SOUND) {
                return Some(at);
            }
        }
    }

    /// Whether anything came since this was last asked; never waits.
    pub(crate) fn came(&self) -> bool {
        self.socket
            .set_nonblocking(true)
            .expect("a socket that never waits");
        let mut came = false;
        loop {
            match self.socket.recv(&mut [0; 2048]) {
                Ok(_) => came = true,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return came,
            }
        }
    }

    /// The same phone for another thread, which sends.
    pub(crate) fn for_sending(&self) -> Self {
        Self {
            socket: self.socket.try_clone().expect("a socket"),
            ..*self
        }
    }

    /// Presses a key for so long, as RFC 4733 has it: at once, every 20 ms, and its end three times. Gives when that began.
    pub(crate) fn press(&mut self, held: Duration) -> Instant {
        let begun = Instant::now();
        let mut event = TelephoneEvent {
            key: Key::new('5').expect("a key"),
            end: false,
            volume: 10,
            duration: TICKS,
        };
        let mut due = Duration::ZERO;
        while due < held {
            thread::sleep((begun + due).saturating_duration_since(Instant::now()));
            self.send_event(due.is_zero(), event);
            due += FRAME;
            event.duration += TICKS;
        }
        thread::sleep((begun + held).saturating_duration_since(Instant::now()));
        event.end = true;
        event.duration = u16::try_from(held.as_millis() * 8).unwrap_or(u16::MAX);
        (0..3).for_each(|_| self.send_event(false, event));
        begun
    }

    /// Says something, a frame every 20 ms; gives when this frame of it was sent.
    pub(crate) fn say(&mut self, frames: &[Frame], telling: usize) -> Option<Instant> {
        let begun = Instant::now();
        let mut told = None;
        for (n, frame) in (0u32..).zip(frames) {
            thread::sleep((begun + FRAME * n).saturating_duration_since(Instant::now()));
            if n as usize == telling {
                told = Some(Instant::now());
            }
            self.send_frame(frame);
        }
        told
    }

    /// Sends a frame of sound.
    pub(crate) fn send_frame(&mut self, frame: &Frame) {
        let mut datagram = [0; HEADER_BYTES + size_of::<Frame>()];
        let header = self.header(SOUND, self.sequence == 0xfffa);
        let (head, payload) = datagram.split_first_chunk_mut().expect("room for a header");
        header.write(head);
        payload.copy_from_slice(frame);
        self.timestamp = self.timestamp.wrapping_add(u32::from(TICKS));
        self.send(&datagram);
    }

    fn send_event(&mut self, marker: bool, event: TelephoneEvent) {
        let mut datagram = [0; HEADER_BYTES + EVENT_BYTES];
        let (head, payload) = datagram.split_first_chunk_mut().expect("room for a header");
        self.header(KEYS, marker).write(head);
        payload.copy_from_slice(&event.write());
        self.send(&datagram);
    }

    fn header(&self, payload_type: u8, marker: bool) -> Header {
        Header {
            payload_type,
            marker,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: 0x5eed,
        }
    }

    fn send(&mut self, datagram: &[u8]) {
        self.sequence = self.sequence.wrapping_add(1);
        // The other end may be gone: its prompt is over.
        let _ = self.socket.send(datagram);
    }
}
