//! What a run notes in the audit log: one entry per turn. What was said is personal: masked, and gone when a person is erased.

use super::RunOutcome;
use ::audit::{Actor, Entry, Outcome, mask};
use flow::scenario::{TurnOutcome, Verdict};
use serde_json::{Map, Value, json};

/// Longest text of an entry, in characters.
const LONGEST_TEXT: usize = 2_000;

pub(super) struct Entries;

impl Entries {
    /// An entry per turn that was reached.
    pub(super) fn of(outcome: &RunOutcome) -> impl Iterator<Item = Entry> {
        let reached = outcome
            .report
            .turns
            .iter()
            .enumerate()
            .filter(|(_, turn)| turn.verdict != Verdict::Skipped);
        reached.map(|(index, turn)| entry(outcome, index + 1, turn))
    }
}

fn entry(outcome: &RunOutcome, number: usize, turn: &TurnOutcome) -> Entry {
    let report = &outcome.report;
    let detail = json!({
        "turn": number,
        "part": turn.part,
        "sent": turn.sent.len(),
        "answers": turn.answers.len(),
        "responseMs": turn.response_ms,
        "misses": turn.misses.len(),
        "resolved": report.resolved,
        "escalated": report.escalated,
    });
    let detail = match detail {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Entry {
        at: jiff::Timestamp::now().into(),
        actor: Actor::Conversations,
        action: "scenario.turn".into(),
        subject: outcome.conversation.clone(),
        correlation: None,
        outcome: match turn.verdict {
            Verdict::Failed => Outcome::Failure,
            Verdict::Passed | Verdict::Skipped => Outcome::Success,
        },
        detail,
        personal: said(turn),
    }
}

/// What the customer said and what was answered, each as one text.
fn said(turn: &TurnOutcome) -> Vec<(String, String)> {
    let sent = turn.sent.iter().map(|sent| sent.text.as_str());
    let answers = turn.answers.iter().map(|came| came.heard.text.as_str());
    let both = [
        ("message", sent.collect::<Vec<_>>().join("\n")),
        ("answers", answers.collect::<Vec<_>>().join("\n")),
    ];
    let filled = both.into_iter().filter(|(_, text)| !text.is_empty());
    filled
        .map(|(name, text)| {
            // Cut after it is masked: half a number would not be known as one. No database keeps zero bytes.
            let masked = mask::personal(&text).replace('\0', "\u{fffd}");
            (name.to_owned(), masked.chars().take(LONGEST_TEXT).collect())
        })
        .collect()
}
