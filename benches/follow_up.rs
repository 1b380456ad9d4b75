//! `trunkline serve` beside a plain Express service on the same work: completions in, form, task, notification.
//!
//! `npm ci --prefix benches/express && cargo bench -p trunkline --bench follow_up`
//!
//! Both speak to the same platform, which this process plays with the least work that is possible. Ours has every completion
//! durable before it answers, and every step after; Express (`benches/express/server.mjs`) keeps all in memory. Measured by turns,
//! three times each:
//!
//! - 64 connections, each sending the next completion as soon as the last was acknowledged: acknowledged per second, p50, p99;
//!   and until the last notification is out.
//! - 100 completions a second: from sending to the notification, p50 and p99.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "support/http.rs"]
mod http;
#[path = "support/service.rs"]
mod service;

use http::{Connection, percentile, read_message};
use serde_json::{Value, json};
use service::Service;
use std::{
    collections::HashMap,
    io::BufRead,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval, sleep},
};

const CONNECTIONS: usize = 64;
const SATURATED: Duration = Duration::from_secs(8);
const PACED: Duration = Duration::from_secs(10);
const PER_SECOND: u64 = 100;
const ROUNDS: usize = 3;
/// How long the work that was acknowledged may take to be done.
const PATIENCE: Duration = Duration::from_secs(180);

const RULES: &str = r#"
    name = "Bench"
    [field.score]
    form = "overall_satisfaction"
    kind = "number"
    [[rule]]
    name = "unhappy"
    when = "score < 3"
    [[rule.task]]
    priority = "High"
    due = "1 day"
    subject = "Follow up {interaction_id}"
    description = "The score is {score}."
    [[rule]]
    name = "so-so"
    when = "score < 4"
    [[rule.task]]
    priority = "Medium"
    due = "3 days"
    subject = "Follow up {interaction_id}"
    description = "The score is {score}."
    [[rule]]
    name = "happy"
"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut ours = Vec::new();
        let mut peers = Vec::new();
        for round in 0..ROUNDS {
            ours.push(measure("trunkline", round, trunkline).await);
            peers.push(measure("express", round, express).await);
        }
        let (ours, peer) = (best_of(&ours), best_of(&peers));
        println!("\nmedians of {ROUNDS} rounds, trunkline to express:");
        println!(
            "  acknowledged per second: {:.0} to {:.0}, ratio {:.2} (goal 3)",
            ours.rate,
            peer.rate,
            ours.rate / peer.rate
        );
        println!(
            "  p99 of the acknowledgement: {:.1} ms to {:.1} ms (goal 10 ms)",
            ours.ack_p99, peer.ack_p99
        );
        println!(
            "  done per second, until the last notification: {:.0} to {:.0}",
            ours.done, peer.done
        );
        println!(
            "  event to notification at {PER_SECOND}/s: p50 {:.1} ms to {:.1} ms, p99 {:.1} ms to {:.1} ms",
            ours.told_p50, peer.told_p50, ours.told_p99, peer.told_p99
        );
    });
}

/// What one round came to, times in milliseconds.
#[derive(Clone, Copy, Default)]
struct Figures {
    rate: f64,
    ack_p99: f64,
    done: f64,
    told_p50: f64,
    told_p99: f64,
}

/// The median of each figure.
fn best_of(rounds: &[Figures]) -> Figures {
    let median = |of: fn(&Figures) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Figures {
        rate: median(|f| f.rate),
        ack_p99: median(|f| f.ack_p99),
        done: median(|f| f.done),
        told_p50: median(|f| f.told_p50),
        told_p99: median(|f| f.told_p99),
    }
}

fn trunkline(platform: &str) -> Service {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rules.toml"), RULES).expect("the rules are written");
    Service::trunkline(folder, &["--platform", platform, "--rules", "rules.toml"])
}

fn express(platform: &str) -> Service {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/express");
    let mut child = Command::new("node")
        .arg("server.mjs")
        .current_dir(folder)
        .env("PLATFORM_URL", platform)
        .env("NODE_ENV", "production")
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("its output");
    std::io::BufReader::new(output)
        .read_line(&mut line)
        .expect("its port");
    assert!(
        !line.trim().is_empty(),
        "Express is not there: npm ci --prefix benches/express"
    );
    let address = format!("127.0.0.1:{}", line.trim());
    Service::new(child, address, tempfile::tempdir().expect("a folder"))
}

