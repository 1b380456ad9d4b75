//! Who answers in a conversation.

use super::kept::Errand;
use flow::bot::{Act, CallOutcome};
use std::sync::Arc;

/// The bot of a conversation.
#[derive(Debug, Clone, Default)]
pub(crate) enum Bot {
    /// Nobody answers but people.
    #[default]
    None,
    /// A bot of a file.
    File {
        bot: Arc<flow::bot::Bot>,
        /// With a conversation's id, it makes the seed of its dialogue.
        seed: u64,
        /// How long the bot seems to type before each answer at the least, in milliseconds.
        typing_ms: u64,
    },
    /// A bot of somebody else, which is told of messages and asked for answers ([`Errand`]).
    Webhook {
        /// What is said when there is no answer that could be used.
        fallback: Arc<str>,
        /// How long it seems to type before each answer at the least, in milliseconds.
        typing_ms: u64,
    },
}

impl Bot {
    /// How long it seems to type before each answer at the least, in milliseconds.
    pub(super) fn typing_ms(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::File { typing_ms, .. } | Self::Webhook { typing_ms, .. } => *typing_ms,
        }
    }
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Of a dialogue's call-out.
    Called(CallOutcome),
    /// What a webhook bot does.
    Acts(Vec<Act>),
}

/// An errand, and what is told with it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) conversation: wire::ids::ConversationId,
    pub(crate) bot_id: String,
    /// The conversation's context, with what the bot has set.
    pub(crate) context: serde_json::Value,
    pub(crate) errand: Errand,
}
