//! The audit log in the store.

use super::AuditLog;
use ::audit::Entry;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{Commit, Store};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Instant, sleep},
};

/// Most entries that wait for the store.
const MOST_WAITING: usize = 4096;
/// Most entries in one commit.
const MOST_AT_ONCE: usize = 256;
/// How long entries are tried again while the store can't be reached.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Writes entries to a store, in order, by a task of its own. Cheap to clone.
///
/// Entries are durable a commit later; [`AuditLog::settle`] waits for that. While the store can't be reached, up to 4,096
/// entries wait for it; what has no room any more, or has waited for a minute, is lost, which an error in the log tells.
#[derive(Clone)]
pub struct StoreLog {
    messages: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
}

enum Message {
    Entry(Box<Entry>),
    Settle(oneshot::Sender<()>),
}

impl StoreLog {
    /// A log in this store. Must be called within a tokio runtime.
    pub fn new(store: Store) -> Self {
        let (messages, waiting) = mpsc::channel(MOST_WAITING);
        let lost = Arc::default();
        tokio::spawn(write(store, waiting, Arc::clone(&lost)));
        Self { messages, lost }
    }

    /// How many entries were lost so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl AuditLog for StoreLog {
    fn record(&self, entry: Entry) {
        if let Err(error) = self.messages.try_send(Message::Entry(Box::new(entry))) {
            let (TrySendError::Full(message) | TrySendError::Closed(message)) = error;
            if let Message::Entry(entry) = message {
                tell_lost(&self.lost, &[*entry], "too many entries wait for the store");
            }
        }
    }

    fn settle(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let (done, settled) = oneshot::channel();
            if self.messages.send(Message::Settle(done)).await.is_ok() {
                let _ = settled.await;
            }
        })
    }
}

async fn write(store: Store, mut waiting: mpsc::Receiver<Message>, lost: Arc<AtomicU64>) {
    let mut messages = Vec::with_capacity(MOST_AT_ONCE);
    while waiting.recv_many(&mut messages, MOST_AT_ONCE).await > 0 {
        let mut entries = Vec::new();
        let mut settled = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Entry(entry) => entries.push(*entry),
                Message::Settle(done) => settled.push(done),
            }
        }
        if !entries.is_empty() {
            commit(&store, entries, &lost).await;
        }
        for done in settled {
            let _ = done.send(());
        }
    }
}

async fn commit(store: &Store, entries: Vec<Entry>, lost: &AtomicU64) {
    let begun = Instant::now();
    loop {
        let audit = entries.clone();
        let Err(error) = store
            .commit(Commit {
                audit,
                ..Commit::default()
            })
            .await
        else {
            return;
        };
        if begun.elapsed() > PATIENCE {
            return tell_lost(lost, &entries, &error.to_string());
        }
        tracing::warn!(%error, "audit entries wait for the store");
        sleep(PAUSE).await;
    }
}

fn tell_lost(lost: &AtomicU64, entries: &[Entry], why: &str) {
    lost.fetch_add(entries.len() as u64, Ordering::Relaxed);
    for entry in entries {
        // Not its texts: they may be personal.
        let (action, subject) = (&entry.action, &entry.subject);
        tracing::error!(why, action, subject, at = %entry.at, "an audit entry is lost");
    }
}
