//! Why a conversation does not go on.

use client::Error;
use flow::scenario::{Refusal, RefusalKind};
use std::time::Duration;
use wire::conversation::{ContextTooLarge, State};

/// What a platform says when the state of a conversation does not allow something (contract section 5).
const INVALID_TRANSITION: &str = "Invalid state transition";

/// Why something could not be done in a conversation. The texts end with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// The platform refuses, or can't be asked.
    #[error(transparent)]
    Platform(#[from] Error),
    /// The platform does not know the conversation.
    #[error("the platform does not know the conversation any more; begin a new one")]
    Gone,
    /// The state can't become that one.
    #[error("{}; nothing was sent", .from.refused(*.to))]
    Transition {
        /// What it is.
        from: State,
        /// What it was to become.
        to: State,
    },
    /// The context is too large, and nothing more of it can be left out.
    #[error("{0}, or pin fewer of them")]
    Context(#[from] ContextTooLarge),
    /// Others change the conversation all the time.
    #[error("somebody else changed the conversation at the same time, {0} times in a row; try again")]
    Contended(u32),
    /// Waiting would take too long.
    #[error(
        "waiting {} s takes too long here, at most {} s are waited in earnest; run it on a centre, whose time can be moved on", .asked.as_secs(),
        .most.as_secs()
    )]
    TooLong {
        /// What was asked for.
        asked: Duration,
        /// What is waited at the most.
        most: Duration,
    },
    /// An id or another value can't be sent.
    #[error("{0}")]
    Unsendable(String),
}

impl TalkError {
    /// What this is to a scenario.
    pub(super) fn refusal(&self) -> Refusal {
        let is_over = match self {
            Self::Gone | Self::Transition { .. } => true,
            Self::Platform(Error::Refused(refusal)) => {
                refusal.status == 400 && refusal.message.contains(INVALID_TRANSITION)
            }
            _ => false,
        };
        Refusal {
            kind: if is_over {
                RefusalKind::Over
            } else {
                RefusalKind::NotDone
            },
            reason: self.to_string(),
        }
    }

    /// When to come again, if the platform is only too busy.
    pub(super) fn busy(&self) -> Option<Duration> {
        match self {
            Self::Platform(error) if error.status() == Some(429) => Some(
                error
                    .retry_after()
                    .unwrap_or_default()
                    .max(Duration::from_secs(1)),
            ),
            _ => None,
        }
    }
}
