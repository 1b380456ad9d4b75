//! What is accepted is never lost, and never done twice.
#![allow(clippy::todo, missing_docs, unused_variables)] // SKETCH: goes with the first implementation.

mod audit_log;
mod model;

pub use audit_log::{EntryFilter, Erased, KeptEntry, Row};
pub use model::{
    Advance, Claim, ClaimId, Commit, Committed, Counts, EffectKey, Event, Expect, Finish, Intent, Item,
    ItemFilter, ItemId, ItemState, KeptEvent, Lease, Put, Record,
};

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Where data is kept.
#[derive(Debug, Clone)]
pub enum Location {
    /// A SQLite file, made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL database by its URL (a secret: it may hold a password).
    Postgres(String),
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be reached, or does not answer in time. It may be better soon.
    #[error("the database can't be reached or does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no room on the disk.
    #[error("the disk of the database is full; make room, nothing that was accepted is lost")]
    Full,
    /// The database was made by a newer Trunkline.
    #[error("the database has schema version {found}, this Trunkline knows {known}; use a newer Trunkline")]
    Newer { found: i64, known: i64 },
    /// The database refuses what it should take.
    #[error("the database failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The way to the data. Cheap to clone.
#[derive(Clone)]
pub struct Store {}

/// A process that does work: what it claims is its own as long as it lives.
pub struct Worker {}

impl Store {
    /// Opens the database, makes it if need be, and brings its schema up to date.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        todo!()
    }
    /// Writes; returns when it is durable.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        todo!()
    }
    /// An event of the inbox.
    pub async fn event(&self, source: &str, id: &str) -> Result<Option<KeptEvent>, Error> {
        todo!()
    }
    /// Newest items first.
    pub async fn items(&self, filter: &ItemFilter, most: usize) -> Result<Vec<Item>, Error> {
        todo!()
    }
    /// The item of an effect.
    pub async fn effect(&self, key: &EffectKey) -> Result<Option<Item>, Error> {
        todo!()
    }
    /// Makes dead (or done) items ready again, with no failures; gives how many. Held and waiting ones are left alone.
    pub async fn replay(&self, filter: &ItemFilter) -> Result<u64, Error> {
        todo!()
    }
    pub async fn counts(&self) -> Result<Counts, Error> {
        todo!()
    }
    pub async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, Error> {
        todo!()
    }
    /// Records of a kind, the last written first.
    pub async fn records(&self, kind: &str, most: usize) -> Result<Vec<Record>, Error> {
        todo!()
    }
    /// How far something has come.
    pub async fn checkpoint(&self, name: &str) -> Result<Option<String>, Error> {
        todo!()
    }
    /// Takes or renews a lease; `None` while another holder has it.
    pub async fn lease(&self, name: &str, holder: &str, lasts: Duration) -> Result<Option<Lease>, Error> {
        todo!()
    }
    /// Gives a lease back.
    pub async fn release(&self, lease: &Lease) -> Result<(), Error> {
        todo!()
    }
    /// Joins the processes that do work.
    pub async fn join(&self) -> Result<Worker, Error> {
        todo!()
    }
    /// Returns when there may be new work: at the latest after the poll interval.
    pub async fn work(&self) {
        todo!()
    }
    /// Removes events and finished items that are older than this, dead letters not; gives how many.
    pub async fn purge(&self, older: Duration) -> Result<u64, Error> {
        todo!()
    }
    /// Copies a SQLite database to a new file while it is in use.
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        todo!()
    }
    /// Finishes what is under way and closes the database.
    pub async fn close(self) {
        todo!()
    }
}

impl Worker {
    /// Claims work that is due, oldest first. Each item is held until it is finished, or the process is gone, or a minute has passed.
    pub async fn claim(&self, queue: &str, most: usize) -> Result<Vec<Claim>, Error> {
        todo!()
    }
    /// Leaves; what is still held can be claimed by others at once.
    pub async fn leave(self) {
        todo!()
    }
}
