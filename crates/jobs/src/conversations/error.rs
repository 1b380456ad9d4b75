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
    /// The conversation was not made as far as is known, but an attempt to make it had no answer.
    #[error("{0}; it may have been made all the same")]
    MaybeMade(Error),
    /// The same, because nobody waited any longer.
    #[error("there was no answer within {} s; it may have been made all the same", .0.as_secs())]
    Unanswered(Duration),
    /// Nobody knows whether there is a conversation.
    #[error("whether it was made is not known: the platform has not shown it within {} s; look for it later", .0.as_secs())]
    Unknown(Duration),
    /// The conversation could not be closed in time.
    #[error("it could not be closed within {} s and may still be open; close it, or see whether the platform is well", .0.as_secs())]
    NotClosed(Duration),
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
        let kind = match is_over {
            true => RefusalKind::Over,
            false if self.may_be_made() => RefusalKind::Unsure,
            false => RefusalKind::NotDone,
        };
        Refusal {
            kind,
            reason: self.to_string(),
        }
    }

    /// Whether a conversation may be there that nobody answers for.
    pub(super) fn may_be_made(&self) -> bool {
        matches!(self, Self::MaybeMade(_) | Self::Unanswered(_))
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
