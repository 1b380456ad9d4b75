//! What is accepted is never lost, and never done twice.
#![allow(missing_docs)]

mod audit_log;
mod clock;
mod error;
mod model;
mod notary;
mod private;
mod proofs;
mod sealed;
mod sql;
mod sqlite;
mod verification;
mod worker;

pub use audit_log::{EntryFilter, Erased, KeptEntry, Row};
pub use clock::Clock;
pub use error::Error;
pub use model::{
    Advance, Claim, ClaimId, Commit, Committed, Counts, EffectKey, Event, Expect, Finish, Intent, Item,
    ItemFilter, ItemId, ItemState, KeptEvent, Lease, Put, Record,
};
pub use notary::{Notary, NotaryError, vouchers};
pub use private::{create_private, write_private};
pub use verification::{Trust, Verified};
pub use worker::Worker;

use sealed::Sealed;
use sqlite::Sqlite;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::watch;

/// How long work may lie before somebody looks for it, whatever the hints say.
const POLL: Duration = Duration::from_millis(250);

/// Where data is kept.
#[derive(Debug, Clone)]
pub enum Location {
    /// A SQLite file, made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL database by its URL (a secret: it may hold a password).
    Postgres(String),
}

/// The way to the data. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Sqlite,
    clock: Clock,
    hints: watch::Receiver<u64>,
}

impl Store {
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Self::open_with(location, Clock::system()).await
    }
    pub async fn open_with(location: &Location, clock: Clock) -> Result<Self, Error> {
        let Location::Sqlite(path) = location else {
            return Err(Error::Unsupported("PostgreSQL is not there yet"));
        };
        let (sender, hints) = watch::channel(0);
        let engine = Sqlite::open(path, clock.clone(), sender).await?;
        Ok(Self { engine, clock, hints })
    }
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        self.engine.commit(Sealed::new(commit)?).await
    }
    pub async fn event(&self, source: &str, id: &str) -> Result<Option<KeptEvent>, Error> {
        self.engine.event(source.into(), id.into()).await
    }
    pub async fn items(&self, filter: &ItemFilter, most: usize) -> Result<Vec<Item>, Error> {
        self.engine.items(filter.clone(), most).await
    }
    pub async fn effect(&self, key: &EffectKey) -> Result<Option<Item>, Error> {
        self.engine.effect(key.clone()).await
    }
    pub async fn replay(&self, filter: &ItemFilter) -> Result<u64, Error> {
        self.engine.replay(filter.clone()).await
    }
    pub async fn counts(&self) -> Result<Counts, Error> {
        self.engine.counts().await
    }
    pub async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, Error> {
        self.engine.record(kind.into(), id.into()).await
    }
    pub async fn records(&self, kind: &str, most: usize) -> Result<Vec<Record>, Error> {
        self.engine.records(kind.into(), most).await
    }
    pub async fn checkpoint(&self, name: &str) -> Result<Option<String>, Error> {
        self.engine.checkpoint(name.into()).await
    }
    pub async fn lease(&self, name: &str, holder: &str, lasts: Duration) -> Result<Option<Lease>, Error> {
        self.engine.lease(name.into(), holder.into(), lasts).await
    }
    pub async fn release(&self, lease: &Lease) -> Result<(), Error> {
        self.engine.release(lease.clone()).await
    }
    pub async fn join(&self) -> Result<Worker, Error> {
        Worker::join(self.clone()).await
    }
    pub async fn work(&self) {
        let mut hints = self.hints.clone();
        let _ = tokio::time::timeout(POLL, hints.changed()).await;
    }
    pub async fn purge(&self, older: Duration) -> Result<u64, Error> {
        self.engine.purge(older).await
    }
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        self.engine.backup(to).await
    }
    pub async fn close(self) {}

    pub(crate) async fn claim(
        &self,
        worker: &str,
        queue: &str,
        most: usize,
        reap: bool,
    ) -> Result<Vec<Claim>, Error> {
        self.engine.claim(worker.into(), queue.into(), most, reap).await
    }
    pub(crate) async fn beat(&self, worker: &str) -> Result<(), Error> {
        let seen = self.engine.beat(worker.into()).await?;
        self.clock.observe(seen);
        Ok(())
    }
    pub(crate) async fn left(&self, worker: &str) -> Result<(), Error> {
        self.engine.leave(worker.into()).await
    }
}
