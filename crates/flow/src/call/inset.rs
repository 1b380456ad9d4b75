//! Something that is heard in a call in the place of its own prompts: a playback session.
//!
//! The call's prompts wait meanwhile and go on at the same frame. Keys go to what is heard; the controller is told of each once, when it is
//! up, and when that ends its phrase first, after the phrase.

use crate::playback::Heard;
use audio::{Frame, Law};
use std::fmt;
use wire::{Digit, KeySet, callcontrol::FinishReason, ids::ClientId};

/// Most keys that wait for the end of a phrase; what is more is told at once.
pub(super) const MOST_HELD_KEYS: usize = 64;

/// What takes the place of a call's prompts. It is asked for 20 ms at a time.
pub trait Inset: fmt::Debug + Send {
    /// Whose it is: the call must be that client's.
    fn client(&self) -> &ClientId;
    /// The law of its frames; `None` when they are in no law.
    fn law(&self) -> Option<Law>;
    /// What is heard, by its name.
    fn prompt(&self) -> &str;
    /// The keys that may interrupt it.
    fn keys(&self) -> KeySet;
    /// The next 20 ms, silence while it rests; `None` when it is over.
    fn next_frame(&mut self) -> Option<Frame>;
    /// What the caller said in the last 20 ms.
    fn said(&mut self, frame: &Frame);
    /// A key went down.
    fn key(&mut self, digit: Digit) -> Heard;
    /// The call has no room for it any more.
    fn fail(&mut self, why: &str);
    /// How it ended, and how much of it was heard, in milliseconds.
    fn outcome(&self) -> (FinishReason, u64);
}

/// Why something is not heard in a call. The call is unharmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotInset {
    /// It is over, or handed on, rings, or is another client's.
    #[error("there is no answered call of that id that this client controls")]
    NotThere,
    /// The codec of the call is another.
    #[error("the call is in {}", match .0 { Law::Mu => "G711U", Law::A => "G711A" })]
    Law(Law),
    /// There is one already.
    #[error("another session is heard in the call; stop that first")]
    Busy,
}

/// The inset of a call.
#[derive(Debug)]
pub(super) struct Inserted {
    pub(super) inset: Box<dyn Inset>,
    pub(super) has_begun: bool,
    /// It ends with its phrase, and keys are told then.
    pub(super) drains: bool,
    /// Keys that are up, and how long they were down, in milliseconds.
    pub(super) held_keys: Vec<(Digit, u64)>,
}

impl Inserted {
    pub(super) fn new(inset: Box<dyn Inset>) -> Self {
        Self {
            inset,
            has_begun: false,
            drains: false,
            held_keys: Vec::new(),
        }
    }

    /// Whether the key waits until the phrase is over.
    pub(super) fn holds(&mut self, digit: Digit, duration_ms: u64) -> bool {
        let holds = self.drains && self.held_keys.len() < MOST_HELD_KEYS;
        if holds {
            self.held_keys.push((digit, duration_ms));
        }
        holds
    }
}
