//! Calls that are over, until the store has them: their ends are never lost, and who waits for one waits for that.

use crate::{
    completions::Completed,
    keeping::{Placed, Stage, Update},
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::oneshot;
use wire::{calls::CallRecord, ids::CallId};

struct End {
    record: Arc<CallRecord>,
    completed: Option<Arc<Completed>>,
    /// How the call came to be, if the store was not told yet.
    placed: Option<Placed>,
    /// The store is being told.
    sent: bool,
    waiting: Vec<oneshot::Sender<CallRecord>>,
}

/// Ended calls by the numbers of their lines.
#[derive(Default)]
pub(super) struct Ended {
    by_serial: HashMap<u64, End>,
    newest: HashMap<CallId, u64>,
}

impl Ended {
    pub(super) fn len(&self) -> usize {
        self.by_serial.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_serial.is_empty()
    }

    pub(super) fn add(
        &mut self,
        serial: u64,
        record: CallRecord,
        completed: Option<Completed>,
        placed: Option<Placed>,
        waiting: Vec<oneshot::Sender<CallRecord>>,
    ) {
        self.newest.insert(record.id.clone(), serial);
        let end = End {
            record: Arc::new(record),
            completed: completed.map(Arc::new),
            placed,
            sent: false,
            waiting,
        };
        self.by_serial.insert(serial, end);
    }

    /// The last of the calls with this id.
    pub(super) fn get(&self, id: &CallId) -> Option<&CallRecord> {
        let end = self.by_serial.get(self.newest.get(id)?)?;
        Some(&end.record)
    }

    /// Tells when the store has the call.
    pub(super) fn wait(&mut self, id: &CallId, reply: oneshot::Sender<CallRecord>) {
        let serial = self.newest.get(id);
        // Dropped, it says that there is nothing to wait for.
        if let Some(end) = serial.and_then(|serial| self.by_serial.get_mut(serial)) {
            end.waiting.retain(|waiting| !waiting.is_closed());
            end.waiting.push(reply);
        }
    }

    /// What the store is to know, once; see [`Ended::not_sent`].
    pub(super) fn update(&mut self, serial: u64) -> Option<Update> {
        let end = self.by_serial.get_mut(&serial).filter(|end| !end.sent)?;
        end.sent = true;
        Some(Update {
            serial,
            record: end.record.clone(),
            placed: end.placed.take(),
            stage: Stage::Ended(end.completed.clone()),
        })
    }

    /// The update could not be handed over.
    pub(super) fn not_sent(&mut self, update: Update) {
        if let Some(end) = self.by_serial.get_mut(&update.serial) {
            end.placed = update.placed;
            end.sent = false;
        }
    }

    /// The store has the call.
    pub(super) fn kept(&mut self, serial: u64) {
        let Some(end) = self.by_serial.remove(&serial) else {
            return;
        };
        let id = &end.record.id;
        if self.newest.get(id) == Some(&serial) {
            self.newest.remove(id);
        }
        for waiting in end.waiting {
            let _ = waiting.send(end.record.as_ref().clone());
        }
    }

    /// The store will not have the calls before this process ends. Who waits is told all the same.
    pub(super) fn give_up(&mut self) {
        if !self.is_empty() {
            let calls = self.len();
            tracing::error!(
                calls,
                "the ends of calls are not in the store; the next start closes them"
            );
        }
        let serials: Vec<u64> = self.by_serial.keys().copied().collect();
        serials.into_iter().for_each(|serial| self.kept(serial));
    }
}
