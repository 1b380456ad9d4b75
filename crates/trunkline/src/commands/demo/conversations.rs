//! The demo's conversations with the bot: three scenarios as tests, one of which fails on purpose; what changed goes to a file, and a report says how
//! they went.

use crate::platform::{self, Clients};
use ::center::Center;
use anyhow::{Context as _, Result};
use client::Conversations;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use jobs::{
    audit::{AuditLog as _, StoreLog},
    conversations::{Asked, Case, CaseResult, Clock, Platform, report::around, test},
    report::{By, Report, Span, report},
    sync::{Settings, Walked, Work, sync},
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::Store;
use tokio_util::sync::CancellationToken;
use wire::UtcTime;

/// Of each of these files the first scenario.
const SCENARIOS: [(&str, &str); 3] = [
    (
        "demo/scenarios/track-order.yaml",
        include_str!("../../../../../demo/scenarios/track-order.yaml"),
    ),
    (
        "demo/scenarios/agent.yaml",
        include_str!("../../../../../demo/scenarios/agent.yaml"),
    ),
    (
        "demo/scenarios/failing/wrong-expectation.yaml",
        include_str!("../../../../../demo/scenarios/failing/wrong-expectation.yaml"),
    ),
];
/// Where the changes go, in the data folder.
const CHANGES: &str = "conversations.jsonl";
/// How each scenario must come out: passed, resolved, escalated.
const WANTED: [(bool, bool, bool); 3] = [(true, true, false), (true, false, true), (false, false, false)];

/// What came of them.
pub(super) struct ConversationsReport {
    results: Vec<CaseResult>,
    synced: Walked,
    changes: PathBuf,
    report: Report,
    pub(super) faults: Vec<String>,
}

/// Holds them, hands on what changed, and asks how they went.
pub(super) async fn run(center: &Center, store: &Store, data_dir: &Path) -> Result<ConversationsReport> {
    let transport = platform::transport_of_center(center)?;
    let conversations = Conversations::new(&transport);
    let log = StoreLog::new(store.clone());
    let platform = Platform {
        clock: Clock::Virtual(Clients::of_center(center)?.admin),
        bot: Some(platform::DEMO_BOT.to_owned()),
        audit: Some(Arc::new(log.clone())),
        ..Platform::new(conversations.clone())
    };
    let began: UtcTime = jiff::Timestamp::now().into();
    let results = test(
        &platform,
        cases()?,
        &Asked::default(),
        &CancellationToken::new(),
        |_| {},
    )
    .await;
    log.settle().await;

    let changes = data_dir.join(CHANGES);
    let work = Work {
        platform: platform::OWN_CENTER.to_owned(),
        ..Work::new(
            transport,
            store.clone(),
            jobs::sync::Target::Jsonl(changes.clone()),
        )
    };
    let synced = sync(work, Settings::default(), CancellationToken::new(), |_| {}).await?;

    let now: UtcTime = jiff::Timestamp::now().into();
    let span = Span {
        from: began.to_the_millisecond(),
        to: now.after(Duration::from_secs(1)),
    };
    let report = report(&conversations, By::None, span).await?;
    let mut faults = faults(&results, &report);
    faults.extend(missing(&results, &changes)?);
    Ok(ConversationsReport {
        results,
        synced,
        changes,
        report,
        faults,
    })
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (file, text) in SCENARIOS {
        let scenarios = flow::scenario::parse(text).map_err(|faults| {
            let told: Vec<String> = faults
                .iter()
                .map(|fault| fault.in_file(file).to_string())
                .collect();
            anyhow::anyhow!(told.join("\n"))
        })?;
        cases.extend(
            scenarios
                .into_iter()
                .take(1)
                .map(|scenario| Case::new(file, scenario)),
        );
    }
    Ok(cases)
}

fn faults(results: &[CaseResult], report: &Report) -> Vec<String> {
    let mut faults = Vec::new();
    for (result, wanted) in results.iter().zip(WANTED) {
        let run = result.telling().map(|run| &run.report);
        let came = run.map(|run| (result.has_passed(), run.resolved, run.escalated));
        if came != Some(wanted) {
            faults.push(format!(
                "the conversation {:?} did not go as it should",
                result.name
            ));
        }
        if run.is_none_or(|run| !run.is_closed) {
            faults.push(format!("the conversation {:?} was left open", result.name));
        }
    }
    let counted = (
        report.total.conversations,
        report.total.resolved,
        report.total.escalated,
    );
    if counted != (3, 1, 1) {
        faults.push(format!(
            "the report counts {counted:?} conversations, resolved and escalated, not (3, 1, 1)"
        ));
    }
    faults
}

/// The conversations that are not in the file, with what was said.
fn missing(results: &[CaseResult], changes: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(changes).with_context(|| format!("{} can't be read", changes.display()))?;
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = lines.filter(|change| {
        change["interactions"]
            .as_array()
            .is_some_and(|said| !said.is_empty())
    });
    let told: HashSet<String> = told
        .filter_map(|change| change["conversation"]["id"].as_str().map(str::to_owned))
        .collect();
    let runs = results.iter().flat_map(|result| &result.runs);
    let ids = runs.filter_map(|run| run.conversation.as_ref());
    Ok(ids
        .filter(|id| !told.contains(*id))
        .map(|id| format!("the conversation {id} is not in {}", changes.display()))
        .collect())
}

impl ConversationsReport {
    /// One row per conversation, the transcript around what failed, and what became of them.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header([
            "conversation",
            "turns",
            "as expected",
            "resolved",
            "to a human",
            "answered after",
        ]);
        for (result, (is_to_pass, ..)) in self.results.iter().zip(WANTED) {
            let Some(run) = result.telling().map(|run| &run.report) else {
                continue;
            };
            let slowest = run.response_times().max();
            let yes = |is: bool| if is { "yes" } else { "no" };
            table.add_row([
                result.name.clone(),
                run.turns.len().to_string(),
                match (result.has_passed(), is_to_pass) {
                    (true, _) => "yes",
                    (false, false) => "no, to show that",
                    (false, true) => "no",
                }
                .to_owned(),
                yes(run.resolved).to_owned(),
                yes(run.escalated).to_owned(),
                slowest.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms at most")),
            ]);
        }
        let mut text = format!("{table}\n");
        for result in self.results.iter().filter(|result| !result.has_passed()) {
            text.push_str(&format!(
                "What was not as expected in {:?} ({}:{}):\n",
                result.name, result.file, result.line
            ));
            let lines = result
                .telling()
                .map(|run| around(&run.report))
                .unwrap_or_default();
            lines
                .iter()
                .for_each(|line| text.push_str(&format!("  {}\n", line.plain())));
        }
        let share = self
            .report
            .total
            .resolution
            .map_or_else(String::new, |share| format!(" ({share})"));
        text.push_str(&format!(
            "{} of {} conversations were resolved{share}; {} changes went to {}.\n",
            self.report.total.resolved,
            self.report.total.conversations,
            self.synced.changes,
            self.changes.display()
        ));
        text
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> Value {
        json!({"scenarios": self.results, "synced": self.synced, "report": self.report.total, "faults": self.faults})
    }
}
