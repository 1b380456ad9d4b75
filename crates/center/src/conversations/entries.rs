//! Conversations in the audit log: an entry per turn, and one for whatever else happens.

use super::draft::Draft;
use crate::tasks::keepable;
use audit::{Actor, Entry, Outcome, mask};
use serde_json::{Map, Value, json};
use wire::{UtcTime, conversation::Direction, ids::CorrelationId};

/// The longest text that the log gets, in characters; what is over is left out.
const LONGEST_TEXT: usize = 100_000;

/// What is noted beside what is said.
pub(super) struct Note {
    action: &'static str,
    outcome: Outcome,
    detail: Map<String, Value>,
    /// In the bot's words.
    reason: Option<String>,
}

impl Note {
    /// Something happened; `detail` is an object.
    pub(super) fn of(action: &'static str, detail: Value) -> Self {
        Self {
            action,
            outcome: Outcome::Success,
            detail: match detail {
                Value::Object(detail) => detail,
                _ => Map::new(),
            },
            reason: None,
        }
    }

    /// Something failed.
    pub(super) fn of_failure(action: &'static str, detail: Value) -> Self {
        Self {
            outcome: Outcome::Failure,
            ..Self::of(action, detail)
        }
    }

    /// Something happened for a reason.
    pub(super) fn because(action: &'static str, reason: String) -> Self {
        Self {
            reason: Some(reason),
            ..Self::of(action, Value::Null)
        }
    }
}

/// What the audit log says of a draft.
pub(super) fn of(draft: &Draft, at: UtcTime, correlation: Option<&CorrelationId>) -> Vec<Entry> {
    let entry = |action: &str, detail: Map<String, Value>, personal| Entry {
        at,
        actor: Actor::Center,
        action: action.to_owned(),
        subject: Some(draft.id.to_string()),
        correlation: correlation.cloned(),
        outcome: Outcome::Success,
        detail,
        personal,
    };
    let noted = draft.notes.iter().map(|note| {
        let reason = note.reason.as_deref().map(|reason| personal(draft, reason));
        let reason = reason.map(|reason| ("reason".to_owned(), reason));
        Entry {
            outcome: note.outcome,
            ..entry(note.action, note.detail.clone(), reason.into_iter().collect())
        }
    });
    let mut entries: Vec<Entry> = noted.collect();
    if !draft.said.is_empty() {
        let is_turn = draft.said.iter().any(|one| one.direction == Direction::Inbound);
        let action = if is_turn {
            "conversation.turn"
        } else {
            "conversation.answered"
        };
        entries.push(entry(action, detail(draft), said(draft)));
    }
    entries
}

fn detail(draft: &Draft) -> Map<String, Value> {
    let answers = draft
        .said
        .iter()
        .filter(|one| one.direction == Direction::Outbound)
        .count();
    let mut detail = Map::new();
    for (name, value) in [
        ("turn", json!(draft.kept.turns)),
        ("sequence", json!(draft.said.first().map(|first| first.sequence))),
        ("answers", json!(answers)),
        ("contextBytes", json!(draft.kept.context_bytes)),
        ("state", json!(draft.kept.state)),
        ("resolved", json!(draft.kept.resolved)),
    ] {
        detail.insert(name.to_owned(), value);
    }
    detail
}

/// What was said by the customer, and what was answered, each as one text.
fn said(draft: &Draft) -> Vec<(String, String)> {
    let of = |direction: Direction| {
        let texts = draft.said.iter().filter(|one| one.direction == direction);
        let texts: Vec<&str> = texts.map(|one| one.text.as_str()).collect();
        personal(draft, &texts.join("\n"))
    };
    let both = [
        ("message", of(Direction::Inbound)),
        ("answers", of(Direction::Outbound)),
    ];
    let filled = both.into_iter().filter(|(_, text)| !text.is_empty());
    filled.map(|(name, text)| (name.to_owned(), text)).collect()
}

/// As the log may keep it. Card numbers and codes are masked there always.
fn personal(draft: &Draft, text: &str) -> String {
    let text = match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    match draft.masks_personal {
        true => keepable(&mask::personal(text)),
        false => keepable(text),
    }
}
