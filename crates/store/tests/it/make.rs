//! Short ways to say what tests commit.

use audit::{Actor, Entry, Outcome};
use std::time::Duration;
use store::{Advance, Claim, Commit, EffectKey, Event, Expect, Finish, Intent, Put, Terms};

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

/// A claim is finished like this.
pub(crate) fn finished(claim: &Claim, finish: Finish) -> Commit {
    Commit {
        finish: Some((claim.id, finish)),
        ..Commit::default()
    }
}

pub(crate) fn done() -> Finish {
    Finish::Done { result: None }
}

pub(crate) fn dead() -> Finish {
    Finish::Dead {
        error: "410 Gone".into(),
    }
}

pub(crate) fn again(after: Duration) -> Finish {
    Finish::Again {
        after,
        error: "503".into(),
    }
}

/// A record of the kind `call`.
pub(crate) fn put(id: &str, body: &str, expect: Expect) -> Commit {
    let put = Put {
        kind: "call".into(),
        id: id.into(),
        body: Some(body.into()),
        expect,
    };
    Commit {
        records: vec![put],
        ..Commit::default()
    }
}

/// A record of the kind `call`, found under these terms.
pub(crate) fn found_under(id: &str, terms: &[(&str, i64)]) -> Commit {
    let own = |(term, place): &(&str, i64)| ((*term).to_owned(), *place);
    let found = Terms {
        kind: "call".into(),
        id: id.into(),
        terms: terms.iter().map(own).collect(),
    };
    Commit {
        terms: vec![found],
        ..put(id, "found", Expect::Any)
    }
}

pub(crate) fn advance(from: Option<&str>, to: &str) -> Commit {
    let advance = Advance {
        name: "sync".into(),
        from: from.map(Into::into),
        to: to.into(),
    };
    Commit {
        advance: Some(advance),
        ..Commit::default()
    }
}

pub(crate) fn noted(subject: &str, personal: &[(&str, &str)]) -> Commit {
    Commit {
        audit: vec![entry(subject, personal)],
        ..Commit::default()
    }
}
