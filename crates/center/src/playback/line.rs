//! The RTP line of one stream: its socket, its numbers, and its reports (RFC 3550).

use super::address::RtpSocket;
use audio::{
    codec::{Codec, MAX_PAYLOAD},
    rtp::{
        HEADER_BYTES, Header,
        rtcp::{SenderReport, bye},
    },
};
use flow::Moment;
use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};
use wire::UtcTime;

/// How often a sender report is sent on average (RFC 3550, 6.2); a single interval is half to one and a half of it (6.3.1).
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// How long a destination may refuse packets before the stream fails: who listens there may be a little late.
const REFUSED_FOR: Duration = Duration::from_secs(1);
/// Refusals that are no further apart are in a row: the kernel tells each once, and every other packet seems to be sent.
const REFUSED_IN_A_ROW: Duration = Duration::from_millis(200);
/// Who sends, in RTCP: no address and no name of a machine.
const CNAME: &str = "playback@trunkline";
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Room for a packet, one for all streams.
pub(super) type Packet = [u8; HEADER_BYTES + MAX_PAYLOAD];

/// Where RTP goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) address: SocketAddr,
    pub(super) payload_type: u8,
}

/// Random numbers that a stream begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
}

/// A destination that refuses packets.
#[derive(Debug, Clone, Copy)]
struct Refused {
    since: Moment,
    last: Moment,
}

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Sent,
    /// The machine does not take it now: it is lost.
    Lost,
    /// Nobody listened for too long, or the address can't be reached.
    Dead(ErrorKind),
}

/// One line.
pub(super) struct Line {
    socket: Arc<RtpSocket>,
    route: Route,
    beginning: Beginning,
    ticks: u32,
    packets: u32,
    octets: u32,
    /// The timestamp of the packet that was sent last.
    last_timestamp: u32,
    /// When that was.
    last_sent: Moment,
    refused: Option<Refused>,
    next_report: Moment,
}

impl Line {
    pub(super) fn new(socket: Arc<RtpSocket>, route: Route, codec: Codec, beginning: Beginning) -> Self {
        Self {
            socket,
            route,
            beginning,
            ticks: codec.frame_ticks(),
            packets: 0,
            octets: 0,
            last_timestamp: beginning.timestamp,
            last_sent: Moment::START,
            refused: None,
            next_report: Moment::START,
        }
    }

    /// Sends the payload of the 20 ms that are the `elapsed`th since the beginning.
    pub(super) fn send(
        &mut self,
        payload: &[u8],
        elapsed: u64,
        marker: bool,
        packet: &mut Packet,
        now: Moment,
    ) -> Sending {
        // Wraps around, as both numbers do on the line.
        let since = (elapsed as u32).wrapping_mul(self.ticks);
        let header = Header {
            payload_type: self.route.payload_type,
            marker,
            sequence: self.beginning.sequence.wrapping_add(self.packets as u16),
            timestamp: self.beginning.timestamp.wrapping_add(since),
            ssrc: self.beginning.ssrc,
        };
        let length = HEADER_BYTES + payload.len();
        let Some((head, body)) = packet.get_mut(..length).and_then(<[u8]>::split_first_chunk_mut) else {
            return Sending::Lost;
        };
        header.write(head);
        body.copy_from_slice(payload);
        // What is lost has a number too: so the receiver sees that it is.
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        self.last_timestamp = header.timestamp;
        self.last_sent = now;
        let sent = self.socket.send(&packet[..length]);
        self.judge(sent, now)
    }

