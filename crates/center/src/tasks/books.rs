//! A task as a record, its timers as items of the outbox, its history as audit entries.

use super::listed;
use audit::{Actor, Entry, Outcome as CameOut};
use flow::task::{Outcome, Timer};
use serde_json::{Map, json};
use store::{Commit, EffectKey, Expect, Intent, Put};
use wire::{
    UtcTime,
    ids::CorrelationId,
    task::{Happened, RULE_FIELD, Task},
};

/// The kind of the records.
pub(super) const TASK: &str = "task";
/// The queue of the timers, and the source of their keys.
pub(super) const TIMERS: &str = "task-timer";
pub(super) const SOURCE: &str = "task";

/// What is written when something happened to a task.
pub(super) fn changed(
    task: &Task,
    expect: Expect,
    outcome: &Outcome,
    correlation: Option<&CorrelationId>,
) -> Commit {
    let put = Put {
        kind: TASK.into(),
        id: task.id.to_string(),
        // A task is text and numbers: that always can be written as JSON.
        body: Some(serde_json::to_string(task).unwrap_or_default()),
        expect,
    };
    let timer = |(timer, at): &(Timer, UtcTime)| intent(task, *timer, *at);
    Commit {
        records: vec![put],
        terms: vec![listed::terms(TASK, task)],
        intents: outcome.timers.iter().map(timer).collect(),
        audit: outcome
            .happened
            .iter()
            .map(|line| entry(task, line, correlation))
            .collect(),
        ..Commit::default()
    }
}

pub(super) fn read(body: &str) -> Option<Task> {
    serde_json::from_str(body)
        .inspect_err(|error| tracing::error!(%error, "a task in the store can't be read"))
        .ok()
}

fn intent(task: &Task, timer: Timer, at: UtcTime) -> Intent {
    Intent {
        effect: EffectKey {
            source: SOURCE.into(),
            event: task.id.to_string(),
            step: timer.to_string(),
        },
        queue: TIMERS.into(),
        // A timer waits for no other.
        subject: None,
        body: String::new(),
        after: at.since(task.updated_at),
    }
}

fn entry(task: &Task, line: &Happened, correlation: Option<&CorrelationId>) -> Entry {
    let mut detail = Map::new();
    detail.insert("taskId".into(), json!(task.id));
    if let Some(agent) = &line.agent_id {
        detail.insert("agentId".into(), json!(agent));
    }
    let mut personal = Vec::new();
    if line.what == "created" {
        detail.insert("priority".into(), json!(task.priority));
        detail.insert("dueDate".into(), json!(task.due_date));
        if let Some(rule) = task.field(RULE_FIELD) {
            detail.insert("rule".into(), json!(rule));
        }
        personal.push(("subject".to_owned(), keepable(&task.subject)));
    }
    personal.extend(line.note.iter().map(|note| ("note".to_owned(), keepable(note))));
    let interaction = task.interaction_id.as_ref().map(ToString::to_string);
    Entry {
        at: line.at,
        actor: Actor::Center,
        action: format!("task.{}", line.what),
        subject: Some(interaction.unwrap_or_else(|| task.id.to_string())),
        correlation: correlation.cloned(),
        outcome: CameOut::Success,
        detail,
        personal,
    }
}

/// Text as every database can keep it: without zero bytes.
pub(crate) fn keepable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
