//! What is kept of a sync, so that another process can go on.

use super::{Change, MOST_OVERLAP, Revision, before};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wire::{UtcTime, ids::ConversationId};

/// Most delivered changes that a checkpoint names. Those of the overlap that are beyond are delivered again after a crash.
pub const MOST_KEPT: usize = 1_000;

/// How far a sync has come: all that it counts as reached is delivered. As JSON it has some 70 bytes per recent change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Nothing before this is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<UtcTime>,
    /// What changed up to then is delivered, but for what becomes visible late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<UtcTime>,
    /// The newest delivered changes that the next walk will read again; the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<Delivered>,
    /// Up to then the other system may have any change, delivered in any order: syncs began anew in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<UtcTime>,
}

impl Checkpoint {
    /// From when on a walk reads that goes on here.
    pub fn since(&self, overlap: Duration) -> Option<UtcTime> {
        let since = self
            .reached
            .map(|reached| before(reached, overlap.min(MOST_OVERLAP)));
        since.max(self.floor)
    }

    /// A sync from `since` on, whatever was reached, which begins `now`.
    pub fn anew(self, since: UtcTime, now: UtcTime, overlap: Duration) -> Anew {
        let begin = Self {
            floor: Some(since),
            again: self.newest().max(Some(now)),
            ..Self::default()
        };
        Anew {
            leaves_gap: self.since(overlap).is_none_or(|next| next < since),
            keep: self.beside(&begin),
            begin,
        }
    }

    /// The same place, where the other system may also have what `other` delivered.
    pub fn beside(self, other: &Self) -> Self {
        Self {
            again: self.again.max(other.newest()),
            ..self
        }
    }

    /// Nothing that the other system has is known to be newer.
    fn newest(&self) -> Option<UtcTime> {
        let recent = self.recent.iter().map(|delivered| delivered.updated).max();
        self.again.max(self.reached).max(recent)
    }
}

/// A sync that begins anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// Where it begins.
    pub begin: Checkpoint,
    /// What is to be kept before it delivers anything: the place that was reached, and that what follows comes in any order.
    pub keep: Checkpoint,
    /// Whether it leaves something out: then that place stays the checkpoint ([`Checkpoint::beside`]), so that the next sync delivers it.
    pub leaves_gap: bool,
}

/// A change that the other system has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The conversation.
    pub id: ConversationId,
    /// Which state of it.
    #[serde(flatten)]
    pub revision: Revision,
    /// When it changed, by the platform's clock.
    pub updated: UtcTime,
}

impl Delivered {
    pub(super) fn of(change: &Change) -> Self {
        Self {
            id: change.id.clone(),
            revision: change.revision(),
            updated: change.updated,
        }
    }
}
