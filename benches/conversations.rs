//! Conversations with the bot of a center, a thousand at once: turns a second, how long an answer takes, and how fast those are woken who wait.
//!
//! `cargo bench -p trunkline --bench conversations`, or with a number of seconds for each part: `-- 20`.
//!
//! The center is a process of its own (`trunkline center --limits off`, SQLite, every turn durable before it is acknowledged), and shares the machine with the
//! load. A turn is a message and its answer, awaited by the long poll of contract section 5:
//!
//! - **turns**: a thousand conversations, each sending the next message as soon as the answer is there.
//! - **waking**: a thousand long polls wait, and messages come to one after the other of them.
//! - **peer**: the same turns by a plain Node.js client (`benches/conversations/polling.mjs`, axios) that asks every 2 s, as scripts from tutorials do. Needs Node.js, and
//!   `npm ci --prefix benches/conversations`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "conversations/center.rs"]
mod center;
#[path = "support/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "streams/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "conversations/talk.rs"]
mod talk;

use center::Center;
use http::percentile;
use process::{cpu, machine, memory_kib};
use serde_json::Value;
use std::{
    env,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use talk::Talk;
use tokio::{sync::watch, task::JoinSet};

const CONVERSATIONS: usize = 1_000;
/// Messages a second while a thousand wait.
const WAKES_PER_SECOND: u64 = 200;
/// Conversations that are begun at a time.
const AT_A_TIME: usize = 50;

fn main() {
    let seconds = env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(10);
    let lasts = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("{}\n", machine());
    runtime.block_on(async {
        println!(
            "{:<34} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8}",
            format!("{CONVERSATIONS} conversations at once, {seconds} s each"),
            "turns/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "CPU s/1000",
            "MiB"
        );
        let ours = saturated(lasts).await;
        ours.print("trunkline, long poll");
        waking(lasts).await;
        match peer(lasts.max(Duration::from_secs(10))) {
            None => println!("\npeer: Node.js or axios is missing (npm ci --prefix benches/conversations)"),
            Some(peer) => {
                peer.print("Node.js client, asks every 2 s");
                println!(
                    "{:<34} {:>8.1}x {:>8.1}x {:>8.1}x",
                    "  ours to theirs",
                    ours.per_second / peer.per_second,
                    peer.p50_ms / ours.p50_ms,
                    peer.p99_ms / ours.p99_ms
                );
            }
        }
    });
    println!(
        "\ngoals: 5,000 turns/s; waking p99 under 10 ms with 1,000 waiting\n{}",
        machine()
    );
}

/// What a part came to.
struct Measured {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// CPU seconds of the center for a thousand turns, and its memory at the end.
    center: Option<(f64, f64)>,
}

impl Measured {
    fn new(mut times_ms: Vec<f64>, took: Duration) -> Self {
        Self {
            per_second: times_ms.len() as f64 / took.as_secs_f64(),
            p50_ms: percentile(&mut times_ms, 0.5),
            p99_ms: percentile(&mut times_ms, 0.99),
            max_ms: percentile(&mut times_ms, 1.0),
            center: None,
        }
    }

    fn print(&self, name: &str) {
        let (cpu, memory) = self.center.unwrap_or((f64::NAN, f64::NAN));
        println!(
            "{name:<34} {:>9.0} {:>9.2} {:>9.2} {:>9.1} {:>10.3} {:>8.0}",
            self.per_second, self.p50_ms, self.p99_ms, self.max_ms, cpu, memory
        );
    }
}

async fn begun(center: &Arc<Center>, how_many: usize) -> Vec<Talk> {
    let mut talks = Vec::new();
    let mut numbers = 0..how_many;
    loop {
        let mut some = JoinSet::new();
        for number in numbers.by_ref().take(AT_A_TIME) {
            let center = center.clone();
            some.spawn(async move { Talk::begin(&center, &format!("bench-{number}")).await });
        }
        if some.is_empty() {
            return talks;
        }
        talks.extend(some.join_all().await);
    }
}

/// Each sends the next message as soon as the answer is there.
async fn saturated(lasts: Duration) -> Measured {
    let center = Arc::new(Center::start());
    let talks = begun(&center, CONVERSATIONS).await;
    let (begun, cpu_before) = (Instant::now(), cpu(center.pid()));
    let mut all = JoinSet::new();
    for mut talk in talks {
        all.spawn(async move {
            let mut times = Vec::new();
            while begun.elapsed() < lasts {
                let sent = Instant::now();
                talk.turn("hello").await;
                times.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            times
        });
    }
    let times: Vec<f64> = all.join_all().await.concat();
    let took = begun.elapsed();
    let used = (cpu(center.pid()) - cpu_before).as_secs_f64();
    let per_thousand = used / (times.len() as f64 / 1000.0);
    Measured {
        center: Some((per_thousand, memory_kib(center.pid()) as f64 / 1024.0)),
        ..Measured::new(times, took)
    }
}

/// When a message was sent, and when that was answered.
type Posted = watch::Sender<Option<(Instant, Instant)>>;

/// A thousand wait; a message comes to one after the other.
async fn waking(lasts: Duration) {
    let center = Arc::new(Center::start());
    let talks = begun(&center, CONVERSATIONS).await;
    let mut writer = center.connect().await;
    let ids: Vec<String> = talks.iter().map(|talk| talk.id.clone()).collect();
    let posted: Arc<Vec<Posted>> = Arc::new(ids.iter().map(|_| watch::channel(None).0).collect());
    let mut waiting = JoinSet::new();
    let end = Instant::now() + lasts + Duration::from_secs(2);
    for (number, mut talk) in talks.into_iter().enumerate() {
        let posted = posted.clone();
        waiting.spawn(async move {
            let mut woken = Vec::new();
            let mut told = posted[number].subscribe();
            loop {
                let left = end.saturating_duration_since(Instant::now());
                let wait = tokio::time::timeout(left, talk.next_answer());
                if wait.await.is_err() {
                    return woken;
                }
                let at = Instant::now();
                // The answer to the POST is on another connection, and may be read later than the poll's.
                let _ = told.wait_for(Option::is_some).await;
                if let Some((sent, answered)) = told.borrow_and_update().as_ref() {
                    let since = |then: &Instant| at.saturating_duration_since(*then).as_secs_f64() * 1000.0;
                    woken.push((since(sent), since(answered)));
                }
                posted[number].send_replace(None);
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut pace = tokio::time::interval(Duration::from_millis(1000 / WAKES_PER_SECOND));
    let begun = Instant::now();
    // A stride that visits all of them in no order.
    let mut at = 0;
    while begun.elapsed() < lasts {
        pace.tick().await;
        at = (at + 617) % ids.len();
        let sent = Instant::now();
        talk::post(&mut writer, &ids[at], "hello").await;
        posted[at].send_replace(Some((sent, Instant::now())));
    }
    let times = waiting.join_all().await.concat();
    for (name, of) in [
        (
            "waking, from sending",
            (|time: &(f64, f64)| time.0) as fn(&(f64, f64)) -> f64,
        ),
        ("waking, from the 201", |time| time.1),
    ] {
        Measured::new(times.iter().map(of).collect(), lasts).print(name);
    }
}

/// The same turns by a plain client; `None` where there is no Node.js.
fn peer(lasts: Duration) -> Option<Measured> {
    let center = Center::start();
    let before = cpu(center.pid());
    let out = Command::new("node")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../benches/conversations/polling.mjs"
        ))
        .args([
            center.url(),
            center.token(),
            &CONVERSATIONS.to_string(),
            &lasts.as_secs().to_string(),
        ])
        .stderr(Stdio::inherit())
        .output()
        .ok()
        .filter(|out| out.status.success())?;
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON of the peer");
    let times: Vec<f64> = serde_json::from_value(told["timesMs"].clone()).expect("times");
    let took = Duration::from_secs_f64(told["tookS"].as_f64().expect("a time"));
    let per_thousand = (cpu(center.pid()) - before).as_secs_f64() / (times.len() as f64 / 1000.0);
    Some(Measured {
        center: Some((per_thousand, memory_kib(center.pid()) as f64 / 1024.0)),
        ..Measured::new(times, took)
    })
}
