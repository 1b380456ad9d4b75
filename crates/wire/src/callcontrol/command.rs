//! Commands: what a controller asks for.

use super::words::{Capability, RecordState, words_in};
use crate::{
    Digit, Faults, KeySet,
    fault::{self, Object},
    ids::{CallId, CommandId, PromptId, TransferTarget},
};
use serde_json::json;
use std::{fmt, str::FromStr};

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
