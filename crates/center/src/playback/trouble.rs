//! Why something of playback can't be done, and how that is answered.

use super::{address, book::NoSeat, cache::CacheError, engine::Overloaded, source::NoSource};
use crate::calls;
use audio::Law;
use flow::call::NotInset;
use http::StatusCode;
use server::Refusal;
use std::io;
use wire::{
    Faults,
    ids::SessionId,
    playback::{CodecPreference, Conflict, PlaybackState},
};

/// When a client may try again, in seconds.
const RETRY_AFTER_S: u64 = 1;

#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Faults(#[from] Faults),
    #[error(transparent)]
    NoSource(NoSource),
    #[error("there is no session {0}")]
    Unknown(SessionId),
    #[error("{}", no_seat(.0, *.1))]
    NoSeat(SessionId, NoSeat),
    #[error("{}", Conflict::session_over(.0, *.1))]
    Over(SessionId, PlaybackState),
    #[error(transparent)]
    Unprepared(#[from] CacheError),
    /// There is no socket to be had.
    #[error("the center can't open a socket for the stream: {0}")]
    Socket(#[source] io::Error),
    /// The call takes it not.
    #[error("destination.callId: {0}")]
    NotInset(#[from] NotInset),
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

impl From<NoSource> for Trouble {
    fn from(no_source: NoSource) -> Self {
        match no_source {
            NoSource::Faults(faults) => Self::Faults(faults),
            other => Self::NoSource(other),
        }
    }
}

fn no_seat(id: &SessionId, no_seat: NoSeat) -> String {
    match no_seat {
        NoSeat::Exists => Conflict::session_exists(id),
        NoSeat::Limit(most) => Conflict::stream_limit(most),
    }
}

impl Trouble {
    /// As it is answered.
    pub(super) fn refusal(self) -> Refusal {
        let message = self.to_string();
        match self {
            Self::Faults(faults) => Refusal::faults(faults),
            Self::NoSource(NoSource::Store(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a prompt can't be looked up");
                calls::store_unavailable()
            }
            Self::NotInset(NotInset::Law(law)) => {
                let codec = match law {
                    Law::Mu => CodecPreference::G711U,
                    Law::A => CodecPreference::G711A,
                };
                Refusal::faults(Faults::one(format!(
                    "playbackConfig.codecPreference must be {codec}, the codec of the call"
                )))
            }
            Self::NotInset(NotInset::NotThere) => Refusal::new(StatusCode::NOT_FOUND, message),
            Self::NotInset(NotInset::Busy) => Refusal::new(StatusCode::CONFLICT, message),
            Self::NoSource(_) | Self::Unknown(_) => Refusal::new(StatusCode::NOT_FOUND, message),
            Self::NoSeat(..) | Self::Over(..) => Refusal::new(StatusCode::CONFLICT, message),
            Self::Unprepared(CacheError::Unprepared(error)) => Refusal::faults(Faults::one(format!(
                "promptId: the prompt can't be played: {error}"
            ))),
            Self::Unprepared(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a prompt can't be made ready");
                Refusal::unavailable(&message, RETRY_AFTER_S)
            }
            Self::Socket(error) if address::is_exhausted(&error) => Refusal::unavailable(
                "the center has no more sockets; stop a session, or raise the limit of open files (ulimit -n)",
                RETRY_AFTER_S,
            ),
            Self::Socket(error) => Refusal::faults(Faults::one(format!(
                "destination.rtpUrl can't be reached: {error}"
            ))),
            Self::Overloaded(_) => Refusal::unavailable(&message, RETRY_AFTER_S),
        }
    }
}
