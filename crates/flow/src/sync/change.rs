//! One change of a conversation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use wire::{UtcTime, ids::ConversationId};

/// A conversation as a page lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub id: ConversationId,
    /// When it changed, by the platform's clock.
    pub updated: UtcTime,
    /// How often it changed, where the platform says so (an extension of the contract).
    pub version: Option<u64>,
}

/// Which state of a conversation it is: what tells a change from a repeat of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revision {
    /// Its version: a lower one is older.
    Version(u64),
    /// When it changed, where there are no versions. It says nothing of older and newer: clocks jump.
    Stamp(Timestamp),
}

impl FromStr for Revision {
    type Err = jiff::Error;

    /// Reads what follows the `@` of a change id.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        match text.parse() {
            Ok(version) => Ok(Self::Version(version)),
            Err(_) => text.parse().map(Self::Stamp),
        }
    }
}

impl Change {
    /// Its state.
    pub fn revision(&self) -> Revision {
        match self.version {
            Some(version) => Revision::Version(version),
            None => Revision::Stamp(self.updated.timestamp()),
        }
    }

    /// Names the change for ever, wherever it is delivered: `conv-1@7`, or `conv-1@2026-11-21T09:30:00.123Z` without versions.
    pub fn change_id(&self) -> String {
        match self.revision() {
            Revision::Version(version) => format!("{}@{version}", self.id),
            Revision::Stamp(stamp) => format!("{}@{stamp}", self.id),
        }
    }
}
