//! A center as a process of its own, and connections to it.

use serde_json::Value;
use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::http::read_message;

/// A running center, killed when dropped.
pub(crate) struct Center {
    child: Child,
    url: String,
    token: String,
    credentials: (String, String),
    _folder: TempDir,
}

impl Center {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let env_file = folder.path().join("center.env");
        let child = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .current_dir(folder.path())
            .args(["center", "--listen", "127.0.0.1:0", "--limits", "off", "--quiet"])
            .args(["--env-file", "center.env", "--data-dir", "data"])
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("trunkline starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        let lines = loop {
            if let Ok(lines) = fs::read_to_string(&env_file) {
                break lines;
            }
            assert!(Instant::now() < deadline, "trunkline center does not start");
            std::thread::sleep(Duration::from_millis(20));
        };
        let of = |name: &str| {
            let value = lines
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.expect("it is in the file").to_owned()
        };
        let (url, id, secret) = (of("TRUNKLINE_URL"), of("CLIENT_ID"), of("CLIENT_SECRET"));
        let token = token(url.trim_start_matches("http://"), &id, &secret);
        Self {
            child,
            url,
            token,
            credentials: (id, secret),
            _folder: folder,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The client's id and secret.
    #[allow(dead_code, reason = "not every benchmark starts clients of its own")]
    pub(crate) fn credentials(&self) -> (&str, &str) {
        (&self.credentials.0, &self.credentials.1)
    }

    pub(crate) async fn connect(&self) -> Line {
        let host = self.url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Line {
            stream,
            buffer: Vec::new(),
            head: format!("Host: {host}\r\nAuthorization: Bearer {}\r\n", self.token),
        }
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asked for once, by the means of the standard library.
fn token(host: &str, id: &str, secret: &str) -> String {
    use std::io::{Read, Write};
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(host).expect("a connection");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["access_token"].as_str().expect("a token").to_owned()
}

/// A connection that is kept.
pub(crate) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    head: String,
}

impl Line {
    /// Sends a request, and gives the status and the JSON of the answer.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        );
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("it is sent");
        let (head, body) = read_message(&mut self.stream, &mut self.buffer)
            .await
            .expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (
            status.expect("a status"),
            serde_json::from_slice(&body).unwrap_or(Value::Null),
        )
    }
}
