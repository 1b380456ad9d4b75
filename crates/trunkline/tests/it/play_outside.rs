//! Other programs that receive our RTP: tshark has nothing to complain of, ffmpeg and GStreamer play all four codecs.
//!
//! Runs only with `TRUNKLINE_TEST_MEDIA=1`, where tshark, ffmpeg and GStreamer (with its libav plugin) are installed.

mod capture;
mod ffmpeg;
mod gstreamer;
mod tshark;

use crate::support::{Center, wait_for};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::Child,
};

/// The codecs by their names in a session, their payload types, and the steps of their timestamps.
const CODECS: [(&str, u8, u32); 4] = [
    ("G711U", 0, 160),
    ("G711A", 8, 160),
    ("G729", 18, 160),
    ("OPUS", 111, 960),
];
const OPUS: &str = "OPUS";
const G729: &str = "G729";
const PROMPT: &str = "general_welcome";
const G729_FRAMES: usize = 211;
const TENANT: &str = r#"
name = "Studio"
[[client]]
id = "studio"
secret = "studio-secret-1"
scopes = "all"
[announcements]
apology = "general_welcome"
operator = "ext:operator"
operatorGreeting = "general_welcome"
agentGreeting = "general_welcome"
"#;

fn is_wanted() -> bool {
    let wanted = std::env::var("TRUNKLINE_TEST_MEDIA").is_ok_and(|value| value == "1");
    if !wanted {
        println!("skipped: set TRUNKLINE_TEST_MEDIA=1 where tshark, ffmpeg and GStreamer are installed");
    }
    wanted
}

/// A center with one prompt, also in G.729.
struct Studio {
    center: Center,
    /// The header that says who asks, once there is a token.
    bearer: String,
}

impl Studio {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let prompts = folder.path().join("prompts");
        fs::create_dir(&prompts).unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/prompts");
        let name = format!("{PROMPT}.wav");
        fs::copy(demo.join(&name), prompts.join(&name)).unwrap();
        fs::write(prompts.join(format!("{PROMPT}.g729")), any_g729()).unwrap();
        fs::write(folder.path().join("tenant.toml"), TENANT).unwrap();
        let center = Center::start_in(folder, &["--tenant", "tenant.toml", "--limits", "off"]);
        let mut studio = Self {
            center,
            bearer: String::new(),
        };
        let form = "grant_type=client_credentials&client_id=studio&client_secret=studio-secret-1";
        let (_, answer) = studio.request("POST", "/oauth/token", "application/x-www-form-urlencoded", form);
        let token = answer["access_token"].as_str().unwrap();
        studio.bearer = format!("Authorization: Bearer {token}\r\n");
        studio
    }

    fn file(&self, name: &str) -> PathBuf {
        self.center.folder.path().join(name)
    }

    /// Plays the prompt in a codec, and gives the session's path.
    fn play(&self, codec: &str, port: u16) -> String {
        let number = CODECS.iter().position(|(name, ..)| *name == codec).unwrap();
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let body = json!({
            "sessionId": id,
            "promptId": PROMPT,
            "playbackConfig": {
                "volumeMatrix": {"baseGain": 1.0, "peakLimit": 1.0, "compressionRatio": 1.0},
                "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "immediate"},
                "codecPreference": codec,
                "bufferPreload": true,
                "formatVerification": true,
            },
            "sessionMetadata": {"createdVia": "test", "timestamp": "2026-11-21T12:00:00.000Z"},
            "destination": {"rtpUrl": format!("rtp://127.0.0.1:{port}")},
        });
        let path = "/api/v2/media/sessions";
        let (status, answer) = self.request("POST", path, "application/json", &body.to_string());
        assert_eq!(status, 201, "{answer}");
        format!("{path}/{id}")
    }

    /// Waits for the end of a session, which must be that of the prompt.
    fn played(&self, session: &str) {
        let over = wait_for("the end of the prompt", || {
            let (_, answer) = self.request("GET", session, "text/plain", "");
            (answer["playbackState"] != "playing").then_some(answer)
        });
        assert_eq!(over["playbackState"], "completed", "{over}");
    }

    fn request(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let address = self.center.environment["TRUNKLINE_URL"]
            .strip_prefix("http://")
            .unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        let (bearer, length) = (&self.bearer, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{bearer}Content-Type: {kind}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}

/// Frames of 10 ms, an odd number of them: any bits of G.729 decode to something, and it is the same for all who decode it.
fn any_g729() -> Vec<u8> {
    let mut state = 0x2f6e_2b1f_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..G729_FRAMES * 10).map(next).collect()
}

/// Sockets on an even port and the one after it, as RTP and RTCP have them.
fn port_pair() -> (UdpSocket, UdpSocket) {
    wait_for("two free ports", || {
        let rtp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = rtp.local_addr().unwrap().port();
        if port % 2 == 1 {
            return None;
        }
        Some((rtp, UdpSocket::bind(("127.0.0.1", port + 1)).ok()?))
    })
}

/// A program that is killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether somebody has this UDP port.
fn is_listened_to(port: u16) -> bool {
    let address = format!(":{port:04X}");
    let sockets = fs::read_to_string("/proc/net/udp").unwrap();
    let mut locals = sockets.lines().filter_map(|line| line.split_whitespace().nth(1));
    locals.any(|local| local.ends_with(&address))
}

fn samples(wav: &Path) -> Vec<f32> {
    audio::decode(fs::read(wav).unwrap()).unwrap().samples
}
