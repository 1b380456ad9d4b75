//! Why a well-formed request meets 409: the status is the same for all, so the message says which it is.

use super::PlaybackState;
use crate::ids::SessionId;

/// Words that only the end of a session is told by; the states among them are those of [`PlaybackState::is_over`].
const ENDS: &[&str] = &[
    "over",
    "interrupted",
    "completed",
    "stopped",
    "failed",
    "finished",
    "ended",
];

/// What a request can be in conflict with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// There is a session with the id already.
    SessionExists,
    /// The client has as many streams as it may.
    StreamLimit,
    /// The session is over and takes no directives.
    SessionOver,
}

impl Conflict {
    /// The message for [`Conflict::SessionExists`].
    pub fn session_exists(session: &SessionId) -> String {
        format!("the session {session} exists already; give a new one another id")
    }

    /// The message for [`Conflict::StreamLimit`]; `most` is what this client may have.
    pub fn stream_limit(most: u32) -> String {
        format!("the limit of {most} concurrent streams is reached; stop one, or wait until one is over")
    }

    /// The message for [`Conflict::SessionOver`].
    pub fn session_over(session: &SessionId, state: PlaybackState) -> String {
        format!("the session {session} is over ({state}) and takes no directives")
    }

    /// What a platform's message speaks of, in these or in other words.
    pub fn told_by(message: &str) -> Option<Self> {
        let message = message.to_lowercase();
        let words = || message.split(|sign: char| !sign.is_alphanumeric());
        let speaks_of = |wanted: &[&str]| words().any(|word| wanted.contains(&word));
        // "already 50 concurrent streams" is the limit, "already completed" the end.
        if speaks_of(&["limit", "limits", "concurrent", "many"]) {
            Some(Self::StreamLimit)
        } else if speaks_of(&["exists", "exist", "duplicate", "collision", "taken"]) {
            Some(Self::SessionExists)
        } else if speaks_of(ENDS) {
            Some(Self::SessionOver)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_which_conflict_it_is() {
        let session: SessionId = "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b".parse().unwrap();
        let told_by = |message: String| Conflict::told_by(&message);
        assert_eq!(
            told_by(Conflict::session_exists(&session)),
            Some(Conflict::SessionExists)
        );
        assert_eq!(told_by(Conflict::stream_limit(50)), Some(Conflict::StreamLimit));
        for state in PlaybackState::ALL.iter().filter(|state| state.is_over()) {
            let message = Conflict::session_over(&session, *state);
            assert_eq!(told_by(message), Some(Conflict::SessionOver), "{state}");
        }
        assert_eq!(Conflict::told_by("Duplicate ID"), Some(Conflict::SessionExists));
        assert_eq!(
            Conflict::told_by("already 50 concurrent streams"),
            Some(Conflict::StreamLimit)
        );
        assert_eq!(Conflict::told_by("Conflict"), None);
        assert_eq!(Conflict::told_by("overloaded"), None);
    }
}
