//! What a run says is to be done, and what it is told.

use super::Break;
use crate::scenario::{
    fields::ContextFields,
    heard::{Heard, View},
};
use std::time::Duration;
use wire::conversation::State;

/// What the driver is to do. What is under way may be dropped when another action comes.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make the conversation, with what the scenario says of bot, customer and context. Answered by [`Input::Created`].
    Create,
    /// Send this message for the customer. Answered by [`Input::Posted`].
    Post(String),
    /// Let so much time pass for the conversation. Answered by [`Input::Done`].
    Advance(Duration),
    /// Change the context. Answered by [`Input::Done`].
    SetContext(ContextFields),
    /// Put the conversation into this state. Answered by [`Input::Done`].
    SetState(State),
    /// Read once what is new, without waiting for it. Answered by [`Input::Heard`] for each answer, and [`Input::Done`].
    Hear,
    /// Look at the conversation. Answered by [`Input::Viewed`].
    Look,
    /// Close the conversation, whatever it takes; it may have been made though [`Action::Create`] was not answered so. Answered by
    /// [`Input::Viewed`] or [`Input::Done`], or by [`Input::Refused`] if it stays open, or nobody knows.
    Close,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Begin.
    Start,
    /// The conversation is there.
    Created,
    /// The message was taken, under this id, in this place of the conversation.
    Posted {
        /// Its id.
        id: String,
        /// Its place.
        sequence: u64,
        /// How long the platform had it wait before: no time of the bot.
        held_up: Duration,
    },
    /// The command was carried out.
    Done,
    /// The conversation as it stands.
    Viewed(View),
    /// The command was not carried out.
    Refused(Refusal),
    /// The bot said something.
    Heard(Heard),
    /// The bot said something that can't be understood.
    Garbage(String),
    /// The run is to end now, for this reason.
    Stop(Break, String),
    /// The deadline came.
    Tick,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it means.
    pub kind: RefusalKind,
    /// In words.
    pub reason: String,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Nothing was done.
    NotDone,
    /// Nothing was done, because the conversation is over.
    Over,
    /// There was no answer that says so: it may have been done.
    Unsure,
}
