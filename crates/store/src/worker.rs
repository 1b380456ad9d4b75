//! Processes that do work, and how it is known that they live.

use crate::{
    Claim, Error,
    store::{Engine, on_engine},
};
use rand::Rng as _;
use std::time::Duration;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

/// How often a worker says that it lives.
pub(crate) const BEAT_EVERY: Duration = Duration::from_millis(400);
/// How late that may be without a claim having to make up for it.
pub(crate) const LATE_BEAT: Duration = Duration::from_millis(100);
/// How long it is believed.
pub(crate) const ALIVE_FOR: Duration = Duration::from_millis(1_500);
/// How long an item is held at most.
pub(crate) const HELD_FOR: Duration = Duration::from_secs(60);
/// How often the work of workers that are gone is looked for, at most.
pub(crate) const REAP_EVERY: Duration = Duration::from_millis(200);
/// The most items of one claim.
pub(crate) const MOST_CLAIMED: usize = 1_000;

/// A process that does work: what it claims is its own as long as it lives.
///
/// It says so every 400 ms and is believed for 1.5 s, so the work of a process that was killed can be claimed within 2 s.
/// Dropping it is like being killed.
pub struct Worker {
    engine: Engine,
    id: String,
    beating: Beating,
}

/// The task that says that the worker lives; ends when dropped.
struct Beating(JoinHandle<()>);

impl Worker {
    pub(crate) async fn join(engine: Engine) -> Result<Self, Error> {
        let id = format!("{:032x}", rand::rng().random::<u128>());
        on_engine!(engine, beat(&id))?;
        let beating = Beating(tokio::spawn(beat(engine.clone(), id.clone())));
        Ok(Self { engine, id, beating })
    }

    /// Claims work that is due, oldest first, at most 1,000 items. Each is held until it is finished, or the process is
    /// gone, or a minute has passed.
    pub async fn claim(&self, queue: &str, most: usize) -> Result<Vec<Claim>, Error> {
        on_engine!(self.engine, claim(&self.id, queue, most.min(MOST_CLAIMED)))
    }

    /// Leaves; what is still held can be claimed by others at once.
    pub async fn leave(self) {
        drop(self.beating);
        // If the database can't be told, it finds out by itself.
        let _ = on_engine!(self.engine, leave(&self.id));
    }
}

/// Says again and again that a worker lives. A beat that fails is made up for by the next.
async fn beat(engine: Engine, id: String) {
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let _ = on_engine!(engine, beat(&id));
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        self.0.abort();
    }
}
