//! What a bot does.

use super::call::CallRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::conversation::Button;

/// One thing that a bot does, in the order in which it is to happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum Act {
    /// A message to the customer.
    Say {
        /// What it says; never empty, at most [`MAX_SAID`](super::MAX_SAID) characters.
        text: String,
        /// Quick replies.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<Button>,
        /// How long the bot seems to type before it, in milliseconds.
        pause_ms: u64,
    },
    /// A request to another server; its outcome goes to [`Dialogue::called`](super::Dialogue::called).
    Call {
        /// The step it belongs to.
        name: String,
        /// Counts the call-outs of a dialogue, from 1.
        number: u64,
        /// What is asked.
        request: CallRequest,
    },
    /// A slot has a value; `null` when it has none any more.
    Set {
        /// The slot.
        slot: String,
        /// Its value.
        value: Value,
    },
    /// A human takes over: the bot says nothing more.
    Escalate {
        /// Why.
        reason: String,
    },
    /// The customer's question is resolved.
    Resolve,
    /// It is not resolved, though it was said to be.
    Unresolve,
    /// The conversation is over.
    Close,
}

impl Act {
    /// The text, if it is a message.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Say { text, .. } => Some(text),
            _ => None,
        }
    }
}
