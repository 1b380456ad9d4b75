//! The call-control WebSocket (contract section 4): the first frame, commands, and events.

use crate::{
    Digit, Faults, KeySet, UtcTime,
    fault::{self, Object},
    ids::{CallId, CommandId, ExternalId, PhoneNumber, PromptId, TransferTarget},
    limits::MAX_CONTROL_FRAME_BYTES,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt, str::FromStr};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$item])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    other => Err(format!("must be one of {}, not {:?}", [$($text),*].join(", "), fault::shorten(other))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a controller declares in its first frame; commands outside are refused.
    Capability {
        /// May play and stop prompts.
        Play = "play",
        /// Is told of keys.
        Dtmf = "dtmf",
        /// May transfer the call.
        Transfer = "transfer",
        /// May end the call.
        Hangup = "hangup",
        /// May record the call.
        Record = "record",
        /// Gets the caller's audio as `media` events.
        Media = "media",
    }
}

words! {
    /// Why a playback ended.
    FinishReason {
        /// It was heard to its end.
        Completed = "completed",
        /// A key cut it off.
        Interrupted = "interrupted",
        /// A command, a transfer or the end of the call cut it off.
        Stopped = "stopped",
        /// It could not be played.
        Failed = "failed",
    }
}

words! {
    /// Turns recording on or off.
    RecordState {
        /// Record from now on.
        Start = "start",
        /// Stop recording.
        Stop = "stop",
    }
}

words! {
    /// The G.711 law of a call.
    Codec {
        /// mu-law (RTP payload type 0).
        Pcmu = "PCMU",
        /// A-law (RTP payload type 8).
        Pcma = "PCMA",
    }
}

words! {
    /// Why a call ended.
    HangupCause {
        /// The caller hung up.
        Caller = "caller_hangup",
        /// The controller hung up.
        Controller = "controller_hangup",
        /// The transferred call came to its end.
        Completed = "completed",
        /// Nobody took control of the ringing call.
        NoAnswer = "no_answer",
        /// The call was longer than the center allows.
        TooLong = "max_duration",
        /// The center was shut down.
        Shutdown = "center_shutdown",
    }
}

/// The first frame of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The call to control.
    pub call: CallId,
    /// What the controller will use.
    pub capabilities: BTreeSet<Capability>,
}

impl Hello {
    /// Reads the first frame.
    pub fn parse(frame: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(frame, &mut faults);
        let hello = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(hello)
    }

    fn read(frame: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let call = frame.parsed("callControlId", faults);
        if let Some(media) = frame.optional_text("media", faults)
            && media != "audio"
        {
            faults.push(format!(
                "media must be \"audio\", not {:?}",
                fault::shorten(media)
            ));
        }
        if !frame.has("capabilities") {
            faults.push("capabilities is missing");
        }
        let capabilities = words_in(frame, "capabilities", faults).unwrap_or_default();
        Some(Self {
            call: call?,
            capabilities,
        })
    }

    /// The frame as text.
    pub fn to_json(&self) -> String {
        json!({"callControlId": self.call, "media": "audio", "capabilities": self.capabilities}).to_string()
    }
}

fn words_in<T: FromStr<Err: fmt::Display>, C: FromIterator<T>>(
    object: &Object<'_>,
    field: &str,
    faults: &mut Faults,
) -> Option<C> {
    let items = object.optional_list(field, faults)?;
    let parse = |(at, item): (usize, &Value)| {
        let name = format!("{}[{at}]", object.name(field));
        match item.as_str() {
            Some(text) => faults.keep(text.parse().map_err(|error| format!("{name} {error}"))),
            None => {
                faults.push(format!("{name} must be a text, not {}", fault::kind(item)));
                None
            }
        }
    };
    Some(items.iter().enumerate().filter_map(parse).collect())
}

/// What to play.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AudioSource {
    /// A prompt of the center's library.
    Prompt(PromptId),
    /// An http or https address, fetched when its turn comes.
    Url(String),
}

impl FromStr for AudioSource {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_url = ["http://", "https://"].iter().any(|scheme| {
            text.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        match text {
            _ if is_url && text.len() > 2048 => Err("must be at most 2048 bytes long".into()),
            _ if is_url => Ok(Self::Url(text.to_owned())),
            _ if text.contains("://") => Err("must be a prompt id, or an http or https URL".into()),
            _ => text
                .parse()
                .map(Self::Prompt)
                .map_err(|error: crate::ids::IdError| error.to_string()),
        }
    }
}

impl fmt::Display for AudioSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt(id) => id.fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// `play`: one more prompt for the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// What to play.
    pub audio: AudioSource,
    /// The keys that cut it off; empty when it can't be cut off.
    pub barge_in: KeySet,
}

