//! What a stream hears: which packets are its own and new, whatever order they come in, and how many are missing.

use super::{Packet, steps_ahead};

/// How many packets behind the newest one may come and still be told from a duplicate.
const WINDOW: u64 = u64::BITS as u64;
/// A step further ahead than this, or further behind than the window, is another count, not loss (RFC 3550, A.1).
const MAX_STEP_AHEAD: i16 = 3000;
/// After so many packets of another source in a row, the stream is that source's.
const PACKETS_OF_ANOTHER: u8 = 5;
/// Or with its first packet, when the old source was silent for so long.
const SILENT_MS: u64 = 1000;
/// Where counting begins, so that packets before the first one have numbers too.
const FIRST: u64 = 1 << 32;

/// What a packet is to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest one. Between it and the one before, so many are missing until they come late.
    Newest {
        /// 0 when none is.
        missing: u16,
    },
    /// The first one of a source: the very first, that of another SSRC, or of a sender that counts anew. What was known of the source before is
    /// of no use any more.
    NewSource,
    /// New, but a newer one came before.
    Late,
    /// It was here already.
    Duplicate,
    /// So far from the others that nobody can say if it was here. When the next one follows it, the sender counts anew.
    OutOfPlace,
    /// Of another SSRC, while the stream goes on.
    Stranger,
}

impl Arrival {
    /// Whether its payload is to be used.
    pub fn is_new(self) -> bool {
        matches!(self, Arrival::Newest { .. } | Arrival::NewSource | Arrival::Late)
    }
}

/// How many packets were what, over all sources of the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that were new.
    pub received: u64,
    /// Those that should have come between the first and the newest of their source, and did not.
    pub lost: u64,
    /// Those that were here already.
    pub duplicates: u64,
    /// Those that were out of place.
    pub out_of_place: u64,
    /// Those of others.
    pub strangers: u64,
}

/// One stream that comes in.
///
/// ```
/// use audio::rtp::{Arrival, Header, Incoming, Packet};
///
/// let packet = |sequence| Packet {
///     header: Header { payload_type: 0, marker: false, sequence, timestamp: 0, ssrc: 1 },
///     payload: &[],
/// };
/// let mut incoming = Incoming::new();
/// let arrivals = [65535, 1, 0, 1].map(|sequence| incoming.take(&packet(sequence), 0));
/// assert_eq!(arrivals, [Arrival::NewSource, Arrival::Newest { missing: 1 }, Arrival::Late, Arrival::Duplicate]);
/// assert_eq!(incoming.counts().lost, 0);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    source: Option<Source>,
    /// Another SSRC, and how many packets of it came in a row.
    other: Option<(u32, u8)>,
    /// Of the source and of those before it; `lost` only of those before.
    counts: Counts,
}

/// The sender that is heard.
#[derive(Debug, Clone)]
struct Source {
    ssrc: u32,
    /// The number of the first packet, if numbers did not wrap around.
    first: u64,
    newest: u64,
    /// Which of the packets before were here: the newest is bit 0, the one before it bit 1.
    seen: u64,
    received: u64,
    /// What follows a packet that was out of place.
    expected_anew: Option<u16>,
    heard_ms: u64,
}

impl Incoming {
    /// A stream that heard nothing yet.
    pub fn new() -> Incoming {
        Incoming::default()
    }

    /// What this packet is, which came now.
    pub fn take(&mut self, packet: &Packet<'_>, now_ms: u64) -> Arrival {
        let header = &packet.header;
        let arrival = match &mut self.source {
            Some(source) if source.ssrc == header.ssrc => {
                self.other = None;
                source.heard_ms = now_ms;
                source.take(header.sequence)
            }
            Some(source) if source.heard_ms.saturating_add(SILENT_MS) > now_ms => {
                stranger(&mut self.other, header.ssrc)
            }
            _ => Arrival::NewSource,
        };
        if arrival == Arrival::NewSource {
            self.begin(header.ssrc, header.sequence, now_ms);
        }
        self.count(arrival);
        arrival
    }

    /// Who is heard.
    pub fn ssrc(&self) -> Option<u32> {
        self.source.as_ref().map(|source| source.ssrc)
    }

    /// What came until now.
    pub fn counts(&self) -> Counts {
        Counts {
            lost: self.counts.lost + self.source.as_ref().map_or(0, Source::lost),
            ..self.counts
        }
    }

    fn begin(&mut self, ssrc: u32, sequence: u16, now_ms: u64) {
        self.counts.lost += self.source.as_ref().map_or(0, Source::lost);
        self.other = None;
        let number = FIRST + u64::from(sequence);
        self.source = Some(Source {
            ssrc,
            first: number,
            newest: number,
            seen: 1,
            received: 1,
            expected_anew: None,
            heard_ms: now_ms,
        });
    }

    fn count(&mut self, arrival: Arrival) {
        let count = match arrival {
            Arrival::Newest { .. } | Arrival::NewSource | Arrival::Late => &mut self.counts.received,
            Arrival::Duplicate => &mut self.counts.duplicates,
            Arrival::OutOfPlace => &mut self.counts.out_of_place,
            Arrival::Stranger => &mut self.counts.strangers,
        };
        *count += 1;
    }
}

impl Source {
    fn take(&mut self, sequence: u16) -> Arrival {
        let ahead = steps_ahead(sequence, self.newest as u16);
        match ahead {
            1..=MAX_STEP_AHEAD => self.go_ahead(ahead as u64),
            i16::MIN..=0 if u64::from(ahead.unsigned_abs()) < WINDOW => {
                self.look_back(u64::from(ahead.unsigned_abs()))
            }
            _ if self.expected_anew == Some(sequence) => Arrival::NewSource,
            _ => {
                self.expected_anew = Some(sequence.wrapping_add(1));
                Arrival::OutOfPlace
            }
        }
    }

    fn go_ahead(&mut self, steps: u64) -> Arrival {
        self.expected_anew = None;
        self.newest += steps;
        self.seen = self.seen.checked_shl(steps as u32).unwrap_or(0) | 1;
        self.received += 1;
        Arrival::Newest {
            missing: (steps - 1) as u16,
        }
    }

    fn look_back(&mut self, steps: u64) -> Arrival {
        let bit = 1 << steps;
        if self.seen & bit != 0 {
            return Arrival::Duplicate;
        }
        self.seen |= bit;
        self.received += 1;
        self.first = self.first.min(self.newest - steps);
        Arrival::Late
    }

    fn lost(&self) -> u64 {
        (self.newest - self.first + 1).saturating_sub(self.received)
    }
}

/// A packet of another source, while the stream goes on.
fn stranger(other: &mut Option<(u32, u8)>, ssrc: u32) -> Arrival {
    let before = other
        .filter(|(known, _)| *known == ssrc)
        .map_or(0, |(_, packets)| packets);
    let packets = before + 1;
    *other = Some((ssrc, packets));
    if packets >= PACKETS_OF_ANOTHER {
        Arrival::NewSource
    } else {
        Arrival::Stranger
    }
}

#[cfg(test)]
mod tests;
