//! The receiver of `--wav`: hears RTP on loopback, and presses keys on the line.

use super::tape::{Recorded, Tape};
use anyhow::{Context, Result, anyhow};
use audio::{
    codec::Codec,
    dtmf,
    rtp::{EVENT_BYTES, HEADER_BYTES, Header, MAX_DATAGRAM, Packet, TelephoneEvent},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use wire::playback::{CodecPreference, RtpTarget};

pub(crate) use super::tape::Recorded as Heard;

/// How long nothing must come until nothing more is expected of a stream that is over.
const QUIET: Duration = Duration::from_millis(100);
/// How long that is waited for.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// Most keys that wait to be pressed.
const MOST_KEYS: usize = 32;
/// How long a key is down, and between two of its packets (RFC 4733, 2.5.1.2): 50 ms at least are a key everywhere.
const PRESS_FRAMES: u16 = 5;
const FRAME: Duration = Duration::from_millis(20);
const FRAME_TICKS: u16 = 160;
/// How often the end of a key is told.
const ENDS: u16 = 3;
/// How loud keys are, in dB below 0 dBm0.
const VOLUME: u8 = 10;

/// Hears one stream.
pub(crate) struct Ear {
    target: RtpTarget,
    hearing: JoinHandle<Recorded>,
    pressing: JoinHandle<()>,
    keys: mpsc::Sender<dtmf::Key>,
    over: CancellationToken,
}

/// What hearing and pressing share.
struct Line {
    socket: UdpSocket,
    /// Where the stream comes from.
    peer: OnceLock<SocketAddr>,
    payload_type_of_keys: u8,
}

impl Ear {
    pub(crate) async fn open(codec: CodecPreference) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("RTP can't be received here")?;
        let address = format!("rtp://{}", socket.local_addr()?);
        let target = RtpTarget::new(address.parse().map_err(|fault| anyhow!("{address} {fault}"))?);
        let codec = codec_of(codec);
        let tape = Tape::new(codec, codec.payload_type().unwrap_or(target.payload_type()))?;
        let line = Arc::new(Line {
            socket,
            peer: OnceLock::new(),
            payload_type_of_keys: target.dtmf_payload_type(),
        });
        let over = CancellationToken::new();
        let (keys, pressed) = mpsc::channel(MOST_KEYS);
        Ok(Self {
            hearing: tokio::spawn(line.clone().hear(tape, over.clone())),
            pressing: tokio::spawn(line.press_all(pressed)),
            target,
            keys,
            over,
        })
    }

    /// Where it hears.
    pub(crate) fn target(&self) -> RtpTarget {
        self.target.clone()
    }

    /// Presses a key for 100 ms.
    pub(crate) fn press(&self, key: dtmf::Key) {
        // More than a person can press.
        let _ = self.keys.try_send(key);
    }

    /// The stream is over: what was heard of it.
    pub(crate) async fn close(self) -> Heard {
        self.over.cancel();
        self.pressing.abort();
        let nothing = || Recorded {
            sound: audio::Sound {
                rate: audio::TELEPHONY_RATE,
                samples: Vec::new(),
            },
            packets: 0,
            lost: 0,
            is_cut: false,
        };
        self.hearing.await.unwrap_or_else(|_| nothing())
    }
}

fn codec_of(codec: CodecPreference) -> Codec {
    match codec {
        CodecPreference::G711U => Codec::MuLaw,
        CodecPreference::G711A => Codec::ALaw,
        CodecPreference::G729 => Codec::G729,
        CodecPreference::Opus => Codec::Opus,
    }
}

impl Line {
    async fn hear(self: Arc<Self>, mut tape: Tape, over: CancellationToken) -> Recorded {
        let begun = Instant::now();
        let mut datagram = [0; MAX_DATAGRAM + 1];
        while let Some(Ok((length, from))) = over
            .run_until_cancelled(self.socket.recv_from(&mut datagram))
            .await
        {
            self.take(&datagram[..length], from, &mut tape, begun);
        }
        // What is still under way.
        let deadline = Instant::now() + LONGEST_REST;
        while Instant::now() < deadline
            && let Ok(Ok((length, from))) = timeout(QUIET, self.socket.recv_from(&mut datagram)).await
        {
            self.take(&datagram[..length], from, &mut tape, begun);
        }
        tape.finish()
    }

    /// Whoever comes first with RTP is who is heard; what is no RTP is nothing to us.
    fn take(&self, datagram: &[u8], from: SocketAddr, tape: &mut Tape, begun: Instant) {
        let Ok(packet) = Packet::read(datagram) else {
            return;
        };
        if *self.peer.get_or_init(|| from) == from {
            let now_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            tape.take(&packet, now_ms);
        }
    }

    async fn press_all(self: Arc<Self>, mut pressed: mpsc::Receiver<dtmf::Key>) {
        let begun = Instant::now();
        let ssrc = uuid::Uuid::new_v4().as_fields().0;
        let mut sequence = 0;
        while let Some(key) = pressed.recv().await {
            let Some(peer) = self.peer.get() else { continue };
            // 8 ticks a millisecond (RFC 4733: the clock of telephony).
            let timestamp = begun.elapsed().as_millis().wrapping_mul(8) as u32;
            for packet in 0..PRESS_FRAMES + ENDS {
                let event = TelephoneEvent {
                    key,
                    end: packet >= PRESS_FRAMES,
                    volume: VOLUME,
                    duration: FRAME_TICKS * (packet + 1).min(PRESS_FRAMES),
                };
                let header = Header {
                    payload_type: self.payload_type_of_keys,
                    marker: packet == 0,
                    sequence,
                    timestamp,
                    ssrc,
                };
                // Lost like any packet, if it can't be sent.
                let _ = self.socket.send_to(&datagram(&header, &event), peer).await;
                sequence = sequence.wrapping_add(1);
                sleep(FRAME).await;
            }
        }
    }
}

fn datagram(header: &Header, event: &TelephoneEvent) -> [u8; HEADER_BYTES + EVENT_BYTES] {
    let mut datagram = [0; HEADER_BYTES + EVENT_BYTES];
    if let Some(start) = datagram.first_chunk_mut() {
        header.write(start);
    }
    datagram[HEADER_BYTES..].copy_from_slice(&event.write());
    datagram
}
