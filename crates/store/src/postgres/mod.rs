//! The PostgreSQL engine. (Placeholder: `Postgres` needs the methods that `sqlite::Sqlite` has.)

use crate::{
    Claim, Committed, Counts, EffectKey, EntryFilter, Erased, Error, Item, ItemFilter, KeptEntry, KeptEvent,
    Lease, Record, Row, Settings, hints::Hints, prepared::Prepared,
};
use audit::tree::{Frontier, Hash, Tile};
use std::{path::Path, time::Duration};

/// Not there yet: it can't be opened.
#[derive(Clone)]
pub(crate) enum Postgres {}

#[allow(clippy::unused_async)]
impl Postgres {
    pub(crate) async fn open(_url: &str, _settings: Settings, _hints: Hints) -> Result<Self, Error> {
        Err(Error::Unsupported {
            what: "PostgreSQL is not there yet; name a SQLite file",
        })
    }
}

/// What every engine has.
macro_rules! methods {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Postgres {
            $(pub(crate) async fn $name(&self, $($argument: $type),*) -> $answer {
                $(let _ = $argument;)*
                match *self {}
            })*
        }
    };
}

methods! {
    commit(commit: Prepared) -> Result<Committed, Error>;
    event(source: &str, id: &str) -> Result<Option<KeptEvent>, Error>;
    items(filter: &ItemFilter, most: usize) -> Result<Vec<Item>, Error>;
    effect(key: &EffectKey) -> Result<Option<Item>, Error>;
    replay(filter: &ItemFilter) -> Result<u64, Error>;
    counts() -> Result<Counts, Error>;
    record(kind: &str, id: &str) -> Result<Option<Record>, Error>;
    records(kind: &str, most: usize) -> Result<Vec<Record>, Error>;
    checkpoint(name: &str) -> Result<Option<String>, Error>;
    lease(name: &str, holder: &str, lasts: Duration) -> Result<Option<i64>, Error>;
    release(lease: &Lease) -> Result<(), Error>;
    beat(worker: &str) -> Result<(), Error>;
    leave(worker: &str) -> Result<(), Error>;
    claim(worker: &str, queue: &str, most: usize) -> Result<Vec<Claim>, Error>;
    purge(older: Duration) -> Result<u64, Error>;
    backup(to: &Path) -> Result<(), Error>;
    close() -> ();
    log() -> Result<Frontier, Error>;
    entries(filter: &EntryFilter, most: usize) -> Result<Vec<KeptEntry>, Error>;
    rows(from: u64, most: usize) -> Result<Vec<Row>, Error>;
    leaf_hashes(from: u64, to: u64) -> Result<Vec<Hash>, Error>;
    tiles(level: u8, from: u64, to: u64) -> Result<Vec<Tile>, Error>;
    keep_checkpoint(size: u64, note: &str) -> Result<(), Error>;
    log_checkpoints(from: u64, most: usize) -> Result<Vec<String>, Error>;
    last_checkpoint() -> Result<Option<String>, Error>;
    erase(person: &str) -> Result<Erased, Error>;
    expire(older: Duration) -> Result<u64, Error>;
}
