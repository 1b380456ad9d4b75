//! Playback sessions: `/api/v2/media/sessions`, their control, and the events that tell of them (contract section 3).
//!
//! A session is atomic: everything that it says takes effect, or nothing. So both sides read it by the same rules, and a
//! [`NewSession`] that was read has no fault left:
//!
//! ```
//! use wire::playback::NewSession;
//!
//! let faults = NewSession::parse(r#"{
//!     "sessionId": "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b",
//!     "promptId": "prompt-main-menu-en",
//!     "playbackConfig": {
//!         "volumeMatrix": {"baseGain": 0.9, "peakLimit": 0.8, "compressionRatio": 0.05},
//!         "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "fade"},
//!         "codecPreference": "MP3",
//!         "bufferPreload": true,
//!         "formatVerification": true
//!     },
//!     "sessionMetadata": {"createdVia": "example", "timestamp": "2026-11-21T09:30:00.000Z"}
//! }"#).unwrap_err();
//! assert_eq!(faults.as_slice(), [
//!     "playbackConfig.volumeMatrix.peakLimit must be at least baseGain (0.9), not 0.8",
//!     "playbackConfig.volumeMatrix.compressionRatio must be 0.1 to 1.0, not 0.05",
//!     "playbackConfig.codecPreference must be one of G711U, G711A, G729, OPUS, not \"MP3\"",
//! ]);
//! ```

mod analytics;
mod config;
mod conflict;
mod control;
mod destination;
mod event;
mod new_session;
mod session;
#[cfg(test)]
mod tests;
mod volume;

pub use analytics::{AnalyticsEvent, LARGEST_ANALYTICS_EVENT};
pub use config::{
    CodecPreference, Cutoff, Interruptibility, LONGEST_TRIM_MS, PlaybackConfig, SHORTEST_TRIM_MS,
};
pub use conflict::Conflict;
pub use control::{Action, Control, LONGEST_SEEK_MS};
pub use destination::{Destination, RtpAddress, RtpHost, RtpTarget};
pub use event::{EventKind, PlaybackEvent, PlaybackMetrics};
pub use new_session::{LONGEST_CREATED_VIA, MOST_STREAMS, NewSession, SessionMetadata};
pub use session::{Interruption, PlaybackState, Session, SessionFilter, SessionPage, in_ms};
pub use volume::VolumeMatrix;
