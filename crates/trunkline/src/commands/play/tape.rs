//! What was heard of a stream, in order and in time: what is lost, and the time in which nothing was sent, is silence.

use anyhow::Result;
use audio::{
    Sound,
    codec::{Codec, Decoder, MAX_SAMPLES},
    rtp::{Arrival, Incoming, Packet, ticks_ahead},
};

/// The longest that is kept, in seconds; 16 kHz are 77 MB then.
const LONGEST_S: usize = 20 * 60;

/// Takes packets, and keeps their sound.
pub(super) struct Tape {
    codec: Codec,
    payload_type: u8,
    decoder: Decoder,
    incoming: Incoming,
    samples: Vec<f32>,
    /// A place on the tape, in samples, and the timestamp that is there.
    anchor: Option<(usize, u32)>,
    is_cut: bool,
}

/// What is on it.
pub(crate) struct Recorded {
    pub(crate) sound: Sound,
    pub(crate) packets: u64,
    pub(crate) lost: u64,
    /// There was more than is kept.
    pub(crate) is_cut: bool,
}

impl Tape {
    pub(super) fn new(codec: Codec, payload_type: u8) -> Result<Self> {
        Ok(Self {
            codec,
            payload_type,
            decoder: Decoder::new(codec)?,
            incoming: Incoming::new(),
            samples: Vec::new(),
            anchor: None,
            is_cut: false,
        })
    }

    /// Takes a packet that came so many milliseconds after the beginning. What can't be decoded is lost.
    pub(super) fn take(&mut self, packet: &Packet<'_>, now_ms: u64) {
        if packet.header.payload_type != self.payload_type {
            return;
        }
        let arrival = self.incoming.take(packet, now_ms);
        if !arrival.is_new() {
            return;
        }
        let Some(at) = self.place(arrival, packet.header.timestamp) else {
            return;
        };
        let mut room = [0.0; MAX_SAMPLES];
        if let Ok(heard) = self.decoder.decode(packet.payload, &mut room) {
            put(&mut self.samples, at, heard);
        }
        if arrival != Arrival::Late {
            self.anchor = Some((at, packet.header.timestamp));
        }
    }

    /// Where on the tape the sound of a timestamp is.
    fn place(&mut self, arrival: Arrival, timestamp: u32) -> Option<usize> {
        let end = self.samples.len();
        let at = match self.anchor {
            Some((at, before)) if arrival != Arrival::NewSource => {
                let ticks = i64::from(ticks_ahead(timestamp, before));
                let samples =
                    ticks * i64::from(self.codec.sample_rate()) / i64::from(self.codec.clock_rate());
                at.checked_add_signed(isize::try_from(samples).ok()?)?
            }
            _ => end,
        };
        let most = LONGEST_S * self.codec.sample_rate() as usize;
        self.is_cut |= at + MAX_SAMPLES > most;
        (at + MAX_SAMPLES <= most).then_some(at)
    }

    pub(super) fn finish(self) -> Recorded {
        let counts = self.incoming.counts();
        Recorded {
            sound: Sound {
                rate: self.codec.sample_rate(),
                samples: self.samples,
            },
            packets: counts.received,
            lost: counts.lost,
            is_cut: self.is_cut,
        }
    }
}

fn put(samples: &mut Vec<f32>, at: usize, heard: &[f32]) {
    let end = at + heard.len();
    if samples.len() < end {
        samples.resize(end, 0.0);
    }
    if let Some(place) = samples.get_mut(at..end) {
        place.copy_from_slice(heard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Law, rtp::Header};

    /// A tape after packets of one sequence number, frame number and sound each.
    fn tape(packets: &[(u16, u32, i16)]) -> Recorded {
        let mut tape = Tape::new(Codec::MuLaw, 0).unwrap();
        for (sequence, frame, sample) in packets {
            let header = Header {
                payload_type: 0,
                marker: false,
                sequence: *sequence,
                timestamp: (frame * 160).wrapping_add(u32::MAX - 200),
                ssrc: 7,
            };
            let payload = [Law::Mu.encode(*sample); 160];
            let packet = Packet {
                header,
                payload: &payload,
            };
            tape.take(&packet, u64::from(*frame) * 20);
        }
        tape.finish()
    }

    /// One sample of each frame, roughly.
    fn levels(recorded: &Recorded) -> Vec<i32> {
        let frames = recorded.sound.samples.chunks(160);
        frames.map(|frame| (frame[80] * 10.0).round() as i32).collect()
    }

    const LOUD: i16 = 16_384;

    #[test]
    fn what_is_lost_is_silence_and_what_is_late_is_put_in_its_place() {
        let heard = tape(&[
            (1, 0, LOUD),
            (2, 1, LOUD),
            (4, 3, LOUD),
            (6, 5, LOUD),
            (5, 4, -LOUD),
            (5, 4, LOUD),
        ]);
        assert_eq!(levels(&heard), [5, 5, 0, 5, -5, 5]);
        assert_eq!((heard.packets, heard.lost, heard.is_cut), (5, 1, false));
    }

    #[test]
    fn a_pause_is_as_long_as_it_was() {
        let heard = tape(&[(1, 0, LOUD), (2, 10, LOUD)]);
        assert_eq!(levels(&heard), [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(heard.lost, 0);
    }

    #[test]
    fn a_tape_has_an_end() {
        let too_late = LONGEST_S as u32 * 50;
        let heard = tape(&[(1, 0, LOUD), (2, too_late, LOUD)]);
        assert_eq!((heard.sound.samples.len(), heard.is_cut), (160, true));
    }

    #[test]
    fn packets_of_other_payload_types_are_not_heard() {
        let mut tape = Tape::new(Codec::MuLaw, 0).unwrap();
        let header = Header {
            payload_type: 101,
            marker: true,
            sequence: 1,
            timestamp: 0,
            ssrc: 7,
        };
        let packet = Packet {
            header,
            payload: &[5, 10, 0, 160],
        };
        tape.take(&packet, 0);
        assert_eq!(tape.finish().packets, 0);
    }
}
