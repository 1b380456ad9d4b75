//! What a run hears of the conversation.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::conversation::{Button, State};

/// An answer of the bot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// Its id: the same id again is the same answer again.
    pub id: String,
    /// Its place in the conversation.
    pub sequence: u64,
    /// The message that it answers, if the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// What it says.
    pub text: String,
    /// What can be pressed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// What the bot understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// How sure it is of that, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The steps that it walked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

/// The conversation as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its state.
    pub state: State,
    /// Whether it was resolved.
    pub resolved: bool,
    /// Whether it was handed over to people.
    pub escalated: bool,
    /// The bytes of its context's JSON.
    pub context_bytes: usize,
    /// Its context.
    pub context: Value,
}

/// How the conversation stood after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Whether it was resolved.
    pub resolved: bool,
    /// Whether it was handed over to people.
    pub escalated: bool,
    /// The bytes of its context's JSON.
    pub context_bytes: usize,
}

impl View {
    /// In short.
    pub fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            resolved: self.resolved,
            escalated: self.escalated,
            context_bytes: self.context_bytes,
        }
    }

    /// The value of the context at `path`, such as `botSession.order` or `metadata.tags.0`.
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.')
            .try_fold(&self.context, |value, step| match value {
                Value::Object(fields) => fields.get(step),
                Value::Array(items) => items.get(step.parse::<usize>().ok()?),
                _ => None,
            })
    }

    /// What the bot remembers under `name`.
    pub fn slot(&self, name: &str) -> Option<&Value> {
        let session = self.context.get("botSession")?;
        let slots = session.get("slots").and_then(|slots| slots.get(name));
        slots.or_else(|| session.get(name))
    }
}
