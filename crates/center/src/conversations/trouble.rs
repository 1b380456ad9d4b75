//! Why something of a conversation can't be done, and how that is answered.

use super::MOST_INTERACTIONS;
use crate::calls;
use http::StatusCode;
use server::Refusal;
use wire::{
    Faults,
    conversation::State,
    ids::{ConversationId, InteractionId},
};

/// When a client may try again that has too many long polls, in seconds.
const RETRY_AFTER_S: u64 = 1;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Faults(#[from] Faults),
    #[error("there is no conversation {0:?}")]
    Unknown(ConversationId),
    #[error("the conversation {0} has no interaction {1:?}")]
    NoInteraction(ConversationId, InteractionId),
    #[error("the conversation {0} exists already, in the state {1}; choose another id")]
    Exists(ConversationId, State),
    #[error("{}", .0.refused(*.1))]
    Transition(State, State),
    #[error("{}: messages are taken in the states active and pending only", .0.refused(State::Active))]
    TakesNone(State),
    #[error(
        "the conversation is ended, which is final: its context does not change any more; begin a new one"
    )]
    Ended,
    #[error("the conversation has version {0} by now, which If-Match does not name; read it again")]
    OtherVersion(u64),
    #[error("the conversation has {MOST_INTERACTIONS} interactions, and takes no more; begin a new one")]
    Full,
    #[error("this Idempotency-Key was used with another body; use a new key")]
    OtherBody,
    #[error("too many long polls wait {0}; wait for those")]
    TooManyPolls(&'static str),
    #[error("too many change the conversation at once; try again")]
    Busy,
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A task of ours ended early.
    #[error("the request was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl Trouble {
    /// As it is answered.
    pub(super) fn refusal(self) -> Refusal {
        let text = self.to_string();
        match self {
            Self::Faults(faults) => Refusal::faults(faults),
            Self::Unknown(_) | Self::NoInteraction(..) => Refusal::new(StatusCode::NOT_FOUND, text),
            Self::Exists(..) | Self::Full | Self::Busy => Refusal::new(StatusCode::CONFLICT, text),
            Self::Transition(..) | Self::TakesNone(_) | Self::Ended => {
                Refusal::new(StatusCode::BAD_REQUEST, text)
            }
            Self::OtherVersion(_) => Refusal::new(StatusCode::PRECONDITION_FAILED, text),
            Self::OtherBody => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, text),
            Self::TooManyPolls(_) => Refusal::new(StatusCode::TOO_MANY_REQUESTS, text)
                .with_header(http::header::RETRY_AFTER, &RETRY_AFTER_S.to_string()),
            Self::Store(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a conversation can't be kept or read"
                );
                calls::store_unavailable()
            }
            Self::BrokenOff(error) => Refusal::internal(&error),
        }
    }
}
