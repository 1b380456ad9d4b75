//! The one thread that writes: it puts all work that waits into one transaction, so that one fsync serves many.

use super::trouble;
use crate::{Error, clock::Clock, sql};
use audit::tree::Frontier;
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};
use tokio::sync::{oneshot, watch};

/// Most pieces of work that wait for the thread; more wait in their callers.
const QUEUE: usize = 4096;
/// Most pieces of work in one transaction.
const MOST_AT_ONCE: usize = 256;

/// The transaction under way, as the work in it sees it.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    /// The store's time.
    pub(super) now: i64,
    /// The audit log's head; read once, written once.
    head: Option<Frontier>,
    /// Whether there is new work for workers.
    pub(super) woken: bool,
}

impl Batch<'_> {
    /// Executes a statement; gives how many rows it changed.
    pub(super) fn execute(&self, text: &str, given: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.connection
            .prepare_cached(&super::dialect(text))?
            .execute(given)
    }

    /// The head of the audit log, to be appended to.
    pub(super) fn head(&mut self) -> rusqlite::Result<&mut Frontier> {
        if self.head.is_none() {
            self.head = Some(super::log::head(self.connection)?);
        }
        // It was filled just now.
        Ok(self.head.get_or_insert_default())
    }

    fn finish(self) -> rusqlite::Result<bool> {
        if let Some(head) = &self.head {
            self.execute(sql::SET_HEAD, params![head.size() as i64, head.to_bytes()])?;
        }
        Ok(self.woken)
    }
}

/// A piece of work. It may run more than once, but what it wrote counts once.
trait Work: Send {
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;
    fn end(self: Box<Self>, committed: Result<(), Error>);
}

struct Asked<T, F> {
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send> Work for Asked<T, F> {
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.value = Some((self.work)(batch)?);
        Ok(())
    }

    fn end(self: Box<Self>, committed: Result<(), Error>) {
        let Self { value, reply, .. } = *self;
        let value = committed.and_then(|()| value.ok_or_else(Error::closed));
        // Whoever asked may be gone; what was written stays written.
        let _ = reply.send(value);
    }
}

/// The way to the thread, which ends when the last of these is dropped.
#[derive(Clone)]
pub(super) struct Writer {
    work: SyncSender<Box<dyn Work>>,
}

impl Writer {
    /// Starts the thread. `hints` is changed whenever there is new work for workers.
    pub(super) fn start(connection: Connection, clock: Clock, hints: watch::Sender<u64>) -> io::Result<Self> {
        let (work, waiting) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("store".into())
            .spawn(move || run(&connection, &clock, &hints, &waiting))?;
        Ok(Self { work })
    }

    /// Has the work done; returns when what it wrote is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let asked: Box<dyn Work> = Box::new(Asked {
            work,
            value: None,
            reply,
        });
        if let Err(std::sync::mpsc::TrySendError::Full(asked)) = self.work.try_send(asked) {
            let queue = self.work.clone();
            // The disk can't keep up: the caller waits its turn, off the async threads.
            let _ = tokio::task::spawn_blocking(move || queue.send(asked).is_ok()).await;
        }
        answer.await.unwrap_or_else(|_| Err(Error::closed()))
    }
}

fn run(
    connection: &Connection,
    clock: &Clock,
    hints: &watch::Sender<u64>,
    waiting: &Receiver<Box<dyn Work>>,
) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(MOST_AT_ONCE - 1));
        write(connection, clock, hints, batch);
    }
    // Leaves one file behind instead of three.
    let _ = connection.pragma_update(None, "wal_checkpoint", "TRUNCATE");
}

fn write(connection: &Connection, clock: &Clock, hints: &watch::Sender<u64>, mut batch: Vec<Box<dyn Work>>) {
    match transact(connection, clock, &mut batch) {
        Ok(woken) => {
            batch.into_iter().for_each(|work| work.end(Ok(())));
            if woken {
                hints.send_modify(|hint| *hint = hint.wrapping_add(1));
            }
        }
        Err(error) if batch.len() > 1 && trouble::is_of_one(&error) => {
            // One of them is at fault: each for itself, so that it harms nobody else.
            for work in batch {
                write(connection, clock, hints, vec![work]);
            }
        }
        Err(error) => {
            for work in batch {
                work.end(Err(trouble::read(&error)));
            }
        }
    }
}

/// All of it or nothing.
fn transact(
    connection: &Connection,
    clock: &Clock,
    batch: &mut [Box<dyn Work>],
) -> Result<bool, rusqlite::Error> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let written = work(connection, clock, batch)
        .and_then(|woken| connection.prepare_cached("COMMIT")?.execute([]).map(|_| woken));
    if written.is_err() && !connection.is_autocommit() {
        // Should this fail too, the next BEGIN says so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    written
}

fn work(
    connection: &Connection,
    clock: &Clock,
    batch: &mut [Box<dyn Work>],
) -> Result<bool, rusqlite::Error> {
    let mut view = Batch {
        connection,
        now: clock.now_ms(),
        head: None,
        woken: false,
    };
    for work in batch {
        work.run(&mut view)?;
    }
    view.finish()
}

/// The first row of a query, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    text: &str,
    given: impl rusqlite::Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection
        .prepare_cached(&super::dialect(text))?
        .query_row(given, read)
        .optional()
}
