//! `trunkline center`, and clients of its playback sessions over HTTP: one connection each, which is kept.

use crate::{load::Player, sounds};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PROMPT: &str = "long";
/// The longest that a measurement takes, creating the sessions included.
pub(crate) const PROMPT_SECONDS: usize = 180;
const PATIENCE: Duration = Duration::from_secs(30);
const TENANT: &str = r#"
name = "Bench"
[[client]]
id = "bench"
secret = "bench-secret-1"
scopes = "all"
[announcements]
apology = "long"
operator = "ext:operator"
operatorGreeting = "long"
agentGreeting = "long"
"#;

/// What may interrupt a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Keys,
    Voices,
}

/// The process, killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    address: String,
    /// The header that says who asks, once there is a token.
    bearer: String,
    _folder: TempDir,
}

impl Gateway {
    /// Starts it with a prompt.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        fs::create_dir(path.join("prompts")).expect("a folder for prompts");
        let prompt = sounds::prompt(PROMPT_SECONDS);
        fs::write(path.join(format!("prompts/{PROMPT}.wav")), prompt).expect("the prompt");
        fs::write(path.join("tenant.toml"), TENANT).expect("the tenant");
        let child = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .current_dir(path)
            .args(
                "center --quiet --listen 127.0.0.1:0 --env-file env --tenant tenant.toml --limits off"
                    .split(' '),
            )
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("trunkline starts");
        let mut gateway = Self {
            child,
            address: String::new(),
            bearer: String::new(),
            _folder: folder,
        };
        gateway.address = gateway.wait_for_address();
        gateway.bearer = format!("Authorization: Bearer {}\r\n", gateway.client().token());
        gateway
    }

    /// A client with a connection of its own.
    pub(crate) fn client(&self) -> Client {
        let connection = TcpStream::connect(&self.address).expect("a connection");
        connection.set_nodelay(true).expect("no delay");
        connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client {
            connection: BufReader::new(connection),
            host: self.address.clone(),
            bearer: self.bearer.clone(),
        }
    }

    fn wait_for_address(&self) -> String {
        let file = self._folder.path().join("env");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = fs::read_to_string(&file).unwrap_or_default();
            let url = lines
                .lines()
                .find_map(|line| line.strip_prefix("TRUNKLINE_URL=http://"));
            if let Some(address) = url {
                return address.to_owned();
            }
            assert!(Instant::now() < deadline, "trunkline center does not start");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who creates sessions.
pub(crate) struct Client {
    connection: BufReader<TcpStream>,
    host: String,
    bearer: String,
}

impl Client {
    /// Starts a session, and gives its id, or what was answered instead.
    pub(crate) fn play(&mut self, port: u16, heard: Heard) -> Result<String, String> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = format!(
            "00000000-0000-4000-8000-{:012x}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let body = json!({
            "sessionId": id,
            "promptId": PROMPT,
            "playbackConfig": {
                "volumeMatrix": {"baseGain": 0.8, "peakLimit": 0.95, "compressionRatio": 0.7},
                "interruptibility": {
                    "allowDTMF": heard == Heard::Keys,
                    "allowVoice": heard == Heard::Voices,
                    "cutoffBehavior": "immediate",
                },
                "codecPreference": "G711U",
                "bufferPreload": true,
                "formatVerification": true,
            },
            "sessionMetadata": {"createdVia": "bench", "timestamp": "2026-11-21T12:00:00.000Z"},
            "destination": {"rtpUrl": format!("rtp://127.0.0.1:{port}")},
        });
        let (status, answer) = self.request(
            "POST",
            "/api/v2/media/sessions",
            "application/json",
            &body.to_string(),
        );
        match status {
            201 => Ok(id),
            _ => Err(answer.to_string()),
        }
    }

    /// How a session stands.
    pub(crate) fn session(&mut self, id: &str) -> Value {
        let (status, answer) = self.request("GET", &format!("/api/v2/media/sessions/{id}"), "text/plain", "");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Ends a session.
    pub(crate) fn stop(&mut self, id: &str) {
        let (status, answer) = self.request(
            "DELETE",
            &format!("/api/v2/media/sessions/{id}"),
            "text/plain",
            "",
        );
        assert_eq!(status, 204, "{answer}");
    }

    fn token(&mut self) -> String {
        let form = "grant_type=client_credentials&client_id=bench&client_secret=bench-secret-1";
        let (status, answer) =
            self.request("POST", "/oauth/token", "application/x-www-form-urlencoded", form);
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    fn request(&mut self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let (host, bearer, length) = (&self.host, &self.bearer, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{bearer}Content-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.connection
            .get_mut()
            .write_all(request.as_bytes())
            .expect("it is sent");
        let status = self
            .line()
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut length = 0;
        loop {
            let line = self.line();
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().expect("a length");
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body).expect("the body");
        (
            status.expect("a status"),
            serde_json::from_slice(&body).unwrap_or_default(),
        )
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.connection.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

/// The gateway as one of those that are compared.
pub(crate) struct Ours {
    gateway: Gateway,
    client: Client,
}

impl Player for Ours {
    fn start(_: &Path) -> Self {
        let gateway = Gateway::start();
        let client = gateway.client();
        Self { gateway, client }
    }

    fn pid(&self) -> u32 {
        self.gateway.child.id()
    }

    fn play(&mut self, port: u16) -> Result<(), String> {
        self.client.play(port, Heard::Keys).map(drop)
    }
}
