//! What is noted of conversations in the audit log: one entry per turn, when it is judged. What was said is personal: masked, and gone
//! when a person is erased.

use super::{Platform, Talk, talk::view};
use crate::audit::AuditLog;
use ::audit::{Actor, Entry, Outcome, mask};
use flow::scenario::{Standing, TurnOutcome, Verdict};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// Longest text of an entry, in characters.
const LONGEST_TEXT: usize = 2_000;

/// Notes the turns of one run.
pub(super) struct Entries {
    log: Option<Arc<dyn AuditLog>>,
    conversation: Option<String>,
    masks_personal: bool,
    /// How many misses each turn had that was noted.
    noted: Vec<usize>,
}

impl Entries {
    pub(super) fn new(platform: &Platform, talk: Option<&Talk>) -> Self {
        Self {
            log: platform.audit.clone(),
            conversation: talk.map(|talk| talk.id().to_string()),
            masks_personal: platform.masks_personal,
            noted: Vec::new(),
        }
    }

    /// Notes what was not noted yet of the turns that were judged, and once more those that a late answer failed.
    pub(super) fn note(&mut self, judged: &[TurnOutcome]) {
        let Some(log) = &self.log else { return };
        for (index, turn) in judged.iter().enumerate() {
            let misses = turn.misses.len();
            let is_again = match self.noted.get_mut(index) {
                Some(noted) if *noted == misses => continue,
                Some(noted) => {
                    *noted = misses;
                    true
                }
                None => {
                    self.noted.push(misses);
                    false
                }
            };
            if turn.verdict != Verdict::Skipped {
                log.record(self.entry(index + 1, turn, is_again));
            }
        }
    }

    fn entry(&self, number: usize, turn: &TurnOutcome, is_again: bool) -> Entry {
        let sent = turn.sent.iter().map(|sent| sent.text.as_str());
        let answers = turn.answers.iter().map(|came| came.heard.text.as_str());
        let mut detail = counts(number, turn.sent.len(), turn.answers.len(), turn.response_ms);
        detail.extend(standing(turn.standing));
        detail.insert("part".into(), json!(turn.part));
        detail.insert("misses".into(), json!(turn.misses.len()));
        if is_again {
            detail.insert("again".into(), json!(true));
        }
        Entry {
            outcome: match turn.verdict {
                Verdict::Failed => Outcome::Failure,
                Verdict::Passed | Verdict::Skipped => Outcome::Success,
            },
            ..entry(
                "scenario.turn",
                self.conversation.clone(),
                detail,
                said(sent.collect(), answers.collect(), self.masks_personal),
            )
        }
    }
}

/// A turn of a talk that somebody holds.
#[derive(Debug, Clone, Default)]
pub struct TalkTurn {
    /// Its number, from 1.
    pub number: usize,
    /// What the customer said.
    pub message: String,
    /// What was answered.
    pub answers: Vec<String>,
    /// The time to the first answer.
    pub response: Option<Duration>,
}

impl Talk {
    /// Notes a turn, with how the conversation stands now, if the platform says so.
    pub async fn note(&self, platform: &Platform, turn: &TalkTurn) {
        let Some(log) = &platform.audit else { return };
        let stands = self.look().await.ok();
        let stands = stands.map(|conversation| view(&conversation).standing());
        let response_ms = turn
            .response
            .and_then(|response| u64::try_from(response.as_millis()).ok());
        let mut detail = counts(turn.number, 1, turn.answers.len(), response_ms);
        detail.extend(standing(stands));
        let answers = turn.answers.iter().map(String::as_str).collect();
        let said = said(vec![&turn.message], answers, platform.masks_personal);
        log.record(entry("chat.turn", Some(self.id().to_string()), detail, said));
    }
}

fn entry(
    action: &str,
    subject: Option<String>,
    detail: Map<String, Value>,
    personal: Vec<(String, String)>,
) -> Entry {
    Entry {
        at: jiff::Timestamp::now().into(),
        actor: Actor::Conversations,
        action: action.into(),
        subject,
        correlation: None,
        outcome: Outcome::Success,
        detail,
        personal,
    }
}

fn counts(turn: usize, sent: usize, answers: usize, response_ms: Option<u64>) -> Map<String, Value> {
    let counts = [
        ("turn", json!(turn)),
        ("sent", json!(sent)),
        ("answers", json!(answers)),
        ("responseMs", json!(response_ms)),
    ];
    counts
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

fn standing(standing: Option<Standing>) -> impl Iterator<Item = (String, Value)> {
    let members = standing.map(|standing| {
        [
            ("state", json!(standing.state)),
            ("contextBytes", json!(standing.context_bytes)),
            ("resolved", json!(standing.resolved)),
            ("escalated", json!(standing.escalated)),
        ]
    });
    members
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_owned(), value))
}

/// What the customer said and what was answered, each as one text. Card numbers and codes are masked always.
fn said(message: Vec<&str>, answers: Vec<&str>, masks_personal: bool) -> Vec<(String, String)> {
    let both = [("message", message.join("\n")), ("answers", answers.join("\n"))];
    let filled = both.into_iter().filter(|(_, text)| !text.is_empty());
    filled
        .map(|(name, text)| {
            // Cut after it is masked: half a number would not be known as one. No database keeps zero bytes.
            let masked = match masks_personal {
                true => mask::personal(&text),
                false => mask::text(&text),
            };
            let masked = masked.replace('\0', "\u{fffd}");
            (name.to_owned(), masked.chars().take(LONGEST_TEXT).collect())
        })
        .collect()
}
