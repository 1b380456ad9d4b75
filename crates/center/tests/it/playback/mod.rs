//! Playback sessions over real sockets: what contract section 3 promises.

mod barge_in;
mod in_call;
mod limits;
mod line;
mod refused;
mod steering;
mod told;

use crate::support::{Answer, PATIENCE, Rig, send};
use audio::{
    Law,
    dtmf::Key,
    rtp::{HEADER_BYTES, Header, MAX_DATAGRAM, Packet, TelephoneEvent},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{net::UdpSocket, time::timeout};

pub(crate) const SESSIONS: &str = "/api/v2/media/sessions";
/// The prompt of most tests, of two seconds.
pub(crate) const PROMPT: &str = "general_welcome";

/// The id of a session of a test.
pub(crate) fn id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A directive that plays the usual prompt flat, in mu-law, to nobody.
pub(crate) fn directive(number: u64) -> Value {
    json!({
        "sessionId": id(number),
        "promptId": PROMPT,
        "playbackConfig": {
            "volumeMatrix": {"baseGain": 1.0, "peakLimit": 1.0, "compressionRatio": 1.0},
            "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "immediate"},
            "codecPreference": "G711U",
            "bufferPreload": true,
            "formatVerification": true,
        },
        "sessionMetadata": {"createdVia": "test", "timestamp": "2026-11-21T09:30:00.000Z"},
    })
}

pub(crate) async fn post(rig: &Rig, token: &str, path: &str, body: &Value) -> Answer {
    let request = rig.request(Method::POST, path).bearer_auth(token);
    send(request.body(body.to_string())).await
}

pub(crate) async fn create(rig: &Rig, token: &str, body: &Value) -> Answer {
    post(rig, token, SESSIONS, body).await
}

pub(crate) async fn created(rig: &Rig, token: &str, body: &Value) -> Value {
    let answer = create(rig, token, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

pub(crate) async fn control(rig: &Rig, token: &str, number: u64, body: Value) -> Answer {
    post(rig, token, &format!("{SESSIONS}/{}/control", id(number)), &body).await
}

pub(crate) async fn get(rig: &Rig, token: &str, path: &str) -> Answer {
    send(rig.request(Method::GET, path).bearer_auth(token)).await
}

pub(crate) async fn session(rig: &Rig, token: &str, number: u64) -> Value {
    let answer = get(rig, token, &format!("{SESSIONS}/{}", id(number))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

/// The session when it is as it should be.
pub(crate) async fn session_where(
    rig: &Rig,
    token: &str,
    number: u64,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    let until = async {
        loop {
            let session = session(rig, token, number).await;
            if holds(&session) {
                return session;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let found = timeout(PATIENCE, until).await;
    match found {
        Ok(session) => session,
        Err(_) => panic!("never: {}", session(rig, token, number).await),
    }
}

pub(crate) async fn over(rig: &Rig, token: &str, number: u64) -> Value {
    session_where(rig, token, number, |session| {
        !["buffering", "playing", "paused"].contains(&session["playbackState"].as_str().unwrap())
    })
    .await
}

/// A packet as it came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) at: Instant,
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

/// Who is at the other end.
pub(crate) struct Phone {
    socket: UdpSocket,
    pub(crate) from: Option<SocketAddr>,
    sequence: u16,
}

impl Phone {
    pub(crate) async fn new() -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            from: None,
            sequence: 100,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("rtp://{}", self.socket.local_addr().unwrap())
    }

    /// The directive, to this phone.
    pub(crate) fn to(&self, mut directive: Value) -> Value {
        directive["destination"] = json!({"rtpUrl": self.url()});
        directive
    }

    /// The next packet, unless none comes for so long.
    pub(crate) async fn next_within(&mut self, patience: Duration) -> Option<Came> {
        let mut datagram = [0; MAX_DATAGRAM];
        let (length, from) = timeout(patience, self.socket.recv_from(&mut datagram))
            .await
            .ok()?
            .unwrap();
        self.from = Some(from);
        let packet = Packet::read(&datagram[..length]).unwrap();
        Some(Came {
            at: Instant::now(),
            header: packet.header,
            payload: packet.payload.to_vec(),
        })
    }

    pub(crate) async fn next(&mut self) -> Came {
        self.next_within(PATIENCE).await.expect("a packet")
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Came> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.next().await);
        }
        all
    }

    /// All packets until none came for 300 ms.
    pub(crate) async fn rest(&mut self) -> Vec<Came> {
        let mut all = Vec::new();
        while let Some(packet) = self.next_within(Duration::from_millis(300)).await {
            all.push(packet);
        }
        all
    }

    /// Sends bytes to where the stream comes from.
    pub(crate) async fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.from.unwrap()).await.unwrap();
    }

    /// Sends a telephone event; gives the datagram, to be sent again.
    pub(crate) async fn event(
        &mut self,
        key: char,
        timestamp: u32,
        marker: bool,
        end: bool,
        ms: u16,
    ) -> Vec<u8> {
        let event = TelephoneEvent {
            key: Key::new(key).unwrap(),
            end,
            volume: 10,
            duration: ms * 8,
        };
        let datagram = self.packet(101, timestamp, marker, &event.write());
        self.send(&datagram).await;
        datagram
    }

    /// The next packet of this phone.
    pub(crate) fn packet(
        &mut self,
        payload_type: u8,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> Vec<u8> {
        self.sequence += 1;
        rtp(self.sequence, payload_type, timestamp, marker, payload)
    }
}

pub(crate) fn rtp(sequence: u16, payload_type: u8, timestamp: u32, marker: bool, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        payload_type,
        marker,
        sequence,
        timestamp,
        ssrc: 0xcafe,
    };
    let mut datagram = vec![0; HEADER_BYTES];
    header.write(datagram.first_chunk_mut().unwrap());
    datagram.extend(payload);
    datagram
}

/// What was heard, by way of G.711.
pub(crate) fn heard(law: Law, packets: &[Came]) -> Vec<f32> {
    packets
        .iter()
        .flat_map(|packet| law.decode_all(&packet.payload))
        .collect()
}

/// A prompt of the demo as it is heard in G.711.
pub(crate) fn prompt(name: &str, law: Law) -> Vec<f32> {
    let file = std::fs::read(crate::support::demo_prompts().join(format!("{name}.wav"))).unwrap();
    let sound = audio::decode(&file).unwrap().resampled(audio::TELEPHONY_RATE);
    law.decode_all(&law.encode_all(&sound.samples))
}

pub(crate) fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

/// A directive for what is uploaded here: another prompt than those of the library.
pub(crate) async fn of_sound(rig: &Rig, token: &str, number: u64, wav: &[u8]) -> Value {
    let asset = crate::media::asset(rig, token, wav).await;
    let mut directive = directive(number);
    directive["promptId"] = asset.into();
    directive
}

/// A center without rate limits: tests ask faster than people do.
pub(crate) fn unlimited_rates(options: &mut center::Options) {
    options.limits = "session-creations=1000/s,other=10000/s".parse().unwrap();
}
