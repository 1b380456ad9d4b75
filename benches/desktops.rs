//! 20 agents' desktops that are open while 50 completions a second come in.
//!
//! `cargo bench -p trunkline --bench desktops`
//!
//! `trunkline serve` with the center in it: completion, form, rules, task, notification, server-sent event. Two of three
//! interactions lead to a task. Measured from sending the completion to the task and the notification on the agent's desktop, with
//! the processor time and the memory of the one process that does it all.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "support/http.rs"]
mod http;
#[path = "support/service.rs"]
mod service;

use http::{Connection, percentile};
use serde_json::Value;
use service::Service;
use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{MissedTickBehavior, interval, sleep},
};

const AGENTS: usize = 20;
const PER_SECOND: u32 = 50;
const SECONDS: u32 = 30;

/// When a desktop was shown the task of an interaction, and when its agent was told.
#[derive(Default)]
struct Shown {
    tasks: Mutex<HashMap<String, Instant>>,
    told: Mutex<HashMap<String, Instant>>,
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
    fs::write(folder.path().join("tenant.toml"), tenant()).expect("the tenant is written");
    fs::write(folder.path().join("rules.toml"), RULES).expect("the rules are written");
    let service = Service::trunkline(folder, &["--tenant", "tenant.toml", "--rules", "rules.toml"]);
    let shown = Arc::new(Shown::default());
    for agent in 0..AGENTS {
        tokio::spawn(desktop(service.address.clone(), agent, shown.clone()));
    }
    sleep(Duration::from_secs(1)).await;

    let (cpu, began) = (cpu_seconds(service.child.id()), Instant::now());
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut connection = Connection::open(&service.address).await;
    let mut sent = HashMap::new();
    for number in 0..PER_SECOND * SECONDS {
        ticks.tick().await;
        let interaction = format!("int-{number}");
        sent.insert(interaction.clone(), Instant::now());
        connection
            .complete(&interaction, &format!("agent-{}", number as usize % AGENTS))
            .await;
    }
    sleep(Duration::from_secs(3)).await;
    let share = (cpu_seconds(service.child.id()) - cpu) / began.elapsed().as_secs_f64();

    let since = |at: &Mutex<HashMap<String, Instant>>| -> Vec<f64> {
        let at = at.lock().unwrap();
        let took = |(name, sent): (&String, &Instant)| Some((*at.get(name)? - *sent).as_secs_f64() * 1000.0);
        sent.iter().filter_map(took).collect()
    };
    let (mut tasks, mut told) = (since(&shown.tasks), since(&shown.told));
    let owed = (0..PER_SECOND * SECONDS).filter(|number| is_low(*number)).count();
    println!("{AGENTS} desktops, {PER_SECOND} completions/s for {SECONDS} s, {owed} tasks owed");
    for (what, took) in [("task", &mut tasks), ("notification", &mut told)] {
        println!(
            "  {} {what}s shown; after p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
            took.len(),
            percentile(took, 0.5),
            percentile(took, 0.99),
            percentile(took, 1.0)
        );
    }
    println!(
        "  {:.0} % of one core, {} MiB",
        share * 100.0,
        resident_mib(service.child.id())
    );
    assert_eq!(
        (tasks.len(), told.len()),
        (owed, owed),
        "something is missing on the desktops"
    );
}

/// Reads an agent's events.
async fn desktop(address: String, agent: usize, shown: Arc<Shown>) {
    let stream = TcpStream::connect(&address).await.expect("a connection");
    let mut stream = BufReader::new(stream);
    let request = format!("GET /agent/agent-{agent}/events?after=0 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let now = Instant::now();
        if let Some(data) = line.strip_prefix("data: ") {
            let event: Value = serde_json::from_str(data).unwrap_or_default();
            if let Some(interaction) = event["task"]["interactionId"].as_str() {
                shown
                    .tasks
                    .lock()
                    .unwrap()
                    .entry(interaction.to_owned())
                    .or_insert(now);
            }
            if let Some(message) = event["notification"]["message"].as_str() {
                let interaction = message.rsplit(' ').next().unwrap_or_default();
                shown
                    .told
                    .lock()
                    .unwrap()
                    .entry(interaction.to_owned())
                    .or_insert(now);
            }
        }
        line.clear();
    }
}

fn is_low(number: u32) -> bool {
    number % 3 < 2
}

const RULES: &str = r#"
    name = "Bench"
    [field.score]
    form = "overall_satisfaction"
    kind = "number"
    [[rule]]
    name = "low"
    when = "score < 4"
    [[rule.task]]
    due = "1 day"
    subject = "Follow up {interaction_id}"
    [[rule]]
    name = "high"
"#;

fn tenant() -> String {
    let prompts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/prompts");
    let mut tenant = format!(
        "prompts = {prompts:?}\n[[client]]\nid = \"bench\"\nscopes = \"all\"\n[announcements]\napology = \"invalid\"\n\
         operator = \"ext:operator\"\noperatorGreeting = \"invalid\"\nagentGreeting = \"invalid\"\n"
    );
    for agent in 0..AGENTS {
        tenant.push_str(&format!(
            "[[agent]]\nid = \"agent-{agent}\"\nname = \"Agent {agent}\"\n"
        ));
    }
    for number in 0..PER_SECOND * SECONDS {
        let score = if is_low(number) { 2 } else { 5 };
        tenant.push_str(&format!(
            "[[interaction]]\nid = \"int-{number}\"\nagentId = \"agent-0\"\n\
             responses = [{{ fieldName = \"overall_satisfaction\", value = \"{score}\" }}]\n"
        ));
    }
    tenant
}

/// The processor time of a process so far, user and system.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name in brackets, utime and stime are the 12th and 13th; a tick is 10 ms.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn resident_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
