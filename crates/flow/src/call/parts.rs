//! What goes into a call and what comes out of it.

use audio::{Frame, Law, PreparedPrompt};
use std::collections::BTreeSet;
use wire::{
    callcontrol::{Capability, Codec, Event, RecordState},
    calls::Happening,
    ids::{CallId, ClientId, ExternalId, PhoneNumber, TransferTarget},
};

/// Who calls whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The call.
    pub id: CallId,
    /// The caller's number.
    pub ani: PhoneNumber,
    /// The number called.
    pub dnis: PhoneNumber,
    /// The caller's id in the CRM.
    pub external_id: Option<ExternalId>,
    /// The law of its audio.
    pub codec: Codec,
}

impl Facts {
    /// The law of the call's audio.
    pub fn law(&self) -> Law {
        match self.codec {
            Codec::Pcmu => Law::Mu,
            Codec::Pcma => Law::A,
        }
    }
}

/// What the center says by itself.
#[derive(Debug, Clone)]
pub struct Announcements {
    /// Said when no controller comes back.
    pub apology: (String, PreparedPrompt),
    /// Where such a call goes then.
    pub operator: TransferTarget,
    /// What the operator says.
    pub operator_greeting: (String, PreparedPrompt),
    /// What any other extension says.
    pub agent_greeting: (String, PreparedPrompt),
}

/// Names one connection of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ControllerId(pub u64);

/// A controller that wants the call.
#[derive(Debug, Clone)]
pub struct Controller {
    /// Its connection.
    pub id: ControllerId,
    /// The OAuth client behind it.
    pub client: ClientId,
    /// What it declared.
    pub capabilities: BTreeSet<Capability>,
}

impl Controller {
    /// Whether it declared this.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// How a controller went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It closed its connection.
    OnPurpose,
    /// The connection broke, or nothing was heard of it any more.
    Lost,
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send an event to the controller.
    Tell(ControllerId, Event),
    /// Close the controller's connection: the call is no longer its own. With a reason it is an error (1008).
    Release(ControllerId, Option<String>),
    /// Write down what happened.
    Happened(Happening),
    /// Record from now on, or no more.
    Record(RecordState),
    /// The call is over and may be forgotten.
    Over,
}

/// The two directions of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// What the caller hears.
    pub heard: Frame,
    /// What the caller says.
    pub said: Frame,
}
