//! One entry: who did what to what, and how it came out.

use crate::{mask, tree::hex};
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
    /// The job that follows up what customers say.
    FollowUp,
    /// The job that builds prompts.
    Prompts,
    /// The job that plays prompts and steers them.
    Playback,
    /// The job that keeps another system in step with conversations.
    Sync,
    /// The job that holds conversations with bots.
    Conversations,
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
    /// Masks what must not be kept, and puts commitments in the place of personal texts. `salt` gives 16 random bytes per
    /// call. Of personal texts with one name, the later ones are renamed `name.2`, `name.3`.
    pub fn seal(self, mut salt: impl FnMut() -> [u8; 16]) -> SealedEntry {
        let mut texts: Vec<Text> = Vec::with_capacity(self.personal.len());
        for (field, value) in self.personal {
            texts.push(Text {
                value: mask::member(&field, &value).into_owned(),
                field: unused(&texts, field),
                salt: salt(),
            });
        }
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
            detail: &masked(self.detail),
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

/// A name that no text has yet.
fn unused(texts: &[Text], field: String) -> String {
    let is_used = |name: &str| texts.iter().any(|text| text.field == name);
    let mut name = field.clone();
    let mut number = 2;
    while is_used(&name) {
        name = format!("{field}.{number}");
        number += 1;
    }
    name
}

fn masked(detail: Map<String, Value>) -> Map<String, Value> {
    let mut value = Value::Object(detail);
    mask::json(&mut value);
    match value {
        Value::Object(detail) => detail,
        _ => Map::new(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(detail: Value, personal: &[(&str, &str)]) -> Entry {
        let Value::Object(detail) = detail else {
            panic!("an object")
        };
        Entry {
            at: "2026-11-21T09:30:00.123Z".parse().unwrap(),
            actor: Actor::Menu,
            action: "menu.key".into(),
            subject: Some("call-1".into()),
            correlation: Some("corr-1".parse().unwrap()),
            outcome: Outcome::Success,
            detail,
            personal: personal
                .iter()
                .map(|(field, value)| (field.to_string(), value.to_string()))
                .collect(),
        }
    }

    #[test]
    fn a_leaf_has_commitments_in_the_place_of_personal_texts() {
        let sealed = entry(json!({"menu": "main"}), &[("ani", "+15550100")]).seal(|| [7; 16]);
        insta::assert_snapshot!(sealed.leaf(3), @r#"{"index":3,"at":"2026-11-21T09:30:00.123Z","actor":"menu","action":"menu.key","subject":"call-1","correlationId":"corr-1","outcome":"success","detail":{"menu":"main"},"personal":{"ani":"b8a0281debb4bbb5621d164c959b8be941866eda05cd5f4e01bbf290464f403c"}}"#);
        assert_eq!(sealed.texts[0].value, "+15550100");
    }

    #[test]
    fn an_entry_without_more_has_a_short_leaf() {
        let mut bare = entry(json!({}), &[]);
        bare.subject = None;
        bare.correlation = None;
        insta::assert_snapshot!(bare.seal(|| [0; 16]).leaf(0), @r#"{"index":0,"at":"2026-11-21T09:30:00.123Z","actor":"menu","action":"menu.key","outcome":"success"}"#);
    }

    #[test]
    fn card_numbers_and_codes_are_masked_before_anything_is_kept() {
        let detail = json!({"said": "my card is 4111 1111 1111 1111", "cvv": "123"});
        let sealed = entry(detail, &[("note", "pin 1234"), ("pin", "1234")]).seal(|| [7; 16]);
        assert!(
            sealed
                .body
                .contains(r#""detail":{"cvv":"***","said":"my card is 4111 11** **** 1111"}"#),
            "{}",
            sealed.body
        );
        assert_eq!(sealed.texts[0].value, "pin ****");
        assert_eq!(sealed.texts[1].value, "***");
    }

    #[test]
    fn texts_of_one_name_are_kept_apart() {
        let sealed = entry(json!({}), &[("note", "a"), ("note", "b"), ("note", "c")]).seal(|| [7; 16]);
        let names: Vec<&str> = sealed.texts.iter().map(|text| text.field.as_str()).collect();
        assert_eq!(names, ["note", "note.2", "note.3"]);
        for text in &sealed.texts {
            assert!(sealed.body.contains(&text.commitment()));
        }
    }

    #[test]
    fn a_commitment_depends_on_all_it_is_made_of() {
        let text = |field: &str, salt, value: &str| Text {
            field: field.into(),
            salt: [salt; 16],
            value: value.into(),
        };
        let commitment = text("a", 1, "b").commitment();
        assert_eq!(commitment, text("a", 1, "b").commitment());
        for other in [text("b", 1, "b"), text("a", 2, "b"), text("a", 1, "c")] {
            assert_ne!(commitment, other.commitment());
        }
    }
}
