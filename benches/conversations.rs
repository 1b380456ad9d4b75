//! 1,000 conversations at once with a bot of the center: turns a second, and how soon a long poll is woken.
//!
//! `cargo bench -p trunkline --bench conversations`
//!
//! `trunkline center` is a process of its own; the customers are this one, on the same processors. A turn is a message (201: it and its
//! answer are synced to disk) and the long poll that brings the answer. Then 1,000 long polls wait, and messages come at
//! a steady rate: a wake-up is counted from the 201 of the message, and from its sending.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "support/http.rs"]
mod http;

use http::{percentile, read_message};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{MissedTickBehavior, interval},
};

const CONVERSATIONS: usize = 1_000;
const TURNS_FOR: Duration = Duration::from_secs(15);
const WARM_UP: Duration = Duration::from_secs(2);
const WAKES_PER_S: u32 = 250;

const BOT: &str = r#"
    name = "Clerk"
    fallback.say = "I did not understand that."
    [intent.hours]
    examples = ["when are you open", "what are your opening hours", "opening times"]
    say = { any = ["From nine to six, Monday to Saturday.", "Nine to six; on Sundays we are closed."] }
    [intent.thanks]
    examples = ["thank you", "thanks a lot"]
    say = "You are welcome."
"#;

struct Center {
    child: Child,
    address: String,
    token: String,
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bot.toml"), BOT).expect("the bot is written");
    fs::write(folder.path().join("tenant.toml"), tenant()).expect("the tenant is written");
    let center = Arc::new(start(folder.path()).await);
    let cpu = cpu_seconds(center.child.id());
    let created = Instant::now();
    let mut customers = Vec::new();
    for number in 0..CONVERSATIONS {
        customers.push(Customer::begin(center.clone(), number).await);
    }
    println!(
        "created one after the other: {:.0}/s",
        CONVERSATIONS as f64 / created.elapsed().as_secs_f64()
    );
    let (customers, times, turns) = turns(customers).await;
    let took = TURNS_FOR.as_secs_f64();
    let mut times = times;
    println!(
        "turns with {CONVERSATIONS} conversations: {:.0}/s; answer after p50 {:.1} ms, p99 {:.1} ms; {turns} in all",
        times.len() as f64 / took,
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99)
    );
    let busy = cpu_seconds(center.child.id()) - cpu;
    println!(
        "processor time of the center: {:.0} us a turn",
        busy * 1e6 / turns as f64
    );
    wakes(customers).await;
}

/// Every customer talks as fast as the answers come.
async fn turns(customers: Vec<Customer>) -> (Vec<Customer>, Vec<f64>, u64) {
    let all = Arc::new(AtomicU64::new(0));
    let count_from = Instant::now() + WARM_UP;
    let until = count_from + TURNS_FOR;
    let tasks: Vec<_> = customers
        .into_iter()
        .map(|mut customer| {
            let all = all.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < until {
                    let sent = Instant::now();
                    customer.turn().await;
                    all.fetch_add(1, Ordering::Relaxed);
                    if sent >= count_from && Instant::now() < until {
                        times.push(sent.elapsed().as_secs_f64() * 1000.0);
                    }
                }
                (customer, times)
            })
        })
        .collect();
    let (mut back, mut times) = (Vec::new(), Vec::new());
    for task in tasks {
        let (customer, its) = task.await.expect("a customer");
        back.push(customer);
        times.extend(its);
    }
    let turns = all.load(Ordering::Relaxed);
    (back, times, turns)
}

