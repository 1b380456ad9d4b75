//! One walk through the pages of a platform: whether it gets on, and what it reaches.

use super::Change;
use std::{collections::VecDeque, time::Duration};
use wire::{UtcTime, ids::ConversationId};

/// Most pages in a row that may bring nothing beyond the ones before.
pub const MOST_IDLE: u32 = 16;
/// Most pages that are read of what changed after the walk began: where others write faster than we read, a walk would have no end.
pub const MOST_BEYOND: u32 = 100;
/// How many links back a repeat is looked for. A longer circle is found as pages that get nowhere.
const LINKS: usize = 16;

/// What is wrong with the pages of a platform. The walk can't go on; what was delivered stays so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A link leads to a page that was read in this walk.
    #[error(
        "the platform's link to the next page leads back to one that was read already, so following it would never end; what came before is \
         synced, try again later, and tell the platform's maker if it stays so"
    )]
    LinkRepeats,
    /// Pages lead on and on, but bring nothing.
    #[error(
        "the platform's last {MOST_IDLE} pages brought no change beyond the ones before, though each leads to another; what came before is \
         synced, try again later, and tell the platform's maker if it stays so"
    )]
    NoProgress,
    /// A change is listed where it would be missed after a crash.
    #[error(
        "the platform's changes are not in order: {id} of {updated} comes after {after}; give an --overlap longer than the difference"
    )]
    Disorder {
        /// The conversation.
        id: ConversationId,
        /// When it changed.
        updated: UtcTime,
        /// What it should not come after.
        after: UtcTime,
    },
}

/// How far a walk has come.
#[derive(Debug, Default)]
pub(super) struct Walk {
    since: Option<UtcTime>,
    /// The platform's time when it was asked for the first page.
    began: Option<UtcTime>,
    /// The last change in the order of the platform.
    highest: Option<(UtcTime, ConversationId)>,
    /// The links that were followed last.
    links: VecDeque<String>,
    idle: u32,
    beyond: u32,
    was_cut: bool,
}

impl Walk {
    pub(super) fn new(since: Option<UtcTime>) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// Takes what a page lists.
    pub(super) fn take(
        &mut self,
        asked_at: UtcTime,
        changes: &[Change],
        slack: Duration,
    ) -> Result<(), Fault> {
        let began = *self.began.get_or_insert(asked_at);
        self.check_order(changes, slack)?;
        self.idle = if self.climb(changes) { 0 } else { self.idle + 1 };
        let is_beyond = !changes.is_empty() && changes.iter().all(|change| change.updated > began);
        self.beyond += u32::from(is_beyond);
        Ok(())
    }

    /// The link of the page that was taken, if it is to be followed.
    pub(super) fn follow(&mut self, link: &str) -> Result<Option<String>, Fault> {
        if self.links.iter().any(|followed| followed == link) {
            return Err(Fault::LinkRepeats);
        }
        if self.idle >= MOST_IDLE {
            return Err(Fault::NoProgress);
        }
        if self.beyond >= MOST_BEYOND {
            self.was_cut = true;
            return Ok(None);
        }
        if self.links.len() == LINKS {
            self.links.pop_front();
        }
        self.links.push_back(link.to_owned());
        Ok(Some(link.to_owned()))
    }

    /// Until when everything is read that was visible. What changed after the walk began is not counted: before it, in the order of the
    /// platform, something may have become visible that was not when its page was read.
    pub(super) fn reached(&self) -> Option<UtcTime> {
        let (highest, _) = self.highest.as_ref()?;
        self.began.map(|began| began.min(*highest))
    }

    pub(super) fn was_cut(&self) -> bool {
        self.was_cut
    }

    fn check_order(&self, changes: &[Change], slack: Duration) -> Result<(), Fault> {
        let mut after = self.since.max(self.highest.as_ref().map(|(updated, _)| *updated));
        for change in changes {
            if let Some(after) = after.filter(|after| change.updated.after(slack) < *after) {
                return Err(Fault::Disorder {
                    id: change.id.clone(),
                    updated: change.updated,
                    after,
                });
            }
            after = after.max(Some(change.updated));
        }
        Ok(())
    }

    /// Moves the highest place on; gives whether it did.
    fn climb(&mut self, changes: &[Change]) -> bool {
        let places = changes.iter().map(|change| (change.updated, change.id.clone()));
        let highest = places.max().max(self.highest.clone());
        let gets_on = highest > self.highest;
        self.highest = highest;
        gets_on
    }
}
