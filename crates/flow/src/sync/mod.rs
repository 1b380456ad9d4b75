//! The delta sync: which changes of conversations another system does not have yet, and from where to go on after a crash.
//!
//! A platform lists conversations in the order of (updatedDate, id), from a time on, in pages. A [`Sync`] says what to ask for, takes
//! each page, names the changes that are to be delivered, and moves its [`Checkpoint`] on once the other system has them.
//!
//! Three things make a single time stamp not enough. Changes may share one at the border of two pages: so the time itself is asked for
//! again, and what was delivered is remembered. A change may become visible later than its stamp says: so each walk begins an *overlap*
//! before what was reached. And stamps may lie in the future: so nothing after the beginning of a walk counts as reached.
//!
//! What is promised, as long as no change becomes visible later than the overlap after its stamp: the newest state of each conversation is
//! delivered at least once, whatever crashes; and as long as nothing crashes, and the changes of an overlap fit in memory, once.
//!
//! ```
//! use flow::sync::{Ask, Change, Sync};
//! use std::time::Duration;
//!
//! let change = |id: &str, updated: &str, version| Change {
//!     id: id.parse().unwrap(), updated: updated.parse().unwrap(), version: Some(version),
//! };
//! let mut sync = Sync::new(Duration::from_secs(60), None);
//! assert_eq!(sync.begin(), Ask::Since(None));
//!
//! let now = "2026-11-21T09:30:00Z".parse()?;
//! let page = [change("a", "2026-11-21T09:00:00Z", 3), change("b", "2026-11-21T09:10:00Z", 1)];
//! let taken = sync.page(now, &page, None)?;
//! assert_eq!((taken.wanted, taken.next), (vec![0, 1], Ok(None)));
//! sync.delivered(taken.batch);
//!
//! // The next walk begins a minute before the newest change, and wants only what is new.
//! let kept = serde_json::to_string(&sync.checkpoint())?;
//! let mut sync = Sync::resume(serde_json::from_str(&kept)?, Duration::from_secs(60));
//! assert_eq!(sync.begin(), Ask::Since(Some("2026-11-21T09:09:00Z".parse()?)));
//! let page = [change("b", "2026-11-21T09:10:00Z", 1), change("a", "2026-11-21T09:40:00Z", 4)];
//! assert_eq!(sync.page("2026-11-21T09:40:05Z".parse()?, &page, None)?.wanted, [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod checkpoint;
mod known;
mod walk;

pub use change::{Change, Revision};
pub use checkpoint::{Anew, Checkpoint, Delivered, MOST_KEPT};
pub use known::MOST_KNOWN;
pub use walk::{Fault, MOST_BEYOND, MOST_IDLE};

use known::Known;
use std::{collections::VecDeque, time::Duration};
use walk::Walk;
use wire::UtcTime;

/// The longest overlap: what a sink that looks for its own tail may rely on.
pub const MOST_OVERLAP: Duration = Duration::from_secs(3600);

/// What the platform is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The conversations that changed at this time or later; all of them without one.
    Since(Option<UtcTime>),
    /// The next page, by the link that the platform gave.
    Next(String),
}

/// What comes of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What its changes are delivered under. There is one even when nothing is wanted: it moves the checkpoint, too.
    pub batch: Batch,
    /// The changes that are to be delivered, by their place in the page.
    pub wanted: Vec<usize>,
    /// The next page; it may be read before this one is delivered. `None` at the end of the walk, and a fault where the walk can't go on
    /// after this page.
    pub next: Result<Option<Ask>, Fault>,
}

/// Names the changes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Batch(u64);

/// The machine. A walk is [`Sync::begin`] and its pages; the next may begin when it is at its end.
///
/// When something fails that is not mended by a repeat, it is thrown away, and the next one [resumes](Sync::resume) from the checkpoint.
#[derive(Debug)]
pub struct Sync {
    overlap: Duration,
    /// Nothing before this is asked for.
    floor: Option<UtcTime>,
    /// Everything up to here is delivered, but for what becomes visible late.
    reached: Option<UtcTime>,
    known: Known,
    walk: Walk,
    /// Pages that are not delivered, or that come after one that is not; the oldest first.
    open: VecDeque<Open>,
    next_batch: u64,
    /// The newest changes that were delivered, the oldest first.
    recent: VecDeque<Delivered>,
    /// As in the checkpoint.
    again: Option<UtcTime>,
}

/// A page that was taken.
#[derive(Debug)]
struct Open {
    batch: Batch,
    changes: Vec<Delivered>,
    /// What is reached with it.
    up_to: Option<UtcTime>,
    is_delivered: bool,
}

