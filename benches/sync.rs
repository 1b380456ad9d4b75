//! The delta sync: all conversations of a center to a file, how many a second, and how much memory it takes.
//!
//! `cargo bench -p trunkline --bench sync`, or with another number of conversations: `-- 20000`.
//!
//! The center is a process of its own (`trunkline center --limits off`, SQLite), the sync another one (`trunkline bot sync --to jsonl:...`); both share the
//! machine. A conversation has two messages of the customer and the bot's answers. A tenth of them is synced first: the memory that the sync takes
//! must not grow with their number. The file is synced to disk page by page; nothing else is left out either: texts are masked, the checkpoint
//! moves with each page.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "conversations/center.rs"]
#[allow(dead_code)]
mod center;
#[path = "support/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "streams/process.rs"]
#[allow(dead_code)]
mod process;

use center::Center;
use process::{cpu, machine, memory_kib};
use serde_json::{Value, json};
use std::{
    env, fs,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinSet;

const CONVERSATIONS: u64 = 100_000;
/// Conversations that are made at a time.
const AT_A_TIME: usize = 64;
const TEXTS: [&str; 2] = ["where is my order 4711?", "thank you, that is all"];

fn main() {
    let all = env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(CONVERSATIONS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("{}\n", machine());
    let center = Arc::new(Center::start());
    println!(
        "{:<22} {:>10} {:>10} {:>12} {:>12} {:>12} {:>14}",
        "conversations to a file",
        "seconds",
        "per second",
        "MB written",
        "sync MiB",
        "center MiB",
        "CPU s sync/center"
    );
    let mut made = 0;
    for upto in [all / 10, all] {
        runtime.block_on(make(&center, made, upto));
        made = upto;
        // What the center still does for the last of them is not measured.
        sleep(Duration::from_secs(2));
        let before = cpu(center.pid());
        let synced = sync(&center);
        println!(
            "{:<22} {:>10.2} {:>10.0} {:>12.0} {:>12.0} {:>12.0} {:>8.1}/{:.1}",
            synced.changes,
            synced.seconds,
            synced.changes as f64 / synced.seconds,
            synced.bytes as f64 / 1e6,
            synced.most_kib as f64 / 1024.0,
            memory_kib(center.pid()) as f64 / 1024.0,
            synced.cpu.as_secs_f64(),
            (cpu(center.pid()) - before).as_secs_f64(),
        );
        assert_eq!(synced.changes, upto);
    }
}

/// Makes the conversations from one number up to another, and talks in them.
async fn make(center: &Arc<Center>, from: u64, to: u64) {
    let next = Arc::new(AtomicU64::new(from));
    let mut makers = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (center, next) = (center.clone(), next.clone());
        makers.spawn(async move {
            let mut line = center.connect().await;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= to {
                    return;
                }
                let id = format!("conversation-{number:08}");
                let body = json!({"id": id, "type": "webchat", "state": "active", "participants": [
                    {"id": "user-1", "channel": "webchat", "direction": "inbound", "profile":
                        {"firstName": "Ada", "lastName": "Lee", "email": "ada.lee@example.com", "customFields": {"tier": "gold"}}},
                    {"id": "bot-1", "direction": "outbound", "profile": {"name": "Bot", "botInstanceId": "your-bot-instance-id"}}],
                    "context": {"botSession": {}, "metadata": {"source": "web", "page": "/orders"}}});
                let (status, answer) = line.ask("POST", "/api/v2/conversations", Some(&body)).await;
                assert_eq!(status, 201, "{answer}");
                for text in TEXTS {
                    let message = json!({"participantId": "user-1", "type": "message", "text": text});
                    let path = format!("/api/v2/conversations/{id}/interactions");
                    let (status, answer) = line.ask("POST", &path, Some(&message)).await;
                    assert_eq!(status, 201, "{answer}");
                }
            }
        });
    }
    while let Some(made) = makers.join_next().await {
        made.expect("a maker");
    }
}

/// What a sync came to.
struct Synced {
    changes: u64,
    seconds: f64,
    bytes: u64,
    most_kib: u64,
    cpu: Duration,
}

fn sync(center: &Center) -> Synced {
    let folder = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    let mut process = start(center, &folder);
    let (mut most_kib, mut used) = (0, Duration::ZERO);
    while process.try_wait().expect("a process").is_none() {
        if let Some(status) = watch(process.id()) {
            most_kib = most_kib.max(status);
            used = cpu(process.id());
        }
        sleep(Duration::from_millis(5));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let output = process.wait_with_output().expect("its output");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{told}");
    Synced {
        changes: told["changes"].as_u64().expect("a number"),
        seconds,
        bytes: fs::metadata(folder.path().join("changes.jsonl"))
            .expect("the file")
            .len(),
        most_kib,
        cpu: used,
    }
}

fn start(center: &Center, folder: &TempDir) -> Child {
    let (id, secret) = center.credentials();
    Command::new(env!("CARGO_BIN_EXE_trunkline"))
        .current_dir(folder.path())
        .args([
            "--json",
            "bot",
            "sync",
            "--to",
            "jsonl:changes.jsonl",
            "--data-dir",
            "synced",
        ])
        .args(["--page-size", "1000", "--platform", center.url()])
        .env("CLIENT_ID", id)
        .env("CLIENT_SECRET", secret)
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .expect("trunkline starts")
}

/// The most memory that a process had so far, in KiB; nothing when it is gone.
fn watch(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
