//! What is heard of one stream's other end.

use crate::{
    clock::Clock,
    playback::{address::RtpSocket, engine::Listener, session::Session},
};
use audio::{
    Law, dtmf, opus,
    rtp::{Arrival, Incoming, KeyEvent, KeyEvents, Keys, MAX_DATAGRAM, Packet, TelephoneEvent},
    voice,
};
use flow::playback::Cause;
use std::sync::Arc;
use wire::{
    Digit,
    playback::{CodecPreference, RtpTarget},
};

/// The clock of telephone events, in hertz, unless something else was agreed on (RFC 4733, 2.1).
const EVENT_CLOCK: u32 = 8_000;
/// Packets of one caller that are looked into: so many a second (sound and keys come to a hundred), and so many at once. What is more is dropped unread.
const PACKETS_A_SECOND: u64 = 200;
const PACKETS_AT_ONCE: u64 = 200;
/// The most samples of a packet that are listened to: 120 ms.
const MAX_SOUND: usize = 960;

/// One stream's ear. What sound takes to be understood is there when the first sound comes.
pub(in crate::playback) struct Ear {
    session: Arc<Session>,
    socket: Arc<RtpSocket>,
    sound_type: u8,
    event_type: u8,
    patience: Patience,
    incoming: Incoming,
    events: KeyEvents,
    keys: Keys,
    sound: Option<Box<SoundEar>>,
}

/// What listens to sound.
struct SoundEar {
    decoder: Decoder,
    tones: dtmf::Detector,
    voice: Option<voice::Detector>,
}

/// How much more of a caller is listened to: work for one must not keep the keys of others waiting.
#[derive(Default)]
struct Patience {
    /// In thousandths of a packet.
    spent: u64,
    at_ms: u64,
}

impl Patience {
    /// Whether it lasts for one packet more.
    fn lasts(&mut self, now_ms: u64) -> bool {
        let rested_ms = now_ms.saturating_sub(self.at_ms);
        self.at_ms = now_ms;
        self.spent = self
            .spent
            .saturating_sub(rested_ms.saturating_mul(PACKETS_A_SECOND));
        let lasts = self.spent + 1000 <= PACKETS_AT_ONCE * 1000;
        self.spent += if lasts { 1000 } else { 0 };
        lasts
    }
}

/// To samples at 8000 Hz.
enum Decoder {
    G711(Law),
    Opus(Box<opus::Decoder>),
}

