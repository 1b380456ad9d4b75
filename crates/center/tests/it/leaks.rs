//! Whatever clients do, nothing is left of them: no task, no call, no memory.

use crate::support::{PATIENCE, Rig, event_named, events_until_close, hello, play, say, status_where};
use center::Limits;
use futures_util::{SinkExt, StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::json;
use std::{process::Command, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream, runtime::Handle, time::timeout};
use tokio_tungstenite::tungstenite::Message;

const CALLS: usize = 50;
const CLIENTS: usize = 200;
/// What three more rounds may add: the remembered records of their calls, and the allocator's own affairs.
const MOST_GROWTH_BYTES: usize = 6 * 1024 * 1024;

/// In a process of its own, where the memory is not that of other tests.
#[test]
fn nothing_leaks() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args([
            "leaks::rounds_of_misbehaviour",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    let output = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(run.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
#[ignore = "the body of nothing_leaks, which runs it in a process of its own"]
async fn rounds_of_misbehaviour() {
    let rig = Rig::start_with(|options| options.limits = Limits::OFF).await;
    // Connections that are not kept alive end with their request, on both sides.
    let http = crate::support::http_client().pool_max_idle_per_host(0);
    let rig = Rig {
        http: http.build().unwrap(),
        ..rig
    };
    let token = rig.token().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let baseline = settle(tasks).await;
    let mut after_first = None;
    for round in 0..4 {
        self::round(&rig, &token, round).await;
        let done = status_where(&rig, |status| {
            status["liveCalls"] == 0 && status["controllers"] == 0
        });
        done.await;
        let back = async {
            while tasks() > baseline {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = timeout(PATIENCE, back).await;
        assert!(in_time.is_ok(), "{} tasks, {baseline} at first", tasks());
        if let Some(now) = resident_bytes() {
            let first = *after_first.get_or_insert(now);
            let growth = now.saturating_sub(first);
            println!("round {round}: {} KiB more than after the first", growth / 1024);
            assert!(
                growth < MOST_GROWTH_BYTES,
                "{growth} bytes more after round {round}"
            );
        }
    }
}

async fn settle(tasks: impl Fn() -> usize) -> usize {
    let mut least = tasks();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        least = least.min(tasks());
    }
    least
}

fn resident_bytes() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

async fn round(rig: &Rig, token: &str, round: usize) {
    let calls = (0..CALLS).map(async |at| {
        let id = format!("call-{round}-{at}");
        rig.place(&id, json!({"record": at % 2 == 0})).await;
        let mut socket = rig.control(token, &id, &["play", "hangup", "media"]).await;
        say(&mut socket, play("general_welcome", "p", &[])).await;
        event_named(&mut socket, "playback_started").await;
        say(&mut socket, json!({"action": "hangup"})).await;
        events_until_close(&mut socket).await;
    });
    let clients = stream::iter(0..CLIENTS)
        .map(|at| misbehave(rig, token, round, at))
        .buffer_unordered(40)
        .collect::<Vec<_>>();
    tokio::join!(join_all(calls), clients);
    for at in (0..CLIENTS).filter(|at| at % 10 >= 7) {
        let path = format!("/center/v1/calls/odd-{round}-{at}");
        rig.admin(Method::DELETE, &path).send().await.unwrap();
    }
}

/// One of ten ways to behave badly; all end by going away without a word.
async fn misbehave(rig: &Rig, token: &str, round: usize, at: usize) {
    let id = format!("odd-{round}-{at}");
    match at % 10 {
        0 => assert!(rig.dial("made-up").await.is_err()),
        1 => drop(TcpStream::connect(rig.center.addresses().http).await.unwrap()),
        2 => {
            let mut half = TcpStream::connect(rig.center.addresses().http).await.unwrap();
            half.write_all(b"POST /oauth/token HTTP/1.1\r\nContent-Length: 9\r\n\r\ngr")
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        3 => drop(rig.dial(token).await.unwrap()),
        4 => first_frame(rig, token, Message::text("{\"callControlId\":")).await,
        5 => first_frame(rig, token, Message::binary(vec![1, 2, 3])).await,
        6 => first_frame(rig, token, Message::text("x".repeat(1024 * 1024))).await,
        7 => {
            let frame = hello(&id, &["play"]).to_string();
            first_frame(rig, token, Message::text(frame)).await;
        }
        8 => {
            rig.place(&id, json!({"record": true})).await;
            let mut socket = rig.control(token, &id, &["play", "media"]).await;
            say(&mut socket, play("http://127.0.0.1:1/x.wav", "u", &[])).await;
            say(&mut socket, play("invalid", "p", &[])).await;
        }
        _ => {
            rig.place(&id, json!({})).await;
            let mut socket = rig.control(token, &id, &["play"]).await;
            for _ in 0..400 {
                let sent = socket.feed(Message::text("{\"action\":\"stop\"}")).await;
                if sent.is_err() {
                    return;
                }
            }
            let _ = socket.flush().await;
        }
    }
}

async fn first_frame(rig: &Rig, token: &str, frame: Message) {
    let mut socket = rig.dial(token).await.unwrap();
    let _ = socket.send(frame).await;
}