/// What a controller can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Play after what is queued already.
    Play(Play),
    /// Stop what plays and forget what is queued.
    Stop,
    /// Hand the call on; what plays is cut off.
    Transfer(TransferTarget),
    /// End the call.
    Hangup,
    /// Start or stop recording.
    Record(RecordState),
}

impl Command {
    /// The capability that the command needs.
    pub fn needs(&self) -> Capability {
        match self {
            Self::Play(_) | Self::Stop => Capability::Play,
            Self::Transfer(_) => Capability::Transfer,
            Self::Hangup => Capability::Hangup,
            Self::Record(_) => Capability::Record,
        }
    }
}

/// A command with its name, as a frame holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandFrame {
    /// Echoed in the events that the command causes.
    pub command_id: Option<CommandId>,
    /// What to do.
    pub command: Command,
}

/// A frame that is no command, and the id under which the sender knows it, if that much could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{faults}")]
pub struct BadCommand {
    /// The sender's name for the command.
    pub command_id: Option<CommandId>,
    /// All that is wrong.
    pub faults: Faults,
}

impl CommandFrame {
    /// Reads a command frame for the call `call`; unknown fields are ignored.
    pub fn parse(frame: &str, call: &CallId) -> Result<Self, BadCommand> {
        let mut faults = Faults::new();
        let mut command_id = None;
        let command = fault::json(frame, &mut faults).and_then(|value| {
            let object = Object::top(&value, &mut faults)?;
            command_id = object.optional_parsed("commandId", &mut faults);
            read_command(&object, call, &mut faults)
        });
        match faults.finish(command) {
            Ok(command) => Ok(Self { command_id, command }),
            Err(faults) => Err(BadCommand { command_id, faults }),
        }
    }

    /// The frame as text.
    pub fn to_json(&self, call: &CallId) -> String {
        let mut frame = match &self.command {
            Command::Play(play) => {
                let keys: Vec<Digit> = play.barge_in.iter().collect();
                let interruptible = !keys.is_empty();
                json!({"action": "play", "audio": play.audio.to_string(), "interruptible": interruptible,
                       "dtmf": {"enabled": interruptible, "keys": keys}})
            }
            Command::Stop => json!({"action": "stop"}),
            Command::Transfer(target) => json!({"action": "transfer", "target": target, "type": "number"}),
            Command::Hangup => json!({"action": "hangup"}),
            Command::Record(state) => json!({"action": "record", "state": state}),
        };
        frame["callControlId"] = json!(call);
        if let Some(id) = &self.command_id {
            frame["commandId"] = json!(id);
        }
        frame.to_string()
    }
}

fn read_command(frame: &Object<'_>, call: &CallId, faults: &mut Faults) -> Option<Command> {
    if let Some(named) = frame.optional_text("callControlId", faults)
        && named != call.as_str()
    {
        faults.push(format!(
            "callControlId must be {call:?}, the call of this connection"
        ));
    }
    match frame.text("action", faults)? {
        "play" => read_play(frame, faults).map(Command::Play),
        "stop" => Some(Command::Stop),
        "transfer" => {
            if let Some(kind) = frame.optional_text("type", faults)
                && kind != "number"
            {
                faults.push(format!("type must be \"number\", not {:?}", fault::shorten(kind)));
            }
            frame.parsed("target", faults).map(Command::Transfer)
        }
        "hangup" => Some(Command::Hangup),
        "record" => frame.parsed("state", faults).map(Command::Record),
        other => {
            let other = fault::shorten(other);
            faults.push(format!(
                "action must be one of play, stop, transfer, hangup, record, not {other:?}"
            ));
            None
        }
    }
}

fn read_play(frame: &Object<'_>, faults: &mut Faults) -> Option<Play> {
    let audio = frame.parsed("audio", faults);
    let dtmf = frame
        .get("dtmf")
        .and_then(|value| Object::at(value, &frame.name("dtmf"), faults));
    let keys = dtmf.map(|dtmf| {
        let keys = words_in(&dtmf, "keys", faults);
        let enabled = dtmf.optional_bool("enabled", faults).unwrap_or(true);
        if enabled {
            keys.unwrap_or(KeySet::ALL)
        } else {
            KeySet::NONE
        }
    });
    let interruptible = frame.optional_bool("interruptible", faults);
    let barge_in = match (interruptible, keys) {
        (Some(false), _) => KeySet::NONE,
        (Some(true), None) => KeySet::ALL,
        (_, keys) => keys.unwrap_or(KeySet::NONE),
    };
    Some(Play {
        audio: audio?,
        barge_in,
    })
}

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