impl Sync {
    /// A sync from this time on, or from the beginning. The overlap is [`MOST_OVERLAP`] at the most.
    pub fn new(overlap: Duration, since: Option<UtcTime>) -> Self {
        Self {
            overlap: overlap.min(MOST_OVERLAP),
            floor: since,
            reached: None,
            known: Known::default(),
            walk: Walk::default(),
            open: VecDeque::new(),
            next_batch: 0,
            recent: VecDeque::new(),
            again: None,
        }
    }

    /// Goes on where the checkpoint says.
    pub fn resume(checkpoint: Checkpoint, overlap: Duration) -> Self {
        let mut sync = Self::new(overlap, checkpoint.floor);
        sync.reached = checkpoint.reached;
        sync.again = checkpoint.again;
        for delivered in checkpoint.recent.into_iter().take(MOST_KEPT) {
            sync.remember(&delivered);
            sync.recent.push_back(delivered);
        }
        sync
    }

    /// The other system has this one already; it is not delivered again.
    pub fn remember(&mut self, delivered: &Delivered) {
        self.known.add(delivered);
    }

    /// From when on the next walk reads.
    pub fn since(&self) -> Option<UtcTime> {
        let since = self.reached.map(|reached| before(reached, self.overlap));
        since.max(self.floor)
    }

    /// Whether the next walk reads what was delivered in any order, so that nothing says where it is in a file.
    pub fn reads_again(&self) -> bool {
        let since = self.since();
        self.again
            .is_some_and(|again| since.is_none_or(|since| since <= again))
    }

    /// Begins a walk.
    pub fn begin(&mut self) -> Ask {
        let since = self.since();
        if let Some(since) = since {
            self.known.forget_before(before(since, self.slack()));
        }
        self.walk = Walk::new(since);
        Ask::Since(since)
    }

    /// Takes a page: what it lists, and its link to the next one. `asked_at` is the platform's time when it was asked for the page; a
    /// little earlier is right, later is not. A fault means that nothing of the page is delivered.
    pub fn page(
        &mut self,
        asked_at: UtcTime,
        changes: &[Change],
        next: Option<&str>,
    ) -> Result<Taken, Fault> {
        self.walk.take(asked_at, changes, self.slack())?;
        let wanted: Vec<usize> = (0..changes.len())
            .filter(|at| self.known.add(&Delivered::of(&changes[*at])))
            .collect();
        // No walk reads again what is so old: this one would call it a disorder, and the next one begins later.
        if let Some(reached) = self.walk.reached() {
            let old = before(reached, self.slack() * 2);
            self.known.shed(old);
        }
        let batch = Batch(self.next_batch);
        self.next_batch += 1;
        self.open.push_back(Open {
            batch,
            changes: wanted.iter().map(|at| Delivered::of(&changes[*at])).collect(),
            up_to: self.walk.reached(),
            is_delivered: false,
        });
        let next = next.map_or(Ok(None), |link| self.walk.follow(link));
        let next = next.map(|link| link.map(Ask::Next));
        Ok(Taken { batch, wanted, next })
    }

    /// The other system has the changes of this page, for good; gives whether the checkpoint has moved.
    pub fn delivered(&mut self, batch: Batch) -> bool {
        if let Some(open) = self.open.iter_mut().find(|open| open.batch == batch) {
            open.is_delivered = true;
        }
        let mut has_moved = false;
        while let Some(open) = self.open.pop_front_if(|open| open.is_delivered) {
            has_moved |= !open.changes.is_empty() || open.up_to > self.reached;
            self.reached = self.reached.max(open.up_to);
            self.recent.extend(open.changes);
        }
        let too_many = self.recent.len().saturating_sub(MOST_KEPT);
        self.recent.drain(..too_many);
        has_moved
    }

    /// Whether all pages that were taken are delivered.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the last walk was ended before the platform's last page, because all that followed had changed after its beginning: the
    /// next one should begin at once.
    pub fn is_behind(&self) -> bool {
        self.walk.was_cut()
    }

    /// From where to go on after a crash.
    pub fn checkpoint(&self) -> Checkpoint {
        let since = self.since().map(|since| before(since, self.slack()));
        let still_read = |delivered: &&Delivered| since.is_none_or(|since| delivered.updated >= since);
        Checkpoint {
            floor: self.floor,
            reached: self.reached,
            recent: self.recent.iter().filter(still_read).cloned().collect(),
            again: self.again.filter(|_| self.reads_again()),
        }
    }

    /// How far stamps may be out of order: the overlap, and what is lost where stamps are written in whole seconds.
    fn slack(&self) -> Duration {
        self.overlap + Duration::from_secs(1)
    }
}

/// So much earlier; the first point in time at the least.
fn before(time: UtcTime, span: Duration) -> UtcTime {
    let earlier = time.timestamp().checked_sub(span);
    earlier.unwrap_or(jiff::Timestamp::MIN).into()
}

#[cfg(test)]
mod tests;
