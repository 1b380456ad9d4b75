//! The webhook that follows each control event: `IVR_PLAYBACK_CONTROL`.

use super::{PlaybackState, Session};
use crate::{UtcTime, ids::SessionId, words::words};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

words! {
    /// What kind of event it is; there is one.
    EventKind {
        /// A session was told something, or came to its end.
        PlaybackControl = "IVR_PLAYBACK_CONTROL",
    }
}

/// What a session was like after a control event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaybackEvent {
    /// What kind of event it is.
    pub event_type: EventKind,
    /// The session.
    pub session_id: SessionId,
    /// When.
    pub timestamp: UtcTime,
    /// What it was like.
    pub metrics: PlaybackMetrics,
}

/// The measured values of a session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaybackMetrics {
    /// From the receipt of the directive to the first frame that was ready, in milliseconds.
    pub latency_ms: f64,
    /// Whether the prepared prompt was checked, and is what was asked for.
    pub format_verified: bool,
    /// Whether the whole prompt was ready before its first frame was.
    pub buffer_preloaded: bool,
    /// Where the session was.
    pub playback_state: PlaybackState,
}

impl PlaybackEvent {
    /// What a session is like at this time.
    pub fn of(session: &Session, at: UtcTime) -> Self {
        Self {
            event_type: EventKind::PlaybackControl,
            session_id: session.id.clone(),
            timestamp: at,
            metrics: PlaybackMetrics {
                latency_ms: session.latency_ms,
                format_verified: session.format_verified,
                buffer_preloaded: session.buffer_preloaded,
                playback_state: session.playback_state,
            },
        }
    }

    /// As JSON.
    pub(super) fn fields(&self) -> Map<String, serde_json::Value> {
        let metrics = &self.metrics;
        [
            ("eventType", json!(self.event_type)),
            ("sessionId", json!(self.session_id)),
            ("timestamp", json!(self.timestamp)),
            (
                "metrics",
                json!({"latencyMs": metrics.latency_ms, "formatVerified": metrics.format_verified,
                    "bufferPreloaded": metrics.buffer_preloaded, "playbackState": metrics.playback_state}),
            ),
        ]
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect()
    }
}
