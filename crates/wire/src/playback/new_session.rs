//! The directive that starts a session: `POST /api/v2/media/sessions`.

use super::{Destination, PlaybackConfig};
use crate::{
    Faults, UtcTime,
    fault::{self, Object},
    ids::{PromptId, SessionId},
    task::date,
};
use serde::Serialize;
use serde_json::Value;

/// Most streams of a client at a time.
pub const MOST_STREAMS: u32 = 50;
/// The longest `createdVia`, in characters.
pub const LONGEST_CREATED_VIA: usize = 200;

/// Who started a session, and what it is held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionMetadata {
    /// By what means it was started.
    pub created_via: String,
    /// When, by the client's clock, to the millisecond.
    pub timestamp: UtcTime,
    /// How many streams the client wants to have at the most, this one among them: 1 to [`MOST_STREAMS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_streams: Option<u32>,
}

impl SessionMetadata {
    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let created_via = body.filled_text("createdVia", LONGEST_CREATED_VIA, faults);
        let timestamp = date(body, "timestamp", faults);
        let most = body.optional_whole("maxConcurrentStreams", 1..=MOST_STREAMS.into(), faults);
        Some(Self {
            created_via: created_via?.to_owned(),
            timestamp: timestamp?.to_the_millisecond(),
            max_concurrent_streams: most.and_then(|most| u32::try_from(most).ok()),
        })
    }
}

/// The directive.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSession {
    /// The client's own name for the session.
    #[serde(rename = "sessionId")]
    pub session: SessionId,
    /// What is played.
    #[serde(rename = "promptId")]
    pub prompt: PromptId,
    /// How.
    #[serde(rename = "playbackConfig")]
    pub config: PlaybackConfig,
    /// Who wants it.
    #[serde(rename = "sessionMetadata")]
    pub metadata: SessionMetadata,
    /// Where to.
    #[serde(skip_serializing_if = "Destination::is_nowhere")]
    pub destination: Destination,
}

impl NewSession {
    /// Reads the request body; all faults at once.
    pub fn parse(body: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(read)
    }

    /// Reads the directive from an object, wherever it came from.
    pub fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let session = body.parsed("sessionId", faults);
        let prompt = body.parsed("promptId", faults);
        let config = body.object("playbackConfig", faults);
        let config = config.and_then(|config| PlaybackConfig::read(&config, faults));
        let metadata = body.object("sessionMetadata", faults);
        let metadata = metadata.and_then(|metadata| SessionMetadata::read(&metadata, faults));
        let destination = Destination::read(body, faults);
        Some(Self {
            session: session?,
            prompt: prompt?,
            config: config?,
            metadata: metadata?,
            destination: destination?,
        })
    }

    /// What the other side would find wrong with it: fields may have been filled with anything of their types.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::new();
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        let read = Object::top(&value, &mut faults).and_then(|body| Self::read(&body, &mut faults));
        faults.finish(read).map(drop)
    }
}