    fn judge(&mut self, sent: io::Result<usize>, now: Moment) -> Sending {
        let Err(error) = sent else {
            return Sending::Sent;
        };
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::OutOfMemory | ErrorKind::Interrupted => Sending::Lost,
            kind => {
                let before = self
                    .refused
                    .filter(|refused| now.since(refused.last) < REFUSED_IN_A_ROW);
                let since = before.map_or(now, |refused| refused.since);
                self.refused = Some(Refused { since, last: now });
                match now.since(since) >= REFUSED_FOR {
                    true => Sending::Dead(kind),
                    false => Sending::Lost,
                }
            }
        }
    }

    /// Sends a report when one is due. Nobody has to listen to it.
    pub(super) fn report(&mut self, reports: &Reports, at: impl FnOnce() -> UtcTime, now: Moment) {
        if self.packets == 0 || now < self.next_report {
            return;
        }
        self.next_report = now + self.until_report();
        let mut datagram = Vec::with_capacity(64);
        self.sender_report(at(), now).write(CNAME, &mut datagram);
        reports.send(&datagram, self.route.address);
    }

    /// Says that the stream is over.
    pub(super) fn bye(&self, reports: &Reports, at: UtcTime, now: Moment) {
        if self.packets == 0 {
            return;
        }
        let mut datagram = Vec::with_capacity(72);
        self.sender_report(at, now).write(CNAME, &mut datagram);
        bye(self.beginning.ssrc, &mut datagram);
        reports.send(&datagram, self.route.address);
    }

    /// Half to one and a half of [`REPORT_EVERY`], so that streams that began together do not report together.
    fn until_report(&self) -> Duration {
        let mixed = (self.beginning.ssrc ^ self.packets).wrapping_mul(0x9E37_79B1) >> 16;
        REPORT_EVERY / 2 + REPORT_EVERY * mixed / (1 << 16)
    }

    /// The timestamp is that of the time of the report, also when nothing was sent for a while (RFC 3550, 6.4.1).
    fn sender_report(&self, at: UtcTime, now: Moment) -> SenderReport {
        let resting_ms = (now - self.last_sent).as_millis();
        let resting = resting_ms * u128::from(self.ticks) / u128::from(flow::playback::FRAME_MS);
        SenderReport {
            ssrc: self.beginning.ssrc,
            ntp: ntp(at),
            // Wraps around, as on the line.
            rtp_timestamp: self.last_timestamp.wrapping_add(resting as u32),
            packets: self.packets,
            octets: self.octets,
        }
    }
}

/// A time as NTP has it: seconds since 1900 and fractions of 2 to the power of 32.
fn ntp(at: UtcTime) -> u64 {
    let time = at.timestamp();
    let seconds = u64::try_from(time.as_second())
        .unwrap_or(0)
        .wrapping_add(NTP_TO_UNIX);
    let nanos = u64::try_from(time.subsec_nanosecond()).unwrap_or(0);
    (seconds << 32) | ((nanos << 32) / 1_000_000_000)
}

/// The sockets that all reports go out by; a machine may have no IPv6.
pub(super) struct Reports {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

impl Reports {
    pub(super) fn open() -> Self {
        let open = |address: &str| {
            let socket = UdpSocket::bind(address).ok()?;
            socket.set_nonblocking(true).ok().map(|()| socket)
        };
        Self {
            v4: open("0.0.0.0:0"),
            v6: open("[::]:0"),
        }
    }

    /// To the port after that of the sound.
    fn send(&self, datagram: &[u8], sound: SocketAddr) {
        let Some(port) = sound.port().checked_add(1) else {
            return;
        };
        let socket = match sound {
            SocketAddr::V4(_) => &self.v4,
            SocketAddr::V6(_) => &self.v6,
        };
        if let Some(socket) = socket {
            // Reports may be lost.
            let _ = socket.send_to(datagram, SocketAddr::new(sound.ip(), port));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_from_1900() {
        // RFC 5905, figure 4: 1970 is 2,208,988,800.
        assert_eq!(ntp("1970-01-01T00:00:00Z".parse().unwrap()), 2_208_988_800 << 32);
        let half = ntp("2026-11-21T09:30:00.500Z".parse().unwrap());
        assert_eq!(half & 0xffff_ffff, 1 << 31);
    }
}