/// All wait; one after the other is written to by somebody else.
async fn wakes(customers: Vec<Customer>) {
    let center = customers[0].center.clone();
    let (woken, mut wakes) = tokio::sync::mpsc::unbounded_channel();
    let mut waiting = Vec::new();
    for (number, mut customer) in customers.into_iter().enumerate() {
        let woken = woken.clone();
        waiting.push(tokio::spawn(async move {
            customer.wait().await;
            woken.send((number, Instant::now())).expect("somebody listens");
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut writer = Connection::open(&center.address).await;
    let mut ticks = interval(Duration::from_secs(1) / WAKES_PER_S);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut told = Vec::new();
    for number in 0..CONVERSATIONS {
        ticks.tick().await;
        let sent = Instant::now();
        writer.post(&center, number).await;
        told.push((sent, Instant::now()));
    }
    let (mut from_201, mut from_sending) = (Vec::new(), Vec::new());
    for _ in 0..CONVERSATIONS {
        let (number, at) = wakes.recv().await.expect("a wake-up");
        let (sent, answered) = told[number];
        from_sending.push(at.duration_since(sent).as_secs_f64() * 1000.0);
        from_201.push(at.saturating_duration_since(answered).as_secs_f64() * 1000.0);
    }
    for (name, mut times) in [("the 201", from_201), ("sending", from_sending)] {
        println!(
            "long poll woken, {CONVERSATIONS} waiting, {WAKES_PER_S} messages/s: after {name} p50 {:.2} ms, p99 {:.2} ms",
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.99)
        );
    }
}

struct Customer {
    center: Arc<Center>,
    connection: Connection,
    number: usize,
    last: u64,
}

impl Customer {
    async fn begin(center: Arc<Center>, number: usize) -> Self {
        let mut connection = Connection::open(&center.address).await;
        let body = json!({"id": format!("c-{number}"), "type": "webchat", "state": "active", "participants": [
            {"id": "bot-clerk", "direction": "outbound", "profile": {"name": "Clerk", "botInstanceId": "clerk"}},
            {"id": "user-1", "direction": "inbound", "channel": "web"}],
            "context": {"botSession": {}, "metadata": {"source": "bench"}}});
        connection
            .ask(&center, "POST", "/api/v2/conversations", &body.to_string(), 201)
            .await;
        Self {
            center,
            connection,
            number,
            last: 0,
        }
    }

    async fn turn(&mut self) {
        let posted = self.connection.post(&self.center, self.number).await;
        self.last = posted;
        let answers = self.wait().await;
        assert!(
            answers.iter().any(|answer| answer["direction"] == "outbound"),
            "{answers:?}"
        );
    }

    async fn wait(&mut self) -> Vec<Value> {
        let path = format!(
            "/api/v2/conversations/c-{}/interactions?after={}&wait=30",
            self.number, self.last
        );
        let answers = self.connection.ask(&self.center, "GET", &path, "", 200).await;
        let answers = answers.as_array().expect("a list").clone();
        self.last = answers
            .last()
            .and_then(|last| last["sequence"].as_u64())
            .expect("something newer");
        answers
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    async fn post(&mut self, center: &Center, number: usize) -> u64 {
        let path = format!("/api/v2/conversations/c-{number}/interactions");
        let body = r#"{"participantId":"user-1","type":"message","text":"When are you open, please?"}"#;
        let posted = self.ask(center, "POST", &path, body, 201).await;
        posted["sequence"].as_u64().expect("a number")
    }

    async fn ask(&mut self, center: &Center, method: &str, path: &str, body: &str, status: u16) -> Value {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            center.address,
            center.token,
            body.len()
        );
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("it is sent");
        let (head, body) = read_message(&mut self.stream, &mut self.buffer)
            .await
            .expect("an answer");
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")),
            "{head}\n{}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).expect("JSON")
    }
}

async fn start(folder: &Path) -> Center {
    let child = Command::new(env!("CARGO_BIN_EXE_trunkline"))
        .current_dir(folder)
        .args([
            "center",
            "--listen",
            "127.0.0.1:0",
            "--quiet",
            "--limits",
            "off",
            "--env-file",
            "center.env",
        ])
        .args(["--data-dir", "data", "--tenant", "tenant.toml"])
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .expect("trunkline starts");
    let deadline = Instant::now() + Duration::from_secs(30);
    let lines = loop {
        let lines = fs::read_to_string(folder.join("center.env")).unwrap_or_default();
        if !lines.is_empty() {
            break lines;
        }
        assert!(Instant::now() < deadline, "trunkline center does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let value = |name: &str| {
        let found = lines
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found
            .unwrap_or_else(|| panic!("{name} in {lines}"))
            .trim_matches('"')
            .to_owned()
    };
    let address = value("TRUNKLINE_URL").trim_start_matches("http://").to_owned();
    let mut center = Center {
        child,
        address,
        token: String::new(),
    };
    let form = "grant_type=client_credentials&client_id=bench&client_secret=bench-secret-1";
    let mut connection = Connection::open(&center.address).await;
    let token = connection.token(&center.address, form).await;
    center.token = token;
    center
}

impl Connection {
    async fn token(&mut self, address: &str, form: &str) -> String {
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("it is sent");
        let (head, body) = read_message(&mut self.stream, &mut self.buffer)
            .await
            .expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        body["access_token"].as_str().expect("a token").to_owned()
    }
}

fn tenant() -> String {
    let prompts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/prompts");
    format!(
        "prompts = {prompts:?}\n[[client]]\nid = \"bench\"\nsecret = \"bench-secret-1\"\nscopes = \"all\"\n[announcements]\n\
         apology = \"invalid\"\noperator = \"ext:operator\"\noperatorGreeting = \"invalid\"\nagentGreeting = \"invalid\"\n\
         [[bot]]\nid = \"clerk\"\nfile = \"bot.toml\"\n"
    )
}

/// What the process has had of the processors.
fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}
