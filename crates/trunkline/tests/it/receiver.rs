//! A receiver of webhooks that notes what it gets.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How often each webhook-id came, by event.
type Seen = BTreeMap<String, BTreeMap<String, u64>>;

/// Answers webhooks on a free port of loopback until the test's process ends.
pub(crate) struct Receiver {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    /// Answers every body with the status that `answer` gives.
    pub(crate) fn start(answer: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Seen>>::default();
        let (answer, kept) = (Arc::new(answer), seen.clone());
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (answer, seen) = (answer.clone(), kept.clone());
                thread::spawn(move || while one(&socket, &*answer, &seen).is_some() {});
            }
        });
        Self { port, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// One request of a connection, if there is another.
fn one(socket: &TcpStream, answer: &dyn Fn(&str) -> u16, seen: &Mutex<Seen>) -> Option<()> {
    socket.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut reader = BufReader::new(socket);
    let (mut length, mut id) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "webhook-id" => id = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let event: serde_json::Value = serde_json::from_str(&body).ok()?;
    let event = event["eventId"].as_str()?.to_owned();
    *seen
        .lock()
        .unwrap()
        .entry(event)
        .or_default()
        .entry(id)
        .or_default() += 1;
    let status = answer(&body);
    let mut socket = socket;
    socket
        .write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes())
        .ok()
}
