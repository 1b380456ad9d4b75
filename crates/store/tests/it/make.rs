//! Short ways to say what tests commit.

use audit::{Actor, Entry, Outcome};
use std::time::Duration;
use store::{Commit, EffectKey, Event, Intent};

pub(crate) fn event(id: &str) -> Event {
    Event {
        source: "survey".into(),
        id: id.into(),
        body: format!(r#"{{"id":"{id}"}}"#),
        answer: format!("answer to {id}"),
    }
}

pub(crate) fn key(event: &str, step: &str) -> EffectKey {
    EffectKey {
        source: "survey".into(),
        event: event.into(),
        step: step.into(),
    }
}

/// An item of the queue `tasks`, due at once.
pub(crate) fn intent(event: &str, subject: Option<&str>) -> Intent {
    Intent {
        effect: key(event, "task"),
        queue: "tasks".into(),
        subject: subject.map(Into::into),
        body: format!("task for {event}"),
        after: Duration::ZERO,
    }
}

pub(crate) fn entry(subject: &str, personal: &[(&str, &str)]) -> Entry {
    Entry {
        at: "2026-11-21T09:30:00Z".parse().unwrap(),
        actor: Actor::Service,
        action: "event.accepted".into(),
        subject: Some(subject.into()),
        correlation: None,
        outcome: Outcome::Success,
        detail: serde_json::Map::new(),
        personal: personal
            .iter()
            .map(|(field, text)| ((*field).into(), (*text).into()))
            .collect(),
    }
}

/// An event with one task and one entry.
pub(crate) fn accepted(id: &str) -> Commit {
    Commit {
        event: Some(event(id)),
        intents: vec![intent(id, None)],
        audit: vec![entry(id, &[])],
        ..Commit::default()
    }
}

/// An item without an event.
pub(crate) fn owed(id: &str, subject: Option<&str>) -> Commit {
    Commit {
        intents: vec![intent(id, subject)],
        ..Commit::default()
    }
}
