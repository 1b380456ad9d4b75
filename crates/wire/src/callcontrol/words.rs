//! The enumerations of section 4, with the word of each on the wire.

use crate::{
    Faults,
    fault::{self, Object},
    words::words,
};
use serde_json::Value;
use std::{fmt, str::FromStr};

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
        /// The center was killed in mid-call; found out when it started again, so no controller is ever told.
        CenterRestart = "center_restart",
    }
}

/// The words of a list; each one that is none is a fault.
pub(super) fn words_in<T: FromStr<Err: fmt::Display>, C: FromIterator<T>>(
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