/// Refuses a frame that is too large before it is parsed.
pub fn check_frame_size(bytes: usize) -> Result<(), Faults> {
    if bytes <= MAX_CONTROL_FRAME_BYTES {
        return Ok(());
    }
    Err(Faults::one(format!(
        "a frame must be at most {MAX_CONTROL_FRAME_BYTES} bytes long, not {bytes}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call() -> CallId {
        "call-1".parse().unwrap()
    }

    fn command(frame: &str) -> Command {
        CommandFrame::parse(frame, &call()).unwrap().command
    }

    fn faults(frame: &str) -> Vec<String> {
        CommandFrame::parse(frame, &call()).unwrap_err().faults.into_vec()
    }

    #[test]
    fn the_contracts_own_frames_are_read() {
        let hello = r#"{"callControlId":"call-1","media":"audio","capabilities":["play","dtmf","transfer","hangup"]}"#;
        let hello = Hello::parse(hello).unwrap();
        assert_eq!(hello.capabilities.len(), 4);
        assert_eq!(Hello::parse(&hello.to_json()).unwrap(), hello);

        let play = r#"{"callControlId":"call-1","action":"play","audio":"hi","dtmf":{"enabled":true,"keys":["1","2"]}}"#;
        let Command::Play(play) = command(play) else {
            panic!("not a play")
        };
        assert_eq!(play.barge_in.iter().map(Digit::sign).collect::<String>(), "12");
        let transfer = r#"{"action":"transfer","target":"ext:transfer_premium","type":"number"}"#;
        assert_eq!(
            command(transfer),
            Command::Transfer("ext:transfer_premium".parse().unwrap())
        );
        assert_eq!(
            command(r#"{"action":"record","state":"start"}"#),
            Command::Record(RecordState::Start)
        );
    }

    #[test]
    fn who_may_interrupt_follows_from_dtmf_and_interruptible() {
        let keys = |rest: &str| match command(&format!(r#"{{"action":"play","audio":"hi"{rest}}}"#)) {
            Command::Play(play) => play.barge_in,
            other => panic!("{other:?}"),
        };
        assert_eq!(keys(""), KeySet::NONE);
        assert_eq!(keys(r#","interruptible":true"#), KeySet::ALL);
        assert_eq!(keys(r#","dtmf":{"enabled":true}"#), KeySet::ALL);
        assert_eq!(keys(r#","dtmf":{"enabled":false,"keys":["1"]}"#), KeySet::NONE);
        assert_eq!(keys(r#","dtmf":{"enabled":true,"keys":[]}"#), KeySet::NONE);
        assert_eq!(
            keys(r#","dtmf":{"keys":["1"]},"interruptible":false"#),
            KeySet::NONE
        );
    }

    #[test]
    fn every_fault_of_a_frame_is_named() {
        assert_eq!(
            faults(
                r#"{"callControlId":"other","action":"play","audio":7,"dtmf":{"enabled":1,"keys":["x",3]}}"#
            ),
            [
                "callControlId must be \"call-1\", the call of this connection",
                "audio must be a text, not the number 7",
                "dtmf.keys[0] must be one of 0-9 * # A-D, not \"x\"",
                "dtmf.keys[1] must be a text, not the number 3",
                "dtmf.enabled must be true or false, not the number 1",
            ]
        );
        assert_eq!(faults("[]"), ["the body must be a JSON object, not a list"]);
        assert_eq!(faults("{}"), ["action is missing"]);
        assert_eq!(
            faults(r#"{"action":"play","audio":"file:///etc/passwd"}"#),
            ["audio must be a prompt id, or an http or https URL"]
        );
        let bad = CommandFrame::parse(r#"{"commandId":"c7","action":"dance"}"#, &call()).unwrap_err();
        assert_eq!(bad.command_id.unwrap().as_str(), "c7");
    }

    fn any_command() -> impl Strategy<Value = Command> {
        let keys = any::<u16>().prop_map(|bits| {
            Digit::all()
                .filter(|digit| bits & (1 << digit.event_code()) != 0)
                .collect()
        });
        let audio = prop_oneof!["[a-z-]{1,20}", "https://[a-z]{1,20}/[a-z]{0,20}\\.wav"];
        prop_oneof![
            (audio, keys).prop_map(|(audio, barge_in)| Command::Play(Play {
                audio: audio.parse().unwrap(),
                barge_in
            })),
            Just(Command::Stop),
            Just(Command::Hangup),
            "ext:[a-z_]{1,20}".prop_map(|target| Command::Transfer(target.parse().unwrap())),
            Just(Command::Record(RecordState::Stop)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(command in any_command(), id in proptest::option::of("[a-z]{1,9}")) {
            let frame = CommandFrame { command_id: id.map(|id| id.parse().unwrap()), command };
            prop_assert_eq!(CommandFrame::parse(&frame.to_json(&call()), &call()).unwrap(), frame);
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,200}") {
            let _ = CommandFrame::parse(&text, &call());
            let _ = Hello::parse(&text);
        }
    }
}
