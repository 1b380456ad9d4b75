//! What a run notes in the audit log: one entry per turn. What is personal in what was said is masked by the log.

use super::RunOutcome;
use ::audit::{Actor, Entry, Outcome};
use flow::scenario::{TurnOutcome, Verdict};
use serde_json::{Map, Value, json};

/// Longest text of an entry, in characters.
const LONGEST_TEXT: usize = 500;

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
    let texts = |texts: Vec<&str>| -> Vec<String> {
        texts
            .into_iter()
            .map(|text| {
                let short: String = text.chars().take(LONGEST_TEXT).collect();
                ::audit::mask::text(&short).into_owned()
            })
            .collect()
    };
    let detail = json!({
        "turn": number,
        "part": turn.part,
        "sent": texts(turn.sent.iter().map(|sent| sent.text.as_str()).collect()),
        "answers": texts(turn.answers.iter().map(|came| came.heard.text.as_str()).collect()),
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
        action: "conversation.turn".into(),
        subject: outcome.conversation.clone(),
        correlation: None,
        outcome: match turn.verdict {
            Verdict::Failed => Outcome::Failure,
            Verdict::Passed | Verdict::Skipped => Outcome::Success,
        },
        detail,
        personal: Vec::new(),
    }
}
