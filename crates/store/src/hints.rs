//! Wake-ups for those who wait for work. They are hints: what is true is in the database, and polling finds it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How long [`crate::Store::work`] waits at most.
pub const POLL: Duration = Duration::from_millis(250);

/// Gives hints to all who wait.
#[derive(Clone, Debug)]
pub(crate) struct Hints(watch::Sender<()>);

/// Waits for hints. A clone has seen what the original has.
#[derive(Debug)]
pub(crate) struct Waiting(Mutex<watch::Receiver<()>>);

impl Hints {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// There may be work.
    pub(crate) fn give(&self) {
        self.0.send_replace(());
    }

    pub(crate) fn waiting(&self) -> Waiting {
        Waiting(Mutex::new(self.0.subscribe()))
    }
}

impl Waiting {
    /// Returns after a hint that was not seen yet, at the latest after the poll interval.
    pub(crate) async fn hint(&self) {
        let mut receiver = self.receiver();
        let _ = tokio::time::timeout(POLL, receiver.changed()).await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = receiver;
    }

    fn receiver(&self) -> watch::Receiver<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Clone for Waiting {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.receiver()))
    }
}