impl Ear {
    pub(super) fn new(session: Arc<Session>, socket: Arc<RtpSocket>, target: &RtpTarget) -> Self {
        Self {
            sound_type: super::super::payload_type(session.facts.config.codec, target),
            event_type: target.dtmf_payload_type(),
            session,
            socket,
            patience: Patience::default(),
            incoming: Incoming::new(),
            events: KeyEvents::new(EVENT_CLOCK),
            keys: Keys::new(),
            sound: None,
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn is_over(&self) -> bool {
        self.session.is_over()
    }

    /// Reads one datagram and tells what is in it. Whether there may be more.
    pub(super) fn read(&mut self, clock: Clock, listener: &Listener) -> bool {
        // One more than may be, so that what is too long is seen to be.
        let mut datagram = [0; MAX_DATAGRAM + 1];
        let Some(length) = self.socket.receive(&mut datagram) else {
            return false;
        };
        let now_ms = u64::try_from(clock.now().since_start().as_millis()).unwrap_or(u64::MAX);
        if self.patience.lasts(now_ms)
            && let Ok(packet) = Packet::read(&datagram[..length])
        {
            self.take(&packet, now_ms, |session, cause| {
                listener.heard(session.facts.serial, cause);
            });
        }
        true
    }

    /// A packet, in whatever order; tells of keys and of the beginning of speech.
    fn take(&mut self, packet: &Packet<'_>, now_ms: u64, mut heard: impl FnMut(&Session, Cause)) {
        let arrival = self.incoming.take(packet, now_ms);
        if !arrival.is_new() {
            return;
        }
        let header = &packet.header;
        let (keys, session) = (&mut self.keys, &*self.session);
        let mut tell = |event| pressed(session, event, &mut heard);
        if arrival == Arrival::NewSource {
            self.events.restart(|event| keys.event(event, now_ms, &mut tell));
        }
        if header.payload_type == self.event_type {
            if let Ok(event) = TelephoneEvent::read(packet.payload) {
                let marker = header.marker;
                self.events
                    .take(header.timestamp, marker, event, now_ms, |event| {
                        keys.event(event, now_ms, &mut tell);
                    });
            }
        } else if header.payload_type == self.sound_type && arrival != Arrival::Late {
            self.listen(packet.payload, now_ms, heard);
        }
    }

    fn listen(&mut self, payload: &[u8], now_ms: u64, mut heard: impl FnMut(&Session, Cause)) {
        if self.sound.is_none() {
            self.sound = SoundEar::new(&self.session).map(Box::new);
        }
        let Some(sound) = &mut self.sound else {
            return;
        };
        let (keys, session) = (&mut self.keys, &*self.session);
        let mut room = [0.0; MAX_SOUND];
        let samples = sound.decoder.decode(payload, &mut room);
        sound.tones.push(samples, |tone| {
            keys.tone(tone, now_ms, |event| pressed(session, event, &mut heard));
        });
        if let Some(voice) = &mut sound.voice {
            voice.push(samples, |event| {
                if matches!(event, voice::Event::Began { .. }) {
                    heard(session, Cause::Voice);
                }
            });
        }
    }
}

/// A key that went down: it interrupts, or it is counted and nothing more is known of it.
fn pressed(session: &Session, event: KeyEvent, heard: &mut impl FnMut(&Session, Cause)) {
    let KeyEvent::Down { key } = event else {
        return;
    };
    // Both are the sixteen keys of Q.23.
    let digit = Digit::all().find(|digit| digit.sign() == key.sign());
    match digit.filter(|_| session.facts.config.interruptibility.dtmf) {
        Some(digit) => heard(session, Cause::Key(digit)),
        None => session.ignored_key(),
    }
}

impl SoundEar {
    /// `None` for what can't be decoded.
    fn new(session: &Session) -> Option<Self> {
        let config = &session.facts.config;
        let who = &config.interruptibility;
        let decoder = match config.codec {
            CodecPreference::G711U => Decoder::G711(Law::Mu),
            CodecPreference::G711A => Decoder::G711(Law::A),
            CodecPreference::Opus => {
                Decoder::Opus(Box::new(opus::Decoder::new(audio::TELEPHONY_RATE, 1).ok()?))
            }
            CodecPreference::G729 => return None,
        };
        Some(Self {
            decoder,
            tones: dtmf::Detector::new(),
            voice: who
                .voice
                .then(|| voice::Detector::new(voice::Settings::default())),
        })
    }
}

impl Decoder {
    /// The samples of a payload; none when it is no sound.
    fn decode<'a>(&mut self, payload: &[u8], room: &'a mut [f32; MAX_SOUND]) -> &'a [f32] {
        let length = match self {
            Self::G711(law) => {
                let pairs = room.iter_mut().zip(payload);
                pairs.for_each(|(sample, code)| *sample = f32::from(law.decode(*code)) / 32768.0);
                payload.len().min(MAX_SOUND)
            }
            // To Opus an empty packet is a lost one.
            Self::Opus(_) if payload.is_empty() => 0,
            Self::Opus(decoder) => decoder.decode(payload).map_or(0, |samples| {
                let pairs = room.iter_mut().zip(samples);
                pairs.for_each(|(room, sample)| *room = *sample);
                samples.len().min(MAX_SOUND)
            }),
        };
        &room[..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_packets_at_once_and_then_two_hundred_a_second_are_listened_to() {
        let mut patience = Patience::default();
        let at_once = (0..500).filter(|_| patience.lasts(7)).count();
        assert_eq!(at_once, 200);
        let later = (1..=1000).flat_map(|ms| [7 + ms; 3]);
        assert_eq!(later.filter(|ms| patience.lasts(*ms)).count(), 200);
        // Who calls as usual is never kept waiting: 50 packets of sound and 50 of keys a second.
        let mut patience = Patience::default();
        assert!((0..10_000).step_by(10).all(|ms| patience.lasts(ms)));
    }
}
