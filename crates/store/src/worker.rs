//! A process that does work: what it claims is its own as long as it lives.

use crate::{Claim, Error, Store};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval},
};

/// How long a worker counts as alive after a sign of life.
pub(crate) const ALIVE: Duration = Duration::from_millis(1500);
/// How long an item is held at the most.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
/// Between two signs of life.
const BEAT: Duration = Duration::from_millis(400);
/// Between two looks for what dead workers hold.
const REAP: Duration = Duration::from_millis(200);

/// A process that does work. Dropped without [`Worker::leave`], it counts as dead 1.5 s later, and others get its work.
pub struct Worker {
    store: Store,
    id: String,
    heart: AbortHandle,
    reaped: Mutex<Option<Instant>>,
}

impl Worker {
    pub(crate) async fn join(store: Store) -> Result<Self, Error> {
        let id = format!("{:032x}", rand::random::<u128>());
        store.beat(&id).await?;
        let heart = tokio::spawn(beat(store.clone(), id.clone())).abort_handle();
        Ok(Self {
            store,
            id,
            heart,
            reaped: Mutex::default(),
        })
    }

    /// Claims up to `most` items of a queue that are due, the longest due first. Each is held until it is finished, or this
    /// process is gone, or a minute has passed.
    pub async fn claim(&self, queue: &str, most: usize) -> Result<Vec<Claim>, Error> {
        self.store.claim(&self.id, queue, most, self.is_to_reap()).await
    }

    fn is_to_reap(&self) -> bool {
        let mut last = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= REAP);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    /// Leaves: what is still held can be claimed by others at once.
    pub async fn leave(self) {
        self.heart.abort();
        if let Err(error) = self.store.left(&self.id).await {
            tracing::warn!(%error, "what this process holds is free in 1.5 s, not at once");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

async fn beat(store: Store, id: String) {
    let mut ticks = interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = store.beat(&id).await {
            tracing::warn!(%error, "this process can't say that it is alive; others may take over its work");
        }
    }
}
