//! The way to the data, whatever the engine.

#[cfg(feature = "postgres")]
use crate::postgres::Postgres;
use crate::{
    Clock, Commit, Committed, Counts, EffectKey, Error, Item, ItemFilter, KeptEvent, Lease, Record, Worker,
    hints::{Hints, Waiting},
    prepared::{self, Prepared},
    sqlite::Sqlite,
};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where data is kept.
#[derive(Clone)]
pub enum Location {
    /// A SQLite file, made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL database by its URL (a secret: it may hold a password).
    Postgres(String),
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

/// What can be different from store to store.
#[derive(Clone)]
pub struct Settings {
    /// Where time comes from; tests steer it ([`Clock::steered`]).
    pub clock: Clock,
    /// How many pages (of 4 KiB) a SQLite file may have; beyond that, it is as if the disk were full.
    pub most_pages: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clock: Clock::machine(),
            most_pages: None,
        }
    }
}

/// The way to the data. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) engine: Engine,
    waiting: Waiting,
    clock: Clock,
}

/// The kinds of database. Both have the same methods.
#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

/// Calls a method of the engine, whichever it is.
macro_rules! on_engine {
    ($engine:expr, $method:ident ( $($argument:expr),* )) => {
        match &$engine {
            $crate::store::Engine::Sqlite(engine) => engine.$method($($argument),*).await,
            #[cfg(feature = "postgres")]
            $crate::store::Engine::Postgres(engine) => engine.$method($($argument),*).await,
        }
    };
}
pub(crate) use on_engine;

impl Store {
    /// Opens the database, makes it if need be, and brings its schema up to date.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Self::open_with(location, Settings::default()).await
    }

    /// Opens the database with settings of one's own.
    pub async fn open_with(location: &Location, settings: Settings) -> Result<Self, Error> {
        let hints = Hints::new();
        let waiting = hints.waiting();
        let clock = settings.clock.clone();
        let engine = match location {
            Location::Sqlite(path) => Engine::Sqlite(Sqlite::open(path, settings, hints).await?),
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => Engine::Postgres(Postgres::open(url, settings, hints).await?),
            #[cfg(not(feature = "postgres"))]
            Location::Postgres(_) => {
                let what = "this Trunkline was built without PostgreSQL; build it with the feature postgres, or name a SQLite file";
                return Err(Error::Unsupported { what });
            }
        };
        Ok(Self {
            engine,
            waiting,
            clock,
        })
    }

    /// Writes; returns when it is durable. If the caller stops waiting, it may be written all the same.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        let prepared = Prepared::new(commit)?;
        on_engine!(self.engine, commit(prepared))
    }

    /// How many transactions this store has committed so far: many commits share one. `None` for PostgreSQL, where the
    /// server puts them together.
    pub fn transactions(&self) -> Option<u64> {
        match &self.engine {
            Engine::Sqlite(engine) => Some(engine.transactions()),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => None,
        }
    }

    /// Whether it is a server's, which other processes, also on other machines, may write to at the same time.
    pub fn is_shared(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => true,
        }
    }

    /// The store's time, so long ago.
    pub(crate) fn ago(&self, span: Duration) -> i64 {
        self.clock.now_ms().saturating_sub(crate::clock::millis(span))
    }

    /// An event of the inbox.
    pub async fn event(&self, source: &str, id: &str) -> Result<Option<KeptEvent>, Error> {
        on_engine!(self.engine, event(source, id))
    }

    /// Newest items first.
    pub async fn items(&self, filter: &ItemFilter, most: usize) -> Result<Vec<Item>, Error> {
        on_engine!(self.engine, items(filter, most))
    }

    /// The item of an effect.
    pub async fn effect(&self, key: &EffectKey) -> Result<Option<Item>, Error> {
        on_engine!(self.engine, effect(key))
    }

    /// Makes dead items ready again, with no failures; gives how many. Done ones only if the filter names their state or
    /// their number. Held and waiting ones are left alone.
    pub async fn replay(&self, filter: &ItemFilter) -> Result<u64, Error> {
        on_engine!(self.engine, replay(filter))
    }

    /// How much there is of everything.
    pub async fn counts(&self) -> Result<Counts, Error> {
        on_engine!(self.engine, counts())
    }

    /// How many items wait, behind another or not, in the queues whose names begin like this.
    pub async fn waiting(&self, queue_prefix: &str) -> Result<u64, Error> {
        on_engine!(self.engine, waiting(queue_prefix))
    }

    /// A record.
    pub async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, Error> {
        on_engine!(self.engine, record(kind, id))
    }

    /// Those of these records that are there, in no order: one question instead of many.
    pub async fn records_of(&self, kind: &str, ids: &[String]) -> Result<Vec<Record>, Error> {
        on_engine!(self.engine, records_of(kind, ids))
    }

    /// Records of a kind, the last written first.
    pub async fn records(&self, kind: &str, most: usize) -> Result<Vec<Record>, Error> {
        on_engine!(self.engine, records(kind, most))
    }

    /// How far something has come.
    pub async fn checkpoint(&self, name: &str) -> Result<Option<String>, Error> {
        on_engine!(self.engine, checkpoint(name))
    }

    /// Takes or renews a lease; `None` while another holder has it.
    pub async fn lease(&self, name: &str, holder: &str, lasts: Duration) -> Result<Option<Lease>, Error> {
        prepared::name("the name of a lease", name)?;
        prepared::name("the holder of a lease", holder)?;
        let fence = on_engine!(self.engine, lease(name, holder, lasts))?;
        let name = name.to_owned();
        Ok(fence.map(|fence| Lease { name, fence }))
    }

    /// Gives a lease back. One that somebody else has by now is left alone.
    pub async fn release(&self, lease: &Lease) -> Result<(), Error> {
        on_engine!(self.engine, release(lease))
    }

    /// Joins the processes that do work.
    pub async fn join(&self) -> Result<Worker, Error> {
        Worker::join(self.engine.clone()).await
    }

    /// Returns when there may be new work: at the latest after the poll interval ([`crate::POLL`]).
    ///
    /// Each loop that waits should have a clone of its own: a hint that a clone has seen is not told to it again.
    pub async fn work(&self) {
        self.waiting.hint().await;
    }

    /// Removes events and done items that are older than this, dead letters (and their events) not; gives how many.
    pub async fn purge(&self, older: Duration) -> Result<u64, Error> {
        on_engine!(self.engine, purge(older))
    }

    /// Copies a SQLite database to a new file while it is in use.
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        on_engine!(self.engine, backup(to))
    }

    /// Finishes what is under way and closes the database. Clones get [`Error::Unavailable`] from then on.
    pub async fn close(self) {
        on_engine!(self.engine, close());
    }
}
