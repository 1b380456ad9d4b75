//! What became of calls: kept while they live, and for the last ten thousand after that.

use std::collections::{HashMap, VecDeque};
use wire::{
    calls::{CallRecord, Happening, Moment as Happened},
    ids::CallId,
};

/// Most calls that are remembered after their end.
const MAX_ENDED: usize = 10_000;
/// Most entries in one call's timeline.
const MAX_TIMELINE: usize = 1_000;

/// Records of ended calls, newest last.
#[derive(Default)]
pub(super) struct History {
    by_id: HashMap<CallId, (u64, CallRecord)>,
    in_order: VecDeque<(CallId, u64)>,
    next: u64,
}

impl History {
    /// Keeps a record; an older call of the same id is forgotten.
    pub(super) fn keep(&mut self, record: CallRecord) {
        let number = self.next;
        self.next += 1;
        self.in_order.push_back((record.id.clone(), number));
        self.by_id.insert(record.id.clone(), (number, record));
        while self.in_order.len() > MAX_ENDED {
            if let Some((id, number)) = self.in_order.pop_front()
                && self.by_id.get(&id).is_some_and(|(newest, _)| *newest == number)
            {
                self.by_id.remove(&id);
            }
        }
    }

    /// The last call of that id.
    pub(super) fn get(&self, id: &CallId) -> Option<&CallRecord> {
        self.by_id.get(id).map(|(_, record)| record)
    }

    /// The newest records, newest first.
    pub(super) fn newest(&self, most: usize) -> impl Iterator<Item = &CallRecord> {
        let current = |(id, number): &(CallId, u64)| {
            self.by_id
                .get(id)
                .filter(|(newest, _)| newest == number)
                .map(|(_, record)| record)
        };
        self.in_order.iter().rev().filter_map(current).take(most)
    }
}

/// Adds to a call's timeline, and to what follows from it.
pub(super) fn note(record: &mut CallRecord, at_ms: f64, what: Happening) {
    match &what {
        Happening::Transferred { target } => record.transferred_to = Some(target.clone()),
        Happening::Ended { cause } => record.cause = Some(*cause),
        _ => {}
    }
    // The end is always noted; of an endless story the middle is left out.
    if record.timeline.len() < MAX_TIMELINE || matches!(what, Happening::Ended { .. }) {
        record.timeline.push(Happened { at_ms, what });
    }
}
