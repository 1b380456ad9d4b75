//! Many calls at once in real time: how punctual their frames are, how fast a key cuts, and what a call costs.
//!
//! `cargo bench -p trunkline --bench calls [-- CALLS]` (500 unless said otherwise)
//!
//! The center is the real binary in a process of its own; every call has a controller on a WebSocket. The peer does only
//! the least part of the work, sending each call a frame every 20 ms, as it is usually written: one tokio task and one
//! interval per call. It has the machine to itself, while the center shares it with the 500 controllers. Both run in turn.

#![allow(clippy::expect_used, clippy::panic)]

use client::{Admin, CallControl, Endpoint, Platform, SessionEvent, Transport};
use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use wire::{
    KeySet,
    callcontrol::{Capability, Codec, CommandFrame, Event, Play},
    calls::{CallRecord, PlaceCall},
    oauth::Credentials,
    script::{Step, Trigger},
};

const CALL_TIME: Duration = Duration::from_secs(15);
const LATE: Duration = Duration::from_millis(5);

fn main() {
    let calls = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(500);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ours = runtime.block_on(ours(calls));
    let peer = runtime.block_on(peer(calls));
    println!(
        "\n{:<44} {:>12} {:>22}",
        format!("{calls} calls at once"),
        "trunkline",
        "a task per call (peer)"
    );
    let row = |name: &str, ours: String, peer: String| println!("{name:<44} {ours:>12} {peer:>22}");
    row("frames sent", ours.frames.to_string(), peer.frames.to_string());
    row(
        "frames within 5 ms of their due time",
        percent(&ours),
        percent(&peer),
    );
    row(
        "worst frame",
        format!("{:.1} ms", ours.worst_ms),
        format!("{:.1} ms", peer.worst_ms),
    );
    row(
        "processor per call",
        format!("{:.3} %", ours.cpu_percent),
        format!("{:.3} %", peer.cpu_percent),
    );
    row(
        "memory per call",
        format!("{:.1} KiB", ours.memory_kib),
        "-".into(),
    );
    row(
        "answer to first audio frame, median",
        format!("{:.1} ms", median(&ours.answer_ms)),
        "-".into(),
    );
    row(
        "answer to first audio frame, worst",
        format!("{:.1} ms", worst(&ours.answer_ms)),
        "-".into(),
    );
    row(
        "key to cut-off, median",
        format!("{:.1} ms", median(&ours.cut_ms)),
        "-".into(),
    );
    row(
        "key to cut-off, worst",
        format!("{:.1} ms", worst(&ours.cut_ms)),
        "-".into(),
    );
    println!(
        "ratio of frames in time, trunkline to peer: {:.5}",
        in_time(&ours) / in_time(&peer)
    );
    println!(
        "ratio of processor per call, trunkline to peer: {:.2}",
        ours.cpu_percent / peer.cpu_percent
    );
}

#[derive(Default)]
struct Measured {
    frames: u64,
    late: u64,
    worst_ms: f64,
    cpu_percent: f64,
    memory_kib: f64,
    answer_ms: Vec<f64>,
    cut_ms: Vec<f64>,
}

fn percent(measured: &Measured) -> String {
    format!("{:.3} %", 100.0 * in_time(measured))
}

