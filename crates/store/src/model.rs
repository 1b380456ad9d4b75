//! What is written and read: events, intents, claims, records.

use crate::Terms;
use audit::Entry;
use std::time::Duration;

/// All that changes at once: it happens as a whole, or not at all.
///
/// Checked first, in this order: the lease it is `under`, the claim it `finish`es, the event, the records' versions, the
/// checkpoint. The first check that fails decides the answer ([`Committed`]), and nothing is written.
#[derive(Debug, Default)]
pub struct Commit {
    /// A lease that must still be held.
    pub under: Option<Lease>,
    /// A claimed item, and what came of it.
    pub finish: Option<(ClaimId, Finish)>,
    /// An event that is accepted.
    pub event: Option<Event>,
    /// Effects that are owed from now on. One whose key is known already is left as it is.
    pub intents: Vec<Intent>,
    /// Records that are written.
    pub records: Vec<Put>,
    /// Under which terms records are found, as they are after this commit's writes.
    pub terms: Vec<Terms>,
    /// A checkpoint that moves on.
    pub advance: Option<Advance>,
    /// What is noted in the audit log.
    pub audit: Vec<Entry>,
}

/// What became of a [`Commit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Done,
    /// The event was accepted before; this is the answer it got then.
    Duplicate {
        /// The first answer.
        answer: String,
    },
    /// The lease or the claim is no longer held: somebody else has the work.
    Stale,
    /// A record or the checkpoint is not what it was expected to be.
    Conflict,
}

/// An incoming event. Source and id together are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who sends it.
    pub source: String,
    /// The sender's id for it.
    pub id: String,
    /// The event as JSON text.
    pub body: String,
    /// What its sender is told; a repeat is told the same.
    pub answer: String,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// The event.
    pub event: Event,
    /// When it was accepted, in milliseconds since 1970.
    pub received_ms: i64,
}

/// Names one effect of one event, for ever: a step is owed at most once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EffectKey {
    /// The event's source.
    pub source: String,
    /// The event's id.
    pub event: String,
    /// The step: `deliver:ep_1`, `task`, `notify`.
    pub step: String,
}

/// An effect that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Which one.
    pub effect: EffectKey,
    /// Who is to do it.
    pub queue: String,
    /// Items of one queue and subject are done one after the other, in the order they were committed.
    pub subject: Option<String>,
    /// What is to be done, as text that the queue's worker understands.
    pub body: String,
    /// How long it has time before it is due.
    pub after: Duration,
}

/// An item of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub i64);

/// An item that a worker holds. `fence` grows with every claim of the item: an older claim can't finish it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimId {
    /// The item.
    pub item: ItemId,
    /// The fencing token.
    pub fence: i64,
}

/// Work that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What finishes it.
    pub id: ClaimId,
    /// The effect.
    pub effect: EffectKey,
    /// What keeps order.
    pub subject: Option<String>,
    /// What is to be done.
    pub body: String,
    /// How often it was tried before; 0 the first time, and again after a replay.
    pub failures: u32,
    /// When it was committed, in milliseconds since 1970.
    pub created_ms: i64,
}

/// What came of a claimed item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The effect is there. The result is kept with it.
    Done {
        /// What it came to.
        result: Option<String>,
    },
    /// It failed and is to be tried again; one more failure is counted.
    Again {
        /// When.
        after: Duration,
        /// Why.
        error: String,
    },
    /// It is put back as it was: nothing was tried.
    Released,
    /// It failed for good: a dead letter, until somebody replays it.
    Dead {
        /// Why.
        error: String,
    },
}

/// Where an item is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// It waits for its time, or for a worker.
    Ready,
    /// It waits for an earlier item of its subject.
    Behind,
    /// A worker has it.
    Held,
    /// The effect is there.
    Done,
    /// It failed for good.
    Dead,
}

/// An item of the outbox as a person looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub id: ItemId,
    /// The effect.
    pub effect: EffectKey,
    /// Who is to do it.
    pub queue: String,
    /// What keeps order.
    pub subject: Option<String>,
    /// What is to be done.
    pub body: String,
    /// Where it is in its life.
    pub state: ItemState,
    /// Failed attempts since it was committed or replayed.
    pub failures: u32,
    /// When it was committed, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it is due.
    pub due_ms: i64,
    /// When it was done or given up.
    pub finished_ms: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What it came to.
    pub result: Option<String>,
}

/// Which items are meant; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// This one.
    pub id: Option<ItemId>,
    /// Queues whose name begins like this.
    pub queue_prefix: Option<String>,
    /// In one of these states; any when empty.
    pub states: Vec<ItemState>,
    /// Of this event.
    pub event: Option<(String, String)>,
    /// With a smaller number than this: the next page of a list, which is newest first.
    pub before: Option<ItemId>,
}

/// A record that is written, if its version is as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The table, so to speak: `call`, `endpoint`.
    pub kind: String,
    /// Its id within the kind.
    pub id: String,
    /// What is kept; `None` removes it.
    pub body: Option<String>,
    /// What must be there before.
    pub expect: Expect,
}

/// What must be there before a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything or nothing.
    Any,
    /// Nothing.
    Absent,
    /// This version.
    Version(i64),
}

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id within its kind.
    pub id: String,
    /// 1 at first, and one more with every write.
    pub version: i64,
    /// When it was written, in milliseconds since 1970.
    pub updated_ms: i64,
    /// What is kept.
    pub body: String,
}

/// A named piece of work that one holder at a time has. `fence` grows with every new holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is held.
    pub name: String,
    /// The fencing token.
    pub fence: i64,
}

/// How far something has come, moved on by compare-and-set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Its name.
    pub name: String,
    /// What it must be now; `None` when there must be none.
    pub from: Option<String>,
    /// What it is to be.
    pub to: String,
}

/// How many items there are of each state, and how many events and entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events in the inbox.
    pub events: u64,
    /// Items that wait, behind another or not.
    pub waiting: u64,
    /// Items that a worker has.
    pub held: u64,
    /// Items that are done.
    pub done: u64,
    /// Dead letters.
    pub dead: u64,
    /// Entries of the audit log.
    pub entries: u64,
}

impl ItemState {
    /// The number in the database.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Ready => 0,
            Self::Behind => 1,
            Self::Held => 2,
            Self::Done => 3,
            Self::Dead => 4,
        }
    }

    /// The state of a number in the database.
    pub(crate) fn from_code(code: i64) -> Option<Self> {
        [Self::Ready, Self::Behind, Self::Held, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.code() == code)
    }
}

impl Counts {
    /// Counts items of a state in the database.
    pub(crate) fn add(&mut self, state: i64, items: u64) {
        match ItemState::from_code(state) {
            Some(ItemState::Ready | ItemState::Behind) => self.waiting += items,
            Some(ItemState::Held) => self.held += items,
            Some(ItemState::Done) => self.done += items,
            Some(ItemState::Dead) => self.dead += items,
            None => {}
        }
    }
}
