//! The one thread that writes, and how it puts many commits into one transaction.

use super::{fault, session::Session};
use crate::{Clock, Error, hints::Hints};
use rusqlite::Connection;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

/// The most writes of one transaction.
const MOST_TOGETHER: usize = 256;
/// The most writes that wait.
const MOST_WAITING: usize = 1_024;
/// How long a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the thread waits for as many writes as the last time, so that one sync serves all of a crowd.
const GATHERING: Duration = Duration::from_micros(500);

/// The way to the thread. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
    turns: Arc<Semaphore>,
    transactions: Arc<AtomicU64>,
}

enum Message {
    Write(Box<dyn Write>),
    /// Ends the thread; answered when the connection is closed.
    Close(oneshot::Sender<()>),
}

/// A write that waits for its answer.
trait Write: Send {
    /// Writes, or reads to decide; may be called again after a rollback.
    fn run(&mut self, session: &mut Session<'_>) -> rusqlite::Result<()>;
    /// Answers: what the last run gave, or why nothing was written.
    fn answer(self: Box<Self>, fault: Option<&rusqlite::Error>);
}

struct Job<T, F> {
    act: F,
    given: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
    _turn: OwnedSemaphorePermit,
}

impl<T, F> Write for Job<T, F>
where
    T: Send,
    F: FnMut(&mut Session<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, session: &mut Session<'_>) -> rusqlite::Result<()> {
        self.given = Some((self.act)(session)?);
        Ok(())
    }

    fn answer(self: Box<Self>, fault: Option<&rusqlite::Error>) {
        let answer = match (fault, self.given) {
            (None, Some(given)) => Ok(given),
            (Some(fault), _) => Err(fault::error(fault)),
            (None, None) => Err(fault::closed()),
        };
        // Whoever asked may have stopped waiting.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    /// Starts the thread; it ends when the last clone is dropped, or [`Writer::close`] is called.
    pub(super) fn start(connection: Connection, clock: Clock, hints: Hints) -> io::Result<Self> {
        let (messages, receiver) = mpsc::channel();
        let turns = Arc::new(Semaphore::new(MOST_WAITING));
        let transactions = Arc::default();
        let thread = Thread {
            transactions: Arc::clone(&transactions),
            connection,
            receiver,
            clock,
            hints,
            together: 1,
            reaped_ms: 0,
            saw_ms: 0,
        };
        thread::Builder::new()
            .name("store".into())
            .spawn(move || thread.run())?;
        Ok(Self {
            messages,
            turns,
            transactions,
        })
    }

    /// Runs in a transaction of the thread, together with what else waits; returns when it is durable.
    pub(super) async fn write<T, F>(&self, act: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Session<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = self.turn().await?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            act,
            given: None,
            reply,
            _turn: turn,
        };
        let sent = self.messages.send(Message::Write(Box::new(job)));
        sent.map_err(|_| fault::closed())?;
        answer.await.unwrap_or_else(|_| Err(fault::closed()))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let turns = self.turns.clone();
        if let Ok(turn) = turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        match timeout(PATIENCE, turns.acquire_owned()).await {
            Ok(turn) => turn.map_err(|_| fault::closed()),
            Err(_) => Err(Error::unavailable("too many writes wait")),
        }
    }

    /// How many transactions were committed so far.
    pub(super) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Finishes what was asked before, and closes the connection.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.messages.send(Message::Close(reply)).is_ok() {
            let _ = closed.await;
        }
    }
}

struct Thread {
    transactions: Arc<AtomicU64>,
    connection: Connection,
    receiver: mpsc::Receiver<Message>,
    clock: Clock,
    hints: Hints,
    /// How many writes the last transaction had.
    together: usize,
    /// When work of workers that are gone was looked for.
    reaped_ms: i64,
    /// When the last seen time was written.
    saw_ms: i64,
}

impl Thread {
    fn run(mut self) {
        while let Ok(first) = self.receiver.recv() {
            let (writes, close) = self.gather(first);
            self.together = writes.len();
            self.write(writes);
            if let Some(closed) = close {
                drop(self.connection);
                let _ = closed.send(());
                return;
            }
        }
    }

    /// Takes what waits. After a crowd, waits a moment for the crowd to come back: they were all answered at once, and the
    /// first to return should not have a sync for itself.
    fn gather(&self, first: Message) -> (Vec<Box<dyn Write>>, Option<oneshot::Sender<()>>) {
        let mut writes = Vec::with_capacity(self.together);
        let mut next = Some(first);
        let until = Instant::now() + GATHERING;
        while let Some(message) = next {
            match message {
                Message::Write(write) => writes.push(write),
                Message::Close(closed) => return (writes, Some(closed)),
            }
            next = self.next(writes.len(), until);
        }
        (writes, None)
    }

    /// The next message for a transaction that has so many already.
    fn next(&self, taken: usize, until: Instant) -> Option<Message> {
        if taken >= MOST_TOGETHER {
            return None;
        }
        let waits = self.receiver.try_recv().ok();
        let crowd_is_back = taken * 4 >= self.together * 3;
        if waits.is_some() || crowd_is_back {
            return waits;
        }
        let rest = until.saturating_duration_since(Instant::now());
        self.receiver.recv_timeout(rest).ok()
    }

    /// Writes all together. One that fails must harm nobody else, so then each is tried alone.
    fn write(&mut self, mut writes: Vec<Box<dyn Write>>) {
        let outcome = self.transaction(&mut writes);
        match outcome {
            Err(fault) if writes.len() > 1 && !fault::is_busy(&fault) => {
                for write in writes {
                    let mut alone = [write];
                    let outcome = self.transaction(&mut alone);
                    answer(alone, &outcome);
                }
            }
            outcome => answer(writes, &outcome),
        }
    }

    fn transaction(&mut self, writes: &mut [Box<dyn Write>]) -> rusqlite::Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let connection = &self.connection;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut session = Session::new(connection, &self.clock, &mut self.reaped_ms);
        let outcome = session
            .see_time(&mut self.saw_ms)
            .and_then(|()| writes.iter_mut().try_for_each(|write| write.run(&mut session)))
            .and_then(|()| session.finish())
            .and_then(|wakes| connection.prepare_cached("COMMIT")?.execute([]).map(|_| wakes));
        match outcome {
            Ok(wakes) => {
                self.transactions.fetch_add(1, Ordering::Relaxed);
                if wakes {
                    self.hints.give();
                }
                Ok(())
            }
            Err(fault) => {
                self.saw_ms = 0;
                // Some faults have rolled back already.
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                Err(fault)
            }
        }
    }
}

fn answer(writes: impl IntoIterator<Item = Box<dyn Write>>, outcome: &rusqlite::Result<()>) {
    for write in writes {
        write.answer(outcome.as_ref().err());
    }
}
