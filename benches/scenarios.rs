//! Scripted conversations as tests, beside botium-core: three turns with an echo bot in the same process.
//!
//! `npm ci --ignore-scripts --prefix benches/conversations && cargo bench -p trunkline --bench scenarios`
//!
//! Both read the same three turns once and run them over and over, on one core. Ours listens for what must not come after each answer; the time of that is
//! virtual here, as it is whenever a scenario runs against a bot in the same process. Each is measured three times by turns, the best counts.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "support/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "streams/process.rs"]
#[allow(dead_code)]
mod process;

use flow::{
    Moment,
    scenario::{self, Action, Heard, Input, Perturber, Run, Scenario, Verdict},
};
use http::percentile;
use serde_json::Value;
use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const LASTS: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const PARALLEL: [usize; 2] = [1, 16];
const SCENARIO: &str = "
name: echo
turns:
  - {say: hello there, expect: {equals: 'You said: hello there'}}
  - {say: where is my order, expect: {equals: 'You said: where is my order'}}
  - {say: thank you, expect: {equals: 'You said: thank you'}}
";

struct Measured {
    per_second: f64,
    p99_ms: f64,
}

fn main() {
    println!("{}\n", process::machine());
    let scenario = scenario::parse(SCENARIO).expect("a scenario").remove(0);
    let scenario = Arc::new(scenario);
    let mut ours = Vec::new();
    let mut theirs = PARALLEL.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        ours.push(measure(&scenario));
        for (parallel, all) in PARALLEL.into_iter().zip(&mut theirs) {
            all.extend(botium(parallel));
        }
    }
    println!(
        "{:<32} {:>16} {:>9}",
        "three turns with an echo bot", "conversations/s", "p99 ms"
    );
    let ours = best(ours).expect("at least one round");
    println!(
        "{:<32} {:>16.0} {:>9.3}",
        "trunkline", ours.per_second, ours.p99_ms
    );
    for (parallel, all) in PARALLEL.into_iter().zip(theirs) {
        let name = format!("botium-core, {parallel} at once");
        match best(all) {
            None => println!(
                "{name:<32} is missing: Node.js, and npm ci --ignore-scripts --prefix benches/conversations"
            ),
            Some(peer) => {
                println!("{name:<32} {:>16.0} {:>9.3}", peer.per_second, peer.p99_ms);
                println!(
                    "{:<32} {:>15.1}x",
                    "  ours to theirs",
                    ours.per_second / peer.per_second
                );
            }
        }
    }
    println!("\ngoal: 5 times\n{}", process::machine());
}

fn best(all: Vec<Measured>) -> Option<Measured> {
    all.into_iter()
        .max_by(|one, other| one.per_second.total_cmp(&other.per_second))
}

fn measure(scenario: &Arc<Scenario>) -> Measured {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < LASTS {
        let one = Instant::now();
        converse(scenario);
        times.push(one.elapsed().as_secs_f64() * 1000.0);
    }
    Measured {
        per_second: times.len() as f64 / begun.elapsed().as_secs_f64(),
        p99_ms: percentile(&mut times, 0.99),
    }
}

/// One conversation with a bot that says again what it hears.
fn converse(scenario: &Arc<Scenario>) {
    let mut run = Run::new(scenario.clone(), Perturber::none());
    let mut now = Moment::START;
    let mut sequence = 0;
    let mut actions = run.handle(now, Input::Start);
    while run.report().is_none() {
        let Some(action) = actions.pop() else {
            now = run.deadline();
            actions = run.handle(now, Input::Tick);
            continue;
        };
        actions = match action {
            Action::Create => run.handle(now, Input::Created),
            Action::Post(text) => {
                let (message, answer) = (format!("m-{sequence}"), format!("a-{sequence}"));
                sequence += 2;
                let posted = Input::Posted {
                    id: message.clone(),
                    sequence: sequence - 1,
                    held_up: Duration::ZERO,
                };
                run.handle(now, posted);
                let heard = Heard {
                    id: answer,
                    sequence,
                    in_reply_to: Some(message),
                    text: format!("You said: {text}"),
                    ..Heard::default()
                };
                run.handle(now, Input::Heard(heard))
            }
            Action::Close => run.handle(now, Input::Done),
            other => panic!("the scenario does not ask for {other:?}"),
        };
    }
    let report = run.report().expect("it is over");
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
}

fn botium(parallel: usize) -> Option<Measured> {
    let out = Command::new("node")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../benches/conversations/botium.cjs"
        ))
        .args([LASTS.as_secs().to_string(), parallel.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .ok()
        .filter(|out| out.status.success())?;
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON of botium");
    let mut times: Vec<f64> = serde_json::from_value(told["timesMs"].clone()).expect("times");
    Some(Measured {
        per_second: times.len() as f64 / told["tookS"].as_f64().expect("a time"),
        p99_ms: percentile(&mut times, 0.99),
    })
}
