//! Which changes were delivered, or are on their way.

use super::{Delivered, Revision};
use jiff::Timestamp;
use std::collections::HashMap;
use wire::{UtcTime, ids::ConversationId};

/// Most conversations whose changes are remembered: some 20 MB. When an overlap has more, the older half is forgotten, and delivered again.
pub const MOST_KNOWN: usize = 200_000;

/// The changes that are in reach of the next walk.
#[derive(Debug, Default)]
pub(super) struct Known {
    conversations: HashMap<ConversationId, States>,
    /// How many there were when some were forgotten last.
    shed_at: usize,
}

/// From how many on it is worth while to look for what can be forgotten.
const WORTH_WHILE: usize = 10_000;

/// The states of a conversation that were delivered.
#[derive(Debug)]
struct States {
    /// When the newest of them changed.
    updated: UtcTime,
    newest: Revision,
    /// The others, where only stamps tell them apart; empty with versions.
    others: Vec<Timestamp>,
}

/// Most stamps that are remembered of one conversation; the oldest go first.
const MOST_STAMPS: usize = 64;

impl Known {
    /// Remembers a change; gives whether it was unknown, and not older than one that is known.
    pub(super) fn add(&mut self, change: &Delivered) -> bool {
        if let Some(states) = self.conversations.get_mut(&change.id) {
            return states.add(change);
        }
        if self.conversations.len() >= MOST_KNOWN {
            self.forget_older_half();
        }
        let states = States {
            updated: change.updated,
            newest: change.revision,
            others: Vec::new(),
        };
        self.conversations.insert(change.id.clone(), states);
        true
    }

    /// Forgets what changed before this, once there are twice as many as the last time: so a long walk takes no more memory than what
    /// changed within an overlap.
    pub(super) fn shed(&mut self, time: UtcTime) {
        if self.conversations.len() >= (self.shed_at * 2).max(WORTH_WHILE) {
            self.forget_before(time);
            self.shed_at = self.conversations.len();
        }
    }

    /// Forgets what changed before this and not since.
    pub(super) fn forget_before(&mut self, time: UtcTime) {
        self.conversations.retain(|_, states| states.updated >= time);
    }

    fn forget_older_half(&mut self) {
        let mut stamps: Vec<UtcTime> = self.conversations.values().map(|states| states.updated).collect();
        let half = stamps.len() / 2;
        let (_, middle, _) = stamps.select_nth_unstable(half);
        let middle = *middle;
        let mut most = half;
        self.conversations.retain(|_, states| {
            // Not all of them when all have the same stamp.
            let stays = states.updated > middle || (states.updated == middle && most > 0);
            most = most.saturating_sub(usize::from(stays));
            stays
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.conversations.len()
    }
}

impl States {
    fn add(&mut self, change: &Delivered) -> bool {
        let is_new = match (self.newest, change.revision) {
            (Revision::Version(known), Revision::Version(version)) => version > known,
            (Revision::Stamp(known), Revision::Stamp(stamp)) => {
                let is_new = stamp != known && !self.others.contains(&stamp);
                if is_new {
                    self.others.push(known);
                    let too_many = self.others.len().saturating_sub(MOST_STAMPS);
                    self.others.drain(..too_many);
                }
                is_new
            }
            // A platform that begins to give versions, or ceases to.
            _ => true,
        };
        if is_new {
            self.newest = change.revision;
            self.updated = self.updated.max(change.updated);
        }
        is_new
    }
}
