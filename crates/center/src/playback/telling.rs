//! What is told of sessions: audit entries and webhooks, in order, and never so that a frame waits for it.

use super::{book::Stability, books, session::Session};
use crate::clock::Clock;
use audit::Entry;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use store::{Commit, Store};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};
use webhooks::{Subscribers, intents};
use wire::{
    UtcTime,
    ids::CorrelationId,
    playback::{Action, Session as Wired},
};

/// Most events that wait to be told; what is more is counted.
const QUEUE: usize = 16_384;
/// Most events in one commit.
const MOST_AT_ONCE: usize = 128;
/// How often a commit that failed is tried again, and how long it is waited before: a database that is started anew is waited for.
const TRIES: u32 = 60;
const WAIT_BETWEEN: Duration = Duration::from_millis(500);
/// How long what is owed may take when the center closes.
const CLOSING_PATIENCE: Duration = Duration::from_secs(10);

/// What happened to a session.
#[derive(Debug, Clone)]
pub(super) enum What {
    Created,
    Controlled(Action),
    /// It is over; how its client's sessions did so far.
    Ended {
        stability: Stability,
        by_directive: bool,
    },
}

/// Something that is to be told, with the session as it was then.
pub(super) struct Told {
    pub(super) what: What,
    pub(super) session: Arc<Session>,
    pub(super) view: Wired,
    pub(super) at: UtcTime,
    /// From the receipt of the directive to its effect.
    pub(super) took: Option<Duration>,
    pub(super) correlation: CorrelationId,
}

impl Told {
    pub(super) fn created(session: &Arc<Session>) -> Self {
        Self::of(session, What::Created)
    }

    pub(super) fn controlled(
        session: &Arc<Session>,
        action: Action,
        correlation: CorrelationId,
        took: Duration,
    ) -> Self {
        Self {
            took: Some(took),
            correlation,
            ..Self::of(session, What::Controlled(action))
        }
    }

    pub(super) fn ended(session: &Arc<Session>, stability: Stability) -> Self {
        let by_directive = false;
        Self::of(
            session,
            What::Ended {
                stability,
                by_directive,
            },
        )
    }

    /// It was a directive that ended it.
    pub(super) fn by(self, correlation: CorrelationId, took: Duration) -> Self {
        let what = match self.what {
            What::Ended { stability, .. } => What::Ended {
                stability,
                by_directive: true,
            },
            other => other,
        };
        Self {
            what,
            took: Some(took),
            correlation,
            ..self
        }
    }

    fn of(session: &Arc<Session>, what: What) -> Self {
        Self {
            what,
            session: session.clone(),
            view: session.view(),
            at: Clock::utc(),
            took: None,
            correlation: session.facts.correlation.clone(),
        }
    }
}

/// What waits in the queue: boxed, because it is large.
enum Item {
    Told(Box<Told>),
    /// An entry alone: a directive that was refused.
    Entry(Box<Entry>),
    /// Nothing comes after it.
    Last,
}

/// The way to the task.
#[derive(Clone)]
pub(super) struct Teller {
    queue: mpsc::Sender<Item>,
    /// What was not told, because the queue was full or the store failed for too long.
    untold: Arc<AtomicU64>,
}

/// The task.
pub(super) struct Telling {
    task: JoinHandle<()>,
}

/// Begins to tell.
pub(super) fn start(store: Store, subscribers: Arc<Subscribers>) -> (Teller, Telling) {
    let (queue, inbox) = mpsc::channel(QUEUE);
    let untold = Arc::new(AtomicU64::new(0));
    let task = tokio::spawn(tell_all(inbox, store, subscribers, untold.clone()));
    (Teller { queue, untold }, Telling { task })
}

impl Teller {
    /// To be told, if there is room.
    pub(super) fn tell(&self, told: Told) {
        self.put(Item::Told(Box::new(told)));
    }

    /// To be noted, if there is room.
    pub(super) fn note(&self, entry: Entry) {
        self.put(Item::Entry(Box::new(entry)));
    }

    /// How much was not told.
    pub(super) fn untold(&self) -> u64 {
        self.untold.load(Relaxed)
    }

    /// Nothing is told from now on.
    pub(super) async fn end(&self) {
        let _ = self.queue.send(Item::Last).await;
    }

    fn put(&self, item: Item) {
        if self.queue.try_send(item).is_err() && self.untold.fetch_add(1, Relaxed) == 0 {
            tracing::error!(
                "more happens to playback sessions than can be told; the status counts what is not"
            );
        }
    }
}

impl Telling {
    /// Waits until all is told, for a while. To be called after [`Teller::end`].
    pub(super) async fn close(mut self) {
        if tokio::time::timeout(CLOSING_PATIENCE, &mut self.task)
            .await
            .is_err()
        {
            tracing::error!("not all of the playback sessions could be told before the center closed");
            self.task.abort();
        }
    }
}

async fn tell_all(
    mut inbox: mpsc::Receiver<Item>,
    store: Store,
    subscribers: Arc<Subscribers>,
    untold: Arc<AtomicU64>,
) {
    let mut items = Vec::with_capacity(MOST_AT_ONCE);
    while inbox.recv_many(&mut items, MOST_AT_ONCE).await > 0 {
        let last = items.iter().position(|item| matches!(item, Item::Last));
        items.truncate(last.unwrap_or(usize::MAX));
        let count = items.len() as u64;
        let told = tell(&items, &store, &subscribers).await;
        items.clear();
        if let Err(error) = told {
            untold.fetch_add(count, Relaxed);
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, count, "what happened to playback sessions can't be told");
        }
        if last.is_some() {
            return;
        }
    }
}

/// Why something is not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("the endpoints of webhooks can't be read")]
    Endpoints(#[from] Arc<store::Error>),
    #[error("the store does not take it")]
    Store(#[from] store::Error),
}

/// Tells these in commits of a bounded size: each owes a delivery to every endpoint.
async fn tell(items: &[Item], store: &Store, subscribers: &Subscribers) -> Result<(), Untold> {
    let mut tries = 0;
    let endpoints = loop {
        match subscribers.current().await {
            Ok(endpoints) => break endpoints,
            Err(error) if tries == TRIES => return Err(error.into()),
            Err(_) => tries += 1,
        }
        sleep(WAIT_BETWEEN).await;
    };
    let per_commit = (store::MOST_PARTS / endpoints.len().max(1)).max(1);
    for some in items.chunks(per_commit) {
        let entries: Vec<_> = some.iter().filter_map(entry_of).collect();
        let owed: Vec<_> = some
            .iter()
            .filter_map(event_of)
            .flat_map(|event| intents(endpoints.iter(), &event))
            .collect();
        let commit = || Commit {
            intents: owed.clone(),
            audit: entries.clone(),
            ..Commit::default()
        };
        let mut tries = 0;
        while let Err(error) = store.commit(commit()).await {
            if tries == TRIES {
                return Err(error.into());
            }
            tries += 1;
            sleep(WAIT_BETWEEN).await;
        }
    }
    Ok(())
}

fn entry_of(item: &Item) -> Option<Entry> {
    match item {
        Item::Told(told) => Some(books::entry(told)),
        Item::Entry(entry) => Some((**entry).clone()),
        Item::Last => None,
    }
}

fn event_of(item: &Item) -> Option<webhooks::OutEvent> {
    let Item::Told(told) = item else {
        return None;
    };
    books::event(told)
        // Ids are UUIDs, and the body is small.
        .inspect_err(|faults| tracing::error!(%faults, "an event of a playback session can't be told"))
        .ok()
}