async fn measure(name: &str, round: usize, start: fn(&str) -> Service) -> Figures {
    let platform = Platform::start().await;
    let service = start(&platform.url);
    // Connections and tokens are there before it counts.
    saturate(&service.address, "warm", Duration::from_secs(1)).await;
    sleep(Duration::from_secs(1)).await;
    platform.settle().await;

    let told_before = platform.told();
    let began = Instant::now();
    let mut acks = saturate(&service.address, "full", SATURATED).await;
    let rate = acks.len() as f64 / SATURATED.as_secs_f64();
    let owed = tasks_of(acks.len() as u64);
    let (ack_p50, ack_p99) = (percentile(&mut acks, 0.5), percentile(&mut acks, 0.99));
    while platform.told() - told_before < owed && began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20)).await;
    }
    let (told, took) = (platform.told() - told_before, began.elapsed().as_secs_f64());
    let done = acks.len() as f64 / took;

    let mut told_ms = paced(&service.address, &platform).await;
    let (told_p50, told_p99) = (percentile(&mut told_ms, 0.5), percentile(&mut told_ms, 0.99));
    println!(
        "{name} {round}: {rate:.0} acknowledged/s, p50 {ack_p50:.1} ms, p99 {ack_p99:.1} ms; {told} of {owed} notifications after \
         {took:.1} s ({done:.0}/s); at {PER_SECOND}/s p50 {told_p50:.1} ms, p99 {told_p99:.1} ms"
    );
    Figures {
        rate,
        ack_p99,
        done,
        told_p50,
        told_p99,
    }
}

/// Scores are 1 to 5 by turns; 1, 2 and 3 make a task. Each connection numbers its own completions.
fn tasks_of(acknowledged: u64) -> u64 {
    // The last incomplete turn of each connection is not counted.
    (acknowledged / 5).saturating_sub(CONNECTIONS as u64) * 3
}

/// Sends as fast as it is acknowledged; gives the milliseconds of each acknowledgement.
async fn saturate(address: &str, name: &str, lasts: Duration) -> Vec<f64> {
    let until = Instant::now() + lasts;
    let clients = (0..CONNECTIONS).map(|client| {
        let (address, name) = (address.to_owned(), name.to_owned());
        tokio::spawn(async move {
            let mut connection = Connection::open(&address).await;
            let mut took = Vec::new();
            for number in 0.. {
                if Instant::now() >= until {
                    break;
                }
                let sent = Instant::now();
                connection
                    .complete(&format!("{name}-{client}-{number}"), "agent-1")
                    .await;
                took.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            took
        })
    });
    let mut all = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        all.extend(client.await.expect("a client ends"));
    }
    all
}

/// Sends at an even pace; gives the milliseconds from sending to the notification.
async fn paced(address: &str, platform: &Platform) -> Vec<f64> {
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND as u32);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut connection = Connection::open(address).await;
    let mut sent = HashMap::new();
    for number in 0..PER_SECOND * PACED.as_secs() {
        ticks.tick().await;
        let interaction = format!("paced-0-{number}");
        sent.insert(interaction.clone(), Instant::now());
        connection.complete(&interaction, "agent-1").await;
    }
    platform.settle().await;
    let told = platform.shared.told_at.lock().unwrap();
    sent.iter()
        .filter_map(|(interaction, sent)| Some((*told.get(interaction)? - *sent).as_secs_f64() * 1000.0))
        .collect()
}

/// The platform that both speak to.
struct Platform {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    told: AtomicU64,
    told_at: Mutex<HashMap<String, Instant>>,
}

impl Platform {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { url, shared }
    }

    fn told(&self) -> u64 {
        self.shared.told.load(Ordering::Relaxed)
    }

    /// Returns when nothing was told for a while.
    async fn settle(&self) {
        loop {
            let before = self.told();
            sleep(Duration::from_millis(1500)).await;
            if self.told() == before {
                return;
            }
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some((head, body)) = read_message(&mut stream, &mut buffer).await {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (status, answer) = answer(path, &body, &shared);
        let text = format!(
            "HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn answer(path: &str, body: &[u8], shared: &Shared) -> (u16, String) {
    if path == "/oauth/token" {
        let token = json!({"access_token": "t", "token_type": "bearer", "expires_in": 86_400, "scope": ""});
        return (200, token.to_string());
    }
    if let Some(interaction) = path.strip_prefix("/api/v2/interactions/") {
        let interaction = interaction.split('/').next().unwrap_or_default();
        let number: u64 = interaction
            .rsplit('-')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let responses = json!([{"fieldName": "overall_satisfaction", "value": (number % 5 + 1).to_string()}]);
        return (
            200,
            json!({"interactionId": interaction, "responses": responses}).to_string(),
        );
    }
    if path == "/api/v2/notifications/agents" {
        let now = Instant::now();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = body["message"].as_str().unwrap_or_default();
        let interaction = message.rsplit(' ').next().unwrap_or_default();
        if interaction.starts_with("paced") {
            shared.told_at.lock().unwrap().insert(interaction.to_owned(), now);
        }
        shared.told.fetch_add(1, Ordering::Relaxed);
    }
    (201, r#"{"id":"made-1"}"#.to_owned())
}
