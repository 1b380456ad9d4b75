//! Agents' desktops (`/agent/{id}`): each learns every change of its tasks once and in order, as a numbered event.
//!
//! An agent's events are records, numbered by the version of the record `desk` of the agent: the commit that changes a task writes
//! the event and moves the number on. So what a desktop missed is there for it, whoever wrote it, and from whichever center it asks.

mod api;
mod guard;
mod origin;
mod stream;

pub(crate) use api::{deed, page, snapshot};
pub(crate) use guard::{Access, OverTls, admit};
pub(crate) use stream::events;

use flow::task::Roster;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{Commit, Committed, Expect, Put, Store, Terms};
use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore, watch};
use wire::{desk::DeskEvent, ids::AgentId};

/// The kind of the records whose versions number the events, one per agent.
pub(crate) const DESK: &str = "desk";
/// The kind of the events' records.
pub(crate) const EVENT: &str = "desk-event";
/// How long events are kept for desktops that missed them.
pub(crate) const EVENTS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The largest body of what is done on a desktop: it has a note at the most.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most streams of one agent.
const MOST_STREAMS_EACH: usize = 8;
/// Most streams of all agents.
const MOST_STREAMS: usize = 1_000;

/// The desktops of a center.
pub(crate) struct Desks {
    store: Store,
    seats: BTreeMap<AgentId, Seat>,
    streams: Arc<Semaphore>,
    access: Access,
    /// Where the center is reached.
    base_url: String,
}

/// What this process knows of an agent's desktop.
struct Seat {
    /// The number of the last event, as far as it is known. Held while an event is written: changes of one desktop go one after the
    /// other in this process, so that they seldom collide in the store.
    last: Mutex<Option<i64>>,
    /// Tells those who follow that there is more.
    news: watch::Sender<()>,
    streams: Arc<Semaphore>,
}

/// The right to follow an agent's desktop, one of few.
struct Place {
    news: watch::Receiver<()>,
    _each: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Desks {
    pub(crate) fn new(store: Store, roster: &Roster, access: Access, base_url: String) -> Self {
        let seat = |agent: &flow::task::Agent| {
            let seat = Seat {
                last: Mutex::new(None),
                news: watch::Sender::new(()),
                streams: Arc::new(Semaphore::new(MOST_STREAMS_EACH)),
            };
            (agent.id.clone(), seat)
        };
        Self {
            store,
            seats: roster.all().iter().map(seat).collect(),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            access,
            base_url,
        }
    }

    /// Where an agent's desktop is; with its key, if it needs one.
    pub(crate) fn link(&self, agent: &AgentId) -> String {
        format!("{}/agent/{agent}{}", self.base_url, self.access.query(agent))
    }

    /// Commits what has changed, and what desktops learn of it, at most one event for each. A conflict may also come from another
    /// event of one of them.
    pub(crate) async fn commit(
        &self,
        mut commit: Commit,
        told: Vec<(AgentId, DeskEvent)>,
    ) -> Result<Committed, store::Error> {
        // In the order of the ids: two commits that tell the same agents don't wait for each other.
        let told: BTreeMap<AgentId, DeskEvent> = told.into_iter().collect();
        let mut held = Vec::with_capacity(told.len());
        for (agent, event) in &told {
            let seat = self.seats.get(agent);
            let mut last = match seat {
                Some(seat) => Some(seat.last.lock().await),
                None => None,
            };
            // Forgotten until it is known that the commit is done.
            let known = last.as_mut().and_then(|last| last.take());
            let number = match known {
                Some(number) => number,
                None => self.cursor(agent).await?,
            };
            write(&mut commit, agent, event, number);
            held.push((seat, last, number + 1));
        }
        let committed = self.store.commit(commit).await?;
        if committed == Committed::Done {
            held.into_iter()
                .for_each(|(seat, last, number)| Self::tell(seat, last, number));
        }
        Ok(committed)
    }

    fn tell(seat: Option<&Seat>, last: Option<MutexGuard<'_, Option<i64>>>, number: i64) {
        if let Some(mut last) = last {
            *last = Some(number);
        }
        if let Some(seat) = seat {
            seat.news.send_replace(());
        }
    }

    /// The number of an agent's last event; 0 when there was none yet.
    async fn cursor(&self, agent: &AgentId) -> Result<i64, store::Error> {
        let desk = self.store.record(DESK, agent.as_str()).await?;
        Ok(desk.map_or(0, |desk| desk.version))
    }

    /// A place to follow an agent's desktop from, if there is one left.
    fn place(&self, agent: &AgentId) -> Option<Place> {
        let seat = self.seats.get(agent)?;
        Some(Place {
            news: seat.news.subscribe(),
            _each: seat.streams.clone().try_acquire_owned().ok()?,
            _all: self.streams.clone().try_acquire_owned().ok()?,
        })
    }
}

/// Adds the event after number `last`.
fn write(commit: &mut Commit, agent: &AgentId, event: &DeskEvent, last: i64) {
    let number = last + 1;
    let desk = Put {
        kind: DESK.into(),
        id: agent.to_string(),
        body: Some("{}".into()),
        expect: if last == 0 {
            Expect::Absent
        } else {
            Expect::Version(last)
        },
    };
    let id = format!("{agent}:{number:020}");
    let event = Put {
        kind: EVENT.into(),
        id: id.clone(),
        // An event is text and numbers: that always can be written as JSON.
        body: Some(serde_json::to_string(event).unwrap_or_default()),
        expect: Expect::Absent,
    };
    commit.records.extend([desk, event]);
    commit.terms.push(Terms {
        kind: EVENT.into(),
        id,
        terms: vec![(agent.to_string(), number)],
    });
}
