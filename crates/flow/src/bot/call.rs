//! Call-outs: what a bot asks of another server, and what it makes of the answer.

use super::{
    model::{SlotId, StepId},
    template::{Template, shown},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt::Write, time::Duration};

/// The largest answer of a call-out that is looked at, in bytes.
pub const MAX_CALL_ANSWER_BYTES: usize = 256 * 1024;

/// An HTTP request that a bot wants made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRequest {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute; values in it are percent-encoded, and its host is as the file has it.
    pub url: String,
    /// Sent as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// How long the answer may take, in milliseconds.
    pub timeout_ms: u64,
}

/// What came of a call-out.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOutcome {
    /// The number in the [`Act::Call`](super::Act::Call) it belongs to.
    pub number: u64,
    /// The answer's JSON when its status was 2xx; `null` when it had no body. None for everything else.
    pub answer: Option<Value>,
}

/// A call-out as the file has it.
#[derive(Debug, Clone)]
pub(super) struct CallPlan {
    pub(super) method: &'static str,
    pub(super) url: Template,
    pub(super) body: Option<BodyPlan>,
    pub(super) timeout: Duration,
    /// Which slots take what from the answer.
    pub(super) set: Vec<(SlotId, Vec<String>)>,
    pub(super) on_error: StepId,
}

/// A body as the file has it.
#[derive(Debug, Clone)]
pub(super) enum BodyPlan {
    Fixed(Value),
    Text(Template),
    List(Vec<BodyPlan>),
    Table(Vec<(String, BodyPlan)>),
}

impl CallPlan {
    /// The request, with the slots' values.
    pub(super) fn request<'a>(&self, value: impl Fn(SlotId) -> Option<&'a Value> + Copy) -> CallRequest {
        CallRequest {
            method: self.method.to_owned(),
            url: self.url.fill(|slot| encoded(&shown(value(slot)))),
            body: self.body.as_ref().map(|body| body.fill(value)),
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl BodyPlan {
    fn fill<'a>(&self, value: impl Fn(SlotId) -> Option<&'a Value> + Copy) -> Value {
        match self {
            Self::Fixed(fixed) => fixed.clone(),
            // A slot alone keeps its kind: a number stays a number.
            Self::Text(template) => match template.only_slot() {
                Some(slot) => value(slot).cloned().unwrap_or(Value::Null),
                None => template.fill(|slot| shown(value(slot))).into(),
            },
            Self::List(items) => items.iter().map(|item| item.fill(value)).collect(),
            Self::Table(fields) => {
                let fields = fields.iter().map(|(name, item)| (name.clone(), item.fill(value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

/// What is at `path` (names, or numbers of list items, from the outside in) of an answer, or of a context.
pub(super) fn at<'a>(json: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(json, |json, name| match json {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    // Dots alone would lead up the path, encoded or not.
    if text.chars().all(|c| c == '.') {
        return encoded;
    }
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
