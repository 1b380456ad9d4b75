//! A receiver of webhooks that notes what it gets.

use crate::support::wait_for;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often each webhook-id came, by event.
type Seen = BTreeMap<String, BTreeMap<String, u64>>;
type Decide = dyn Fn(&Request, u64) -> Reply + Send + Sync;

/// One webhook that came.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn webhook_id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The member `eventId` of the body.
    pub(crate) fn event(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["eventId"].as_str().unwrap_or_default().to_owned()
    }
}

/// What a receiver answers.
pub(crate) enum Reply {
    Status(u16),
    /// A status, one more header line, and a body.
    With(u16, String, &'static str),
    /// A status and a JSON body.
    Json(u16, Value),
    /// The connection stays open, and nothing comes.
    Nothing,
}

/// Answers webhooks on a free port of loopback until the test's process ends, or it goes down.
pub(crate) struct Receiver {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    decide: Arc<Decide>,
    down: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Answers every body with the status that `answer` gives.
    pub(crate) fn start(answer: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Self {
        Self::answering(move |request, _| Reply::Status(answer(&request.body)))
    }

    /// Answers as `decide` says, which is told how often the same webhook-id came before.
    pub(crate) fn answering(decide: impl Fn(&Request, u64) -> Reply + Send + Sync + 'static) -> Self {
        let mut receiver = Self {
            address: "127.0.0.1:0".parse().unwrap(),
            requests: Arc::default(),
            decide: Arc::new(decide),
            down: Arc::default(),
            accepting: None,
        };
        receiver.come_up();
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// The port, on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        for request in self.requests.lock().unwrap().iter() {
            let ids = seen.entry(request.event()).or_default();
            *ids.entry(request.webhook_id().to_owned()).or_default() += 1;
        }
        seen
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The events in the order they came.
    pub(crate) fn events(&self) -> Vec<String> {
        self.requests().iter().map(Request::event).collect()
    }

    /// The requests once there are so many.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Request> {
        wait_for(&format!("the arrival of {count} webhooks"), || {
            Some(self.requests()).filter(|requests| requests.len() >= count)
        })
    }

    /// Refuses connections from now on, and breaks those it has.
    pub(crate) fn go_down(&mut self) {
        self.down.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then drops its listener.
        drop(TcpStream::connect(self.address).unwrap());
        self.accepting.take().unwrap().join().unwrap();
    }

    /// Listens, on the same port as before.
    pub(crate) fn come_up(&mut self) {
        let listener = wait_for("a free port", || TcpListener::bind(self.address).ok());
        self.address = listener.local_addr().unwrap();
        self.down = Arc::default();
        let (down, decide, requests) = (self.down.clone(), self.decide.clone(), self.requests.clone());
        self.accepting = Some(thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if down.load(Ordering::SeqCst) {
                    return;
                }
                let (down, decide, requests) = (down.clone(), decide.clone(), requests.clone());
                thread::spawn(move || while one(&socket, &*decide, &requests, &down).is_some() {});
            }
        }));
    }
}

/// One request of a connection, if there is another.
fn one(socket: &TcpStream, decide: &Decide, requests: &Mutex<Vec<Request>>, down: &AtomicBool) -> Option<()> {
    socket.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut reader = BufReader::new(socket);
    let request = read(&mut reader)?;
    if down.load(Ordering::SeqCst) {
        return None;
    }
    let before = {
        let mut requests = requests.lock().unwrap();
        let same = |other: &&Request| other.webhook_id() == request.webhook_id();
        let before = requests.iter().filter(same).count() as u64;
        requests.push(request.clone());
        before
    };
    let (status, header, body) = match decide(&request, before) {
        Reply::Status(status) => (status, String::new(), String::new()),
        Reply::With(status, header, body) => (status, format!("{header}\r\n"), body.to_owned()),
        Reply::Json(status, body) => {
            let header = "Content-Type: application/json\r\n".to_owned();
            (status, header, body.to_string())
        }
        Reply::Nothing => {
            // Until whoever waits for the answer has had enough.
            let _ = reader.read(&mut [0]);
            return None;
        }
    };
    let length = body.len();
    let mut socket = socket;
    socket
        .write_all(
            format!("HTTP/1.1 {status} X\r\n{header}Content-Length: {length}\r\n\r\n{body}").as_bytes(),
        )
        .ok()
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let length = headers.get("content-length");
    let length = length.map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path,
        headers,
        body: String::from_utf8(body).ok()?,
        at: Instant::now(),
    })
}
