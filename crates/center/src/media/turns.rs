//! Whose upload is read next: each may hold an asset in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use wire::ids::ClientId;

/// Most uploads that are read at a time, and of one client: one that is slow leaves room for others.
const MOST: usize = 32;
const MOST_OF_ONE: usize = 24;
/// How long an upload waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Turns {
    all: Arc<Semaphore>,
    /// Those of the tenant's clients that uploaded something.
    by_client: Mutex<HashMap<ClientId, Arc<Semaphore>>>,
}

/// An upload may be read while this lives.
pub(super) struct Turn {
    _of_client: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MOST)),
            by_client: Mutex::default(),
        }
    }
}

impl Turns {
    /// The client's turn; `None` when it does not come in time.
    pub(super) async fn take(&self, client: &ClientId) -> Option<Turn> {
        let of_client = {
            let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
            let own = by_client.entry(client.clone());
            own.or_insert_with(|| Arc::new(Semaphore::new(MOST_OF_ONE)))
                .clone()
        };
        let taking = async {
            Some(Turn {
                _of_client: of_client.acquire_owned().await.ok()?,
                _of_all: self.all.clone().acquire_owned().await.ok()?,
            })
        };
        timeout(PATIENCE, taking).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_client_leaves_turns_for_others() {
        let turns = Turns::default();
        let (one, other) = ("one".parse().unwrap(), "other".parse().unwrap());
        let mut taken = Vec::new();
        for _ in 0..MOST_OF_ONE {
            taken.push(turns.take(&one).await.unwrap());
        }
        assert!(turns.take(&one).await.is_none());
        for _ in MOST_OF_ONE..MOST {
            taken.push(turns.take(&other).await.unwrap());
        }
        assert!(turns.take(&other).await.is_none());
        taken.pop();
        assert!(turns.take(&one).await.is_none(), "it has all of its own");
        assert!(turns.take(&other).await.is_some());
    }
}
