//! The sessions of all clients: those that are live, and for a while those that are over.

use super::session::{Serial, Session};
use flow::Moment;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wire::{
    ids::{ClientId, SessionId},
    page::PageAsked,
    playback::SessionFilter,
};

/// How long a session is remembered after its end.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// Most sessions that are remembered after their end; the oldest are forgotten.
const MOST_REMEMBERED: usize = 10_000;

/// Why there is no room for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// One of this id is remembered.
    Exists,
    /// The client has so many live streams already.
    Limit(u32),
}

/// How many sessions of a client ran to their end, and how many of them as they should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stability {
    pub(super) sessions: u64,
    pub(super) stable: u64,
}

impl Stability {
    /// The share of those that ran as they should, 0.0 to 1.0.
    pub(super) fn rate(self) -> f64 {
        self.stable as f64 / self.sessions.max(1) as f64
    }
}

enum Entry {
    /// It is being prepared.
    Reserved,
    Known(Arc<Session>),
}

/// What is known of a client.
#[derive(Default)]
struct Account {
    /// Reserved and live ones.
    live: u32,
    /// All that are remembered, in the order of their creation.
    sessions: BTreeMap<Serial, Arc<Session>>,
    stability: Stability,
}

#[derive(Default)]
struct Pages {
    sessions: HashMap<SessionId, Entry>,
    accounts: HashMap<ClientId, Account>,
    /// Those that are over, and since when; the oldest first.
    over: VecDeque<(Moment, Arc<Session>)>,
    last_serial: u64,
}

/// The book.
pub(super) struct Book {
    pages: Mutex<Pages>,
    most_streams: u32,
}

/// A place for a stream, which is given back unless the stream begins.
pub(super) struct Seat {
    book: Arc<Book>,
    id: SessionId,
    client: ClientId,
    pub(super) serial: Serial,
    is_taken: bool,
}

impl Book {
    /// With at most so many live streams of a client.
    pub(super) fn new(most_streams: u32) -> Self {
        Self {
            pages: Mutex::default(),
            most_streams,
        }
    }

    /// Keeps a place for a session; `at_most` lowers the limit for this once.
    pub(super) fn reserve(
        self: &Arc<Self>,
        id: &SessionId,
        client: &ClientId,
        at_most: Option<u32>,
        now: Moment,
    ) -> Result<Seat, NoSeat> {
        let mut pages = self.pages();
        pages.forget(now);
        if pages.sessions.contains_key(id) {
            return Err(NoSeat::Exists);
        }
        let limit = at_most.map_or(self.most_streams, |most| most.min(self.most_streams));
        let account = pages.accounts.entry(client.clone()).or_default();
        if account.live >= limit {
            return Err(NoSeat::Limit(limit));
        }
        account.live += 1;
        pages.sessions.insert(id.clone(), Entry::Reserved);
        pages.last_serial += 1;
        Ok(Seat {
            book: self.clone(),
            id: id.clone(),
            client: client.clone(),
            serial: Serial(pages.last_serial),
            is_taken: false,
        })
    }

    /// A session of this client.
    pub(super) fn find(&self, client: &ClientId, id: &SessionId) -> Option<Arc<Session>> {
        match self.pages().sessions.get(id) {
            Some(Entry::Known(session)) if session.facts.client == *client => Some(session.clone()),
            _ => None,
        }
    }

    /// A page of the client's sessions, the newest first, and how many there are altogether.
    pub(super) fn list(
        &self,
        client: &ClientId,
        filter: SessionFilter,
        page: PageAsked,
        now: Moment,
    ) -> (Vec<Arc<Session>>, u64) {
        let mut pages = self.pages();
        pages.forget(now);
        let Some(account) = pages.accounts.get(client) else {
            return (Vec::new(), 0);
        };
        let newest_first = account.sessions.values().rev();
        let fitting = newest_first.filter(|session| filter.includes(session.state()));
        let (mut listed, mut count) = (Vec::new(), 0);
        for session in fitting {
            if count >= page.skip() && listed.len() < page.size {
                listed.push(session.clone());
            }
            count += 1;
        }
        (listed, count as u64)
    }

    /// A session is over: its place is free, and it is remembered for a while. How stable its client's sessions were so far.
    pub(super) fn over(&self, session: &Arc<Session>, now: Moment) -> Stability {
        let mut pages = self.pages();
        let account = pages.accounts.entry(session.facts.client.clone()).or_default();
        account.live = account.live.saturating_sub(1);
        account.stability.sessions += 1;
        account.stability.stable += u64::from(session.is_stable());
        let stability = account.stability;
        pages.over.push_back((now, session.clone()));
        pages.forget(now);
        stability
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn forget(&mut self, now: Moment) {
        let is_old = |(since, _): &(Moment, _)| now.since(*since) >= REMEMBERED;
        while self.over.len() > MOST_REMEMBERED || self.over.front().is_some_and(is_old) {
            let Some((_, session)) = self.over.pop_front() else {
                return;
            };
            self.sessions.remove(&session.facts.id);
            if let Some(account) = self.accounts.get_mut(&session.facts.client) {
                account.sessions.remove(&session.facts.serial);
            }
        }
    }
}

impl Seat {
    /// The stream begins.
    pub(super) fn take(mut self, session: &Arc<Session>) {
        self.is_taken = true;
        let mut pages = self.book.pages();
        pages
            .sessions
            .insert(self.id.clone(), Entry::Known(session.clone()));
        let account = pages.accounts.entry(self.client.clone()).or_default();
        account.sessions.insert(self.serial, session.clone());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_taken {
            return;
        }
        let mut pages = self.book.pages();
        pages.sessions.remove(&self.id);
        if let Some(account) = pages.accounts.get_mut(&self.client) {
            account.live = account.live.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
