//! A session as it stands: what 201 and `GET /api/v2/media/sessions/{id}` answer.

use super::CodecPreference;
use crate::{
    Digit, Faults, UtcTime,
    ids::{PromptId, SessionId},
    page::Page,
    words::words,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

words! {
    /// Where a session is in its life.
    PlaybackState {
        /// The prompt is prepared.
        Buffering = "buffering",
        /// The prompt is heard.
        Playing = "playing",
        /// It is held, and goes on where it was.
        Paused = "paused",
        /// A key or a voice ended it.
        Interrupted = "interrupted",
        /// It was played to its end.
        Completed = "completed",
        /// A command ended it.
        Stopped = "stopped",
        /// It could not be played on.
        Failed = "failed",
    }
}

impl PlaybackState {
    /// Whether nothing more will be heard.
    pub fn is_over(self) -> bool {
        match self {
            Self::Buffering | Self::Playing | Self::Paused => false,
            Self::Interrupted | Self::Completed | Self::Stopped | Self::Failed => true,
        }
    }
}

/// What interrupted a session. Places in it are milliseconds of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Interruption {
    /// A key.
    Dtmf {
        /// Which; absent when the platform keeps it to itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digit: Option<Digit>,
        /// When it was noticed.
        at_ms: u64,
    },
    /// A voice.
    Voice {
        /// When it was noticed.
        at_ms: u64,
    },
}

/// A session. The contract promises its id, its state and the three measured values; what a platform leaves out besides is
/// absent, empty or 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The id that its client gave it.
    pub id: SessionId,
    /// What is played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<PromptId>,
    /// Where it is.
    pub playback_state: PlaybackState,
    /// Whether the prepared prompt was checked, and is what was asked for.
    pub format_verified: bool,
    /// Whether the whole prompt was ready before its first frame was.
    pub buffer_preloaded: bool,
    /// From the receipt of the directive to the first frame that was ready, in milliseconds; see [`in_ms`].
    pub latency_ms: f64,
    /// Where in the prompt it is.
    #[serde(default)]
    pub position_ms: u64,
    /// How long the prompt is.
    #[serde(default)]
    pub duration_ms: u64,
    /// How many frames of 20 ms were sent.
    #[serde(default)]
    pub frames_sent: u64,
    /// How much was really played, repeated parts included.
    #[serde(default)]
    pub played_ms: u64,
    /// How many frames were not ready when they were due.
    #[serde(default)]
    pub underruns: u64,
    /// What interrupted it, if anything did.
    #[serde(default)]
    pub interruption: Option<Interruption>,
    /// Why it failed, if it did.
    #[serde(default)]
    pub failure: Option<String>,
    /// What is on the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecPreference>,
    /// When the directive was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<UtcTime>,
    /// Its path.
    #[serde(default)]
    pub self_uri: String,
}

/// A page of sessions.
pub type SessionPage = Page<Session>;

/// A span as the contract writes measured ones: milliseconds with at most three decimals.
pub fn in_ms(span: Duration) -> f64 {
    span.as_micros() as f64 / 1000.0
}

words! {
    /// Which sessions are listed.
    SessionFilter {
        /// Those that are not over.
        Active = "active",
        /// Those that are.
        Over = "finished",
        /// All.
        All = "all",
    }
}

impl SessionFilter {
    /// Reads the query parameter `status`; all sessions when it is absent or empty.
    pub fn parse(status: Option<&str>, faults: &mut Faults) -> Self {
        let status = status
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(|error| format!("status {error}")));
        match status {
            Some(read) => faults.keep(read).unwrap_or(Self::All),
            None => Self::All,
        }
    }

    /// Whether sessions in this state are listed.
    pub fn includes(self, state: PlaybackState) -> bool {
        match self {
            Self::Active => !state.is_over(),
            Self::Over => state.is_over(),
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: &str = "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b";

    #[test]
    fn four_states_are_the_end() {
        let over = PlaybackState::ALL.iter().filter(|state| state.is_over());
        let words: Vec<&str> = over.map(|state| state.as_str()).collect();
        assert_eq!(words, ["interrupted", "completed", "stopped", "failed"]);
        assert_eq!(PlaybackState::ALL.len(), 7);
    }

    #[test]
    fn a_session_is_read_as_it_is_written() {
        for interruption in [
            json!(null),
            json!({"cause": "voice", "atMs": 1200}),
            json!({"cause": "dtmf", "digit": "#", "atMs": 0}),
        ] {
            let text = json!({"id": ID, "promptId": "p", "playbackState": "interrupted", "formatVerified": true,
                "bufferPreloaded": false, "latencyMs": 0.417, "positionMs": 1200, "durationMs": 4000,
                "framesSent": 60, "playedMs": 1200, "underruns": 1, "interruption": interruption,
                "failure": null, "codec": "OPUS", "createdAt": "2026-11-21T09:30:00.000Z",
                "selfUri": format!("/api/v2/media/sessions/{ID}")});
            let session: Session = serde_json::from_value(text.clone()).unwrap();
            assert_eq!(serde_json::to_value(&session).unwrap(), text);
        }
    }

    #[test]
    fn what_the_contract_promises_is_enough() {
        let text = json!({"id": ID, "playbackState": "buffering", "formatVerified": true, "bufferPreloaded": true,
            "latencyMs": 3, "extra": {}});
        let session: Session = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(
            (session.latency_ms, session.prompt_id, session.interruption),
            (3.0, None, None)
        );
        for field in [
            "id",
            "playbackState",
            "formatVerified",
            "bufferPreloaded",
            "latencyMs",
        ] {
            let mut less = text.clone();
            less[field] = Value::Null;
            assert!(serde_json::from_value::<Session>(less).is_err(), "{field}");
        }
        let mut other = text;
        other["playbackState"] = "done".into();
        assert!(serde_json::from_value::<Session>(other).is_err());
    }

    #[test]
    fn spans_have_three_decimals() {
        assert_eq!(in_ms(Duration::from_nanos(1_234_567)).to_string(), "1.234");
        assert_eq!(in_ms(Duration::from_micros(10)).to_string(), "0.01");
        assert_eq!(in_ms(Duration::ZERO).to_string(), "0");
    }

    #[test]
    fn the_filter_is_a_word_or_absent() {
        let mut faults = Faults::new();
        let mut parse = |status| SessionFilter::parse(status, &mut faults);
        let read = [None, Some(""), Some("all"), Some("active"), Some("finished")].map(&mut parse);
        use SessionFilter::{Active, All, Over};
        assert_eq!(read, [All, All, All, Active, Over]);
        parse(Some("Active"));
        assert_eq!(
            faults.as_slice(),
            ["status must be one of active, finished, all, not \"Active\""]
        );
        for state in PlaybackState::ALL {
            let includes = [All, Active, Over].map(|filter| filter.includes(*state));
            assert_eq!(includes, [true, !state.is_over(), state.is_over()]);
        }
    }
}