fn in_time(measured: &Measured) -> f64 {
    1.0 - measured.late as f64 / measured.frames.max(1) as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

/// A center in a process of its own; it ends with this.
struct Center {
    process: Child,
    _folder: tempfile::TempDir,
    environment: HashMap<String, String>,
}

impl Center {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let env_file = folder.path().join("center.env");
        let process = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .args([
                "center",
                "--listen",
                "127.0.0.1:0",
                "--limits",
                "off",
                "--env-file",
            ])
            .arg(&env_file)
            .arg("--data-dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the center starts");
        let environment = wait_for_lines(&env_file);
        Self {
            process,
            _folder: folder,
            environment,
        }
    }

    fn transport(&self) -> Transport {
        let credentials = Credentials {
            client_id: self.environment["CLIENT_ID"].parse().expect("an id"),
            client_secret: self.environment["CLIENT_SECRET"].clone().into(),
        };
        Transport::connect(Platform::new(self.endpoint(), credentials)).expect("a transport")
    }

    fn admin(&self) -> Admin {
        Admin::connect(
            self.endpoint(),
            self.environment["TRUNKLINE_ADMIN_TOKEN"].clone().into(),
        )
        .expect("an admin")
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.environment["TRUNKLINE_URL"]).expect("a URL")
    }

    fn memory_kib(&self) -> f64 {
        status_of(self.process.id(), "status", "VmRSS:")
    }

    fn cpu_s(&self) -> f64 {
        cpu_s(&self.process.id().to_string())
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_for_lines(file: &Path) -> HashMap<String, String> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if let Ok(text) = fs::read_to_string(file) {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            return lines
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the center did not start within 10 s");
}

fn status_of(process: u32, file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(f64::NAN)
}

async fn ours(calls: usize) -> Measured {
    let center = Center::start();
    let (transport, admin) = (center.transport(), center.admin());
    // One call first, so that what every process needs once is not counted as the cost of a call.
    lead(&transport, &admin, 0, Duration::from_millis(500)).await;
    let (memory, cpu, started) = (center.memory_kib(), center.cpu_s(), Instant::now());

    let tasks: Vec<_> = (0..calls)
        .map(|number| {
            let (transport, admin) = (transport.clone(), admin.clone());
            tokio::spawn(async move { lead(&transport, &admin, number, CALL_TIME).await })
        })
        .collect();
    tokio::time::sleep(CALL_TIME / 2).await;
    let memory_kib = (center.memory_kib() - memory) / calls as f64;
    let mut records = Vec::new();
    for task in tasks {
        records.push(task.await.expect("a call"));
    }
    let cpu_percent = 100.0 * (center.cpu_s() - cpu) / started.elapsed().as_secs_f64() / calls as f64;

    let status: serde_json::Value = transport_status(&center).await;
    Measured {
        frames: status["pacing"]["frames"].as_u64().unwrap_or(0),
        late: status["pacing"]["late"].as_u64().unwrap_or(0),
        worst_ms: status["pacing"]["worstUs"].as_f64().unwrap_or(f64::NAN) / 1000.0,
        cpu_percent,
        memory_kib,
        answer_ms: records
            .iter()
            .filter_map(CallRecord::answer_to_sound_ms)
            .collect(),
        cut_ms: records.iter().flat_map(CallRecord::cut_offs_ms).collect(),
    }
}

async fn transport_status(center: &Center) -> serde_json::Value {
    let admin = Transport::with_bearer(
        std::sync::Arc::new(client::ReqwestHttp::new(&center.endpoint()).expect("a client")),
        center.endpoint(),
        center.environment["TRUNKLINE_ADMIN_TOKEN"].clone().into(),
    );
    let request = client::Request::get(["center", "v1", "status"]);
    admin
        .expect("a transport")
        .send(request)
        .await
        .expect("the status")
        .json()
        .expect("JSON")
}

/// One call: prompts follow each other for a while; the caller presses a key in the first; then the controller hangs up.
async fn lead(transport: &Transport, admin: &Admin, number: usize, time: Duration) -> CallRecord {
    let key = "1".parse().expect("a key");
    let step = Step::press(
        key,
        Trigger::After(Duration::from_millis(900 + 7 * (number as u64 % 100))),
    );
    let call = PlaceCall {
        id: None,
        ani: "+15550100".parse().expect("a number"),
        dnis: "+18005550100".parse().expect("a number"),
        external_id: None,
        codec: Codec::Pcmu,
        record: false,
        script: vec![step],
        agent_id: None,
        form: None,
        flow: None,
    };
    let placed = admin.place_call(&call).await.expect("a call");
    let capabilities = [Capability::Play, Capability::Dtmf, Capability::Hangup];
    let mut line = CallControl::new(transport.clone())
        .connect(&placed.id, capabilities)
        .await
        .expect("control");
    let play = |barge_in| CommandFrame {
        command_id: None,
        command: wire::callcontrol::Command::Play(Play {
            audio: "prompt-main-menu-en".parse().expect("a prompt"),
            barge_in,
        }),
    };
    line.send(play(KeySet::ALL)).await.expect("a command");
    let end = tokio::time::sleep(time);
    tokio::pin!(end);
    loop {
        tokio::select! {
            event = line.next() => match event {
                Some(SessionEvent::Event(Event::PlaybackFinished { .. })) => {
                    line.send(play(KeySet::NONE)).await.expect("a command");
                }
                Some(SessionEvent::Event(_)) => {}
                other => panic!("the call of the benchmark was lost: {other:?}"),
            },
            () = &mut end => break,
        }
    }
    let hangup = CommandFrame {
        command_id: None,
        command: wire::callcontrol::Command::Hangup,
    };
    line.send(hangup).await.expect("a command");
    admin
        .wait_for_end(&placed.id, Duration::from_secs(10))
        .await
        .expect("an end")
}

/// The peer: a task and an interval per call, each sending a frame to a channel every 20 ms.
async fn peer(calls: usize) -> Measured {
    let cpu = cpu_s("self");
    let started = Instant::now();
    let tasks: Vec<_> = (0..calls).map(|_| tokio::spawn(paced())).collect();
    let mut measured = Measured::default();
    for task in tasks {
        let (frames, late, worst) = task.await.expect("a task");
        measured.frames += frames;
        measured.late += late;
        measured.worst_ms = measured.worst_ms.max(worst.as_secs_f64() * 1000.0);
    }
    measured.cpu_percent = 100.0 * (cpu_s("self") - cpu) / started.elapsed().as_secs_f64() / calls as f64;
    measured
}

async fn paced() -> (u64, u64, Duration) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<[u8; 160]>(4);
    let listener = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    let started = tokio::time::Instant::now();
    let mut interval = tokio::time::interval_at(started, Duration::from_millis(20));
    let (mut frames, mut late, mut worst) = (0, 0, Duration::ZERO);
    while started.elapsed() < CALL_TIME {
        let due = interval.tick().await;
        let lateness = due.elapsed();
        frames += 1;
        late += u64::from(lateness > LATE);
        worst = worst.max(lateness);
        let _ = sender.send([0xff; 160]).await;
    }
    drop(sender);
    let _ = listener.await;
    (frames, late, worst)
}

/// The processor time of a process so far, in seconds.
fn cpu_s(process: &str) -> f64 {
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
