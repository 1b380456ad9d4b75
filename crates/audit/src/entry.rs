//! One entry: who did what to what, and how it came out.

use crate::tree::hex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use wire::{UtcTime, ids::CorrelationId};

/// Which part of Trunkline acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The job that leads calls through menus.
    Menu,
    /// The embedded contact centre.
    Center,
    /// The service that takes events in.
    Service,
    /// The delivery of webhooks.
    Webhooks,
    /// A person at the command line.
    Operator,
}

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was not.
    Failure,
}

/// One entry, as a job writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When, by the clock on the wall.
    pub at: UtcTime,
    /// Who.
    pub actor: Actor,
    /// What, as `part.verb`: `menu.key`, `webhook.delivered`.
    pub action: String,
    /// To what: the id of a call, an event, an endpoint. All entries of one thing share it, and are erased together.
    pub subject: Option<String>,
    /// The request that led to it.
    pub correlation: Option<CorrelationId>,
    /// How it came out.
    pub outcome: Outcome,
    /// What else is worth knowing; nothing personal.
    pub detail: Map<String, Value>,
    /// What tells of a person: telephone numbers, ids in a CRM, free text. Kept apart, so that it can be erased.
    pub personal: Vec<(String, String)>,
}

/// A personal text, kept apart from its entry, which holds only the commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its name in the entry.
    pub field: String,
    /// Random: without it, the commitment of a short text could be guessed.
    pub salt: [u8; 16],
    /// The text.
    pub value: String,
}

impl Text {
    /// What stands in the entry for this text: SHA-256 of salt, field, a zero byte and value, in hexadecimal.
    pub fn commitment(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(self.field.as_bytes());
        hash.update([0]);
        hash.update(self.value.as_bytes());
        hex(&hash.finalize())
    }
}

/// An entry that can go into the log: its text, and the personal texts that its commitments stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// The entry's members as JSON without the index; [`SealedEntry::leaf`] adds it.
    pub body: String,
    /// When, for queries.
    pub at: UtcTime,
    /// What, for queries.
    pub action: String,
    /// To what, for queries.
    pub subject: Option<String>,
    /// The personal texts.
    pub texts: Vec<Text>,
}

/// The members of a leaf, in the order they are written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    at: UtcTime,
    actor: Actor,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a CorrelationId>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Map::is_empty")]
    detail: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    personal: Map<String, Value>,
}

impl Entry {
    /// Puts commitments in the place of personal texts. `salt` gives 16 random bytes per call.
    pub fn seal(self, mut salt: impl FnMut() -> [u8; 16]) -> SealedEntry {
        let texts: Vec<Text> = self
            .personal
            .into_iter()
            .map(|(field, value)| Text {
                field,
                salt: salt(),
                value,
            })
            .collect();
        let commitments = texts
            .iter()
            .map(|text| (text.field.clone(), Value::from(text.commitment())));
        let body = Body {
            at: self.at,
            actor: self.actor,
            action: &self.action,
            subject: self.subject.as_deref(),
            correlation_id: self.correlation.as_ref(),
            outcome: self.outcome,
            detail: &self.detail,
            personal: commitments.collect(),
        };
        SealedEntry {
            body: serde_json::to_string(&body).unwrap_or_default(),
            at: self.at,
            action: self.action,
            subject: self.subject,
            texts,
        }
    }
}

impl SealedEntry {
    /// The text that is hashed and kept: `{"index":7,"at":...}`.
    pub fn leaf(&self, index: u64) -> String {
        leaf(index, &self.body)
    }
}

/// The leaf of a sealed entry's body at an index.
pub fn leaf(index: u64, body: &str) -> String {
    let members = body.strip_prefix('{').unwrap_or("}");
    format!("{{\"index\":{index},{members}")
}
