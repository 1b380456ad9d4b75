//! The call-control WebSocket (contract section 4): the first frame, commands, and events.

mod command;
mod event;
mod hello;
mod words;

pub use command::{AudioSource, BadCommand, Command, CommandFrame, Play};
pub use event::{Event, Session};
pub use hello::Hello;
pub use words::{Capability, Codec, FinishReason, HangupCause, RecordState};

use crate::{Faults, limits::MAX_CONTROL_FRAME_BYTES};

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
mod tests;
