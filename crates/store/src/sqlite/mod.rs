//! The SQLite engine: one thread that writes, a few connections that read.
//!
//! The file has a write-ahead log and is synced with every transaction, so what was answered is durable. Several processes
//! may share it; they wait for each other.

mod backup;
mod commit;
mod connect;
mod fault;
mod log;
mod read;
mod readers;
mod schema;
mod session;
mod work;
mod writer;

use crate::{
    Claim, Clock, Committed, Counts, EffectKey, EntryFilter, Erased, Error, Find, Found, Item, ItemFilter,
    KeptEntry, KeptEvent, Lease, Record, Row, Settings,
    clock::millis,
    effect::effect_hash,
    hints::Hints,
    prepared::Prepared,
    query::{Condition, as_i64},
    sql,
};
use audit::tree::{Frontier, Hash, Tile};
use readers::Readers;
use rusqlite::{Connection, OptionalExtension as _};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use writer::Writer;

/// A database file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path, settings: Settings, hints: Hints) -> Result<Self, Error> {
        let file = path.to_owned();
        blocking(move || {
            let connection = connect::writer(&file, settings.most_pages)?;
            learn_time(&connection, &settings.clock).map_err(|fault| fault::error(&fault))?;
            let writer = Writer::start(connection, settings.clock, hints).map_err(Error::failed)?;
            let readers = Readers::new(file.clone());
            Ok(Self {
                path: file,
                writer,
                readers,
            })
        })
        .await
    }

    pub(crate) async fn commit(&self, commit: Prepared) -> Result<Committed, Error> {
        self.writer
            .write(move |session| commit::commit(session, &commit))
            .await
    }

    pub(crate) fn transactions(&self) -> u64 {
        self.writer.transactions()
    }

    pub(crate) async fn event(&self, source: &str, id: &str) -> Result<Option<KeptEvent>, Error> {
        let (source, id) = (source.to_owned(), id.to_owned());
        self.readers
            .read(|connection| read::event(connection, source, id))
            .await
    }

    pub(crate) async fn items(&self, filter: &ItemFilter, most: usize) -> Result<Vec<Item>, Error> {
        let wanted = Condition::of_items(filter);
        self.readers
            .read(move |connection| read::items(connection, &wanted, as_i64(most as u64)))
            .await
    }

    pub(crate) async fn effect(&self, key: &EffectKey) -> Result<Option<Item>, Error> {
        let hash = effect_hash(key);
        self.readers
            .read(move |connection| read::effect(connection, hash))
            .await
    }

    pub(crate) async fn replay(&self, filter: &ItemFilter) -> Result<u64, Error> {
        let wanted = std::sync::Arc::new(Condition::of_replay(filter));
        let (mut above, mut total) = (0, 0);
        loop {
            let wanted = wanted.clone();
            let next = self
                .writer
                .write(move |session| work::replay(session, &wanted, above))
                .await?;
            let Some((last, replayed)) = next else {
                return Ok(total);
            };
            above = last;
            total += replayed;
        }
    }

    pub(crate) async fn counts(&self) -> Result<Counts, Error> {
        self.readers.read(read::counts).await
    }

    pub(crate) async fn waiting(&self, queue_prefix: &str) -> Result<u64, Error> {
        let prefix = queue_prefix.to_owned();
        self.readers
            .read(move |connection| read::waiting(connection, &prefix))
            .await
    }

    pub(crate) async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, Error> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.readers
            .read(move |connection| read::record(connection, &kind, &id))
            .await
    }

    pub(crate) async fn records_of(&self, kind: &str, ids: &[String]) -> Result<Vec<Record>, Error> {
        let (kind, ids) = (kind.to_owned(), ids.to_owned());
        self.readers
            .read(move |connection| read::records_of(connection, &kind, &ids))
            .await
    }

    pub(crate) async fn find_each(
        &self,
        kind: &str,
        terms: &[String],
        most: usize,
    ) -> Result<Vec<Vec<Found>>, Error> {
        let (kind, terms, most) = (kind.to_owned(), terms.to_owned(), as_i64(most as u64));
        self.readers
            .read(move |connection| read::find_each(connection, &kind, &terms, most))
            .await
    }

    pub(crate) async fn records(&self, kind: &str, most: usize) -> Result<Vec<Record>, Error> {
        let kind = kind.to_owned();
        self.readers
            .read(move |connection| read::records(connection, &kind, as_i64(most as u64)))
            .await
    }

    pub(crate) async fn find(&self, find: &Find, most: usize) -> Result<Vec<Found>, Error> {
        let (wanted, descending) = (Condition::of_find(find), find.descending);
        let page = [as_i64(most as u64), as_i64(find.skip as u64)];
        self.readers
            .read(move |connection| read::find(connection, &wanted, descending, page))
            .await
    }

    pub(crate) async fn count(&self, kind: &str, term: &str) -> Result<u64, Error> {
        let (kind, term) = (kind.to_owned(), term.to_owned());
        self.readers
            .read(move |connection| read::count(connection, &kind, &term))
            .await
    }

    pub(crate) async fn checkpoint(&self, name: &str) -> Result<Option<String>, Error> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| read::checkpoint(connection, &name))
            .await
    }

    /// Gives the fence.
    pub(crate) async fn lease(
        &self,
        name: &str,
        holder: &str,
        lasts: Duration,
    ) -> Result<Option<i64>, Error> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.writer
            .write(move |session| work::lease(session, &name, &holder, millis(lasts)))
            .await
    }

    pub(crate) async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let lease = lease.clone();
        self.writer
            .write(move |session| work::release(session, &lease))
            .await
    }

    pub(crate) async fn beat(&self, worker: &str) -> Result<(), Error> {
        let worker = worker.to_owned();
        self.writer
            .write(move |session| work::beat(session, &worker))
            .await
    }

    pub(crate) async fn leave(&self, worker: &str) -> Result<(), Error> {
        let worker = worker.to_owned();
        self.writer
            .write(move |session| work::leave(session, &worker))
            .await
    }

    pub(crate) async fn claim(&self, worker: &str, queue: &str, most: usize) -> Result<Vec<Claim>, Error> {
        let (worker, queue) = (worker.to_owned(), queue.to_owned());
        let most = as_i64(most as u64);
        self.writer
            .write(move |session| work::claim(session, &worker, &queue, most))
            .await
    }

    pub(crate) async fn purge_records(&self, kind: &str, older: Duration) -> Result<u64, Error> {
        let (kind, older) = (kind.to_owned(), millis(older));
        self.in_chunks(move |session| work::purge_records(session, &kind, older))
            .await
    }

    pub(crate) async fn purge(&self, older: Duration) -> Result<u64, Error> {
        let older = millis(older);
        let items = self.in_chunks(move |session| work::purge(session, sql::PURGE_ITEMS, older));
        let items = items.await?;
        let events = self.in_chunks(move |session| work::purge(session, sql::PURGE_EVENTS, older));
        Ok(items + events.await?)
    }

    /// Writes chunk by chunk until one is not full; gives how many rows there were.
    async fn in_chunks<F>(&self, write: F) -> Result<u64, Error>
    where
        F: FnMut(&mut session::Session<'_>) -> rusqlite::Result<u64> + Clone + Send + 'static,
    {
        let mut total = 0;
        loop {
            let rows = self.writer.write(write.clone()).await?;
            total += rows;
            if rows < work::CHUNK as u64 {
                return Ok(total);
            }
        }
    }

    pub(crate) async fn backup(&self, to: &Path) -> Result<(), Error> {
        let (from, to) = (self.path.clone(), to.to_owned());
        blocking(move || backup::backup(&from, &to)).await
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        // The last to close puts the write-ahead log into the file; a reader could not.
        self.writer.close().await;
    }

    pub(crate) async fn log(&self) -> Result<Frontier, Error> {
        self.readers.read(session::frontier).await
    }

    pub(crate) async fn entries(&self, filter: &EntryFilter, most: usize) -> Result<Vec<KeptEntry>, Error> {
        let wanted = Condition::of_entries(filter);
        self.readers
            .read(move |connection| log::entries(connection, &wanted, as_i64(most as u64)))
            .await
    }

    pub(crate) async fn rows(&self, from: u64, most: usize) -> Result<Vec<Row>, Error> {
        self.readers
            .read(move |connection| log::rows(connection, as_i64(from), as_i64(most as u64)))
            .await
    }

    pub(crate) async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        self.readers
            .read(move |connection| log::leaf_hashes(connection, as_i64(from), as_i64(to)))
            .await
    }

    pub(crate) async fn tiles(&self, level: u8, from: u64, to: u64) -> Result<Vec<Tile>, Error> {
        self.readers
            .read(move |connection| log::tiles(connection, level, as_i64(from), as_i64(to)))
            .await
    }

    pub(crate) async fn keep_checkpoint(&self, size: u64, note: &str) -> Result<(), Error> {
        let note = note.to_owned();
        self.writer
            .write(move |session| log::keep_checkpoint(session, as_i64(size), &note))
            .await
    }

    pub(crate) async fn log_checkpoints(&self, from: u64, most: usize) -> Result<Vec<String>, Error> {
        self.readers
            .read(move |connection| log::checkpoints(connection, as_i64(from), as_i64(most as u64)))
            .await
    }

    pub(crate) async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        let last = |connection: &Connection| {
            let mut statement = connection.prepare_cached(sql::LAST_LOG_CHECKPOINT)?;
            statement.query_row([], |row| row.get(0)).optional()
        };
        self.readers.read(last).await
    }

    pub(crate) async fn erase(&self, person: &str) -> Result<Erased, Error> {
        let person = person.to_owned();
        let erased = self
            .writer
            .write(move |session| log::erase(session, &person))
            .await?;
        self.empty_wal().await?;
        Ok(erased)
    }

    pub(crate) async fn erase_subject(&self, subject: &str) -> Result<u64, Error> {
        let subject = subject.to_owned();
        let erased = self
            .writer
            .write(move |session| log::erase_subject(session, &subject))
            .await?;
        self.empty_wal().await?;
        Ok(erased)
    }

    pub(crate) async fn expire(&self, end: u64) -> Result<u64, Error> {
        let end = as_i64(end);
        let total = self
            .in_chunks(move |session| log::expire(session, end, work::CHUNK))
            .await?;
        self.empty_wal().await?;
        Ok(total)
    }

    /// The write-ahead log still holds pages as they were before: it goes into the file and is cut off.
    async fn empty_wal(&self) -> Result<(), Error> {
        let path = self.path.clone();
        blocking(move || connect::empty_wal(&path)).await
    }
}

/// From now on, the clock is not behind what the database saw.
fn learn_time(connection: &Connection, clock: &Clock) -> rusqlite::Result<()> {
    let seen: i64 = connection.query_row(sql::SEE_TIME, [clock.now_ms()], |row| row.get(0))?;
    clock.saw(seen);
    Ok(())
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(act)
        .await
        .unwrap_or_else(|_| Err(fault::closed()))
}
