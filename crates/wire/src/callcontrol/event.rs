//! Events: what the center tells.

use super::words::{Codec, FinishReason, HangupCause, RecordState};
use crate::{
    Digit, UtcTime,
    ids::{CallId, CommandId, ExternalId, PhoneNumber, TransferTarget},
};
use serde::{Deserialize, Serialize};

/// What the center tells a controller of its call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Event {
    /// The controller has the call. The first event of a connection.
    Connected {
        /// The call.
        call_control_id: CallId,
        /// What is known of it.
        session: Session,
    },
    /// The first frame of a prompt goes to the caller.
    PlaybackStarted {
        /// The command that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_id: Option<CommandId>,
        /// What plays, as the command named it.
        audio: String,
    },
    /// A prompt ended, or will not be played at all.
    PlaybackFinished {
        /// The command that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_id: Option<CommandId>,
        /// What played, as the command named it.
        audio: String,
        /// Why it ended.
        reason: FinishReason,
        /// How much of it the caller really heard.
        #[serde(default)]
        played_ms: u64,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A key was released, or is held for a second already. Sent once per press.
    Dtmf {
        /// The key.
        digit: Digit,
        /// How long it was held.
        duration_ms: u64,
    },
    /// 20 ms of the caller's voice.
    Media {
        /// G.711 in the session's codec, base64.
        payload: String,
        /// Counts from 0 without gaps.
        sequence: u64,
        /// Since the call was answered.
        timestamp_ms: u64,
    },
    /// The call was handed on; the connection closes.
    Transferred {
        /// The command that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_id: Option<CommandId>,
        /// Where it went.
        target: TransferTarget,
    },
    /// Recording was turned on or off.
    Recorded {
        /// The command that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_id: Option<CommandId>,
        /// On or off.
        state: RecordState,
        /// Where the recording can be fetched (admin token needed).
        uri: String,
    },
    /// The call ended; the connection closes.
    Hangup {
        /// The command that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_id: Option<CommandId>,
        /// Why.
        cause: HangupCause,
    },
    /// A command was refused, or the connection is about to be closed.
    Error {
        /// The refused command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_id: Option<CommandId>,
        /// A sentence for people.
        message: String,
        /// One sentence per fault.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        errors: Vec<String>,
    },
}

/// What `connected` says of the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The caller's number.
    pub ani: PhoneNumber,
    /// The number called.
    pub dnis: PhoneNumber,
    /// The G.711 law.
    pub codec: Codec,
    /// When the call was answered.
    pub started_at: UtcTime,
    /// The caller's id in the CRM, where the network knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
}
