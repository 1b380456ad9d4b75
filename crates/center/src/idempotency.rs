//! `Idempotency-Key`: the same key and body give the same answer for 24 h (contract section 2). Requests that make tasks,
//! notifications, compilations and conversations are remembered in the store ([`crate::once::Once`]), messages with what was said; uploads are
//! known by their bytes.

use axum::{body::Bytes, http::StatusCode};
use flow::Moment;
use http::HeaderMap;
use server::Refusal;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use wire::{ids::IdempotencyKey, limits::IDEMPOTENCY_WINDOW};

/// Most keys that are remembered of one principal. None is forgotten before its time: further ones are refused.
const MAX_KEYS: usize = 100_000;
/// Most bytes that the answers of one principal may take before further keys are refused.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// An answer that can be given again.
#[derive(Debug, Clone)]
pub(crate) struct StoredAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Where the answer is a refusal, its body is made on the way out.
    pub(crate) refusal: Option<Refusal>,
}

impl StoredAnswer {
    /// About how many bytes it takes in memory.
    fn bytes(&self) -> usize {
        let headers: usize = self.headers.values().map(|value| value.len() + 64).sum();
        self.body.len() + headers + self.refusal.as_ref().map_or(0, Refusal::bytes)
    }
}

type Hash = [u8; 32];

/// A key belongs to a principal, who is known by a token, and to a path.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    principal: String,
    slot: Hash,
}

impl Scope {
    /// The scope of a key.
    pub(crate) fn new(principal: String, path: &str, key: &IdempotencyKey) -> Self {
        let slot = Sha256::digest(format!("{path}\n{}", key.as_str())).into();
        Self { principal, slot }
    }
}

/// What to do with a request.
pub(crate) enum Verdict {
    /// New: do it, then tell.
    Proceed(Claim),
    /// Done before: answer this.
    Repeat(Box<StoredAnswer>),
    /// The same is being done right now: wait, then ask again.
    Wait(watch::Receiver<()>),
    /// The key was used with another body.
    OtherBody,
    /// Too many keys are remembered already; the oldest is forgotten after this time.
    Full(Duration),
}

enum Entry {
    Running(watch::Receiver<()>),
    Done(Box<StoredAnswer>),
}

struct Known {
    body: Hash,
    entry: Entry,
    number: u64,
}

/// What is remembered of one principal.
#[derive(Default)]
struct Book {
    known: HashMap<Hash, Known>,
    /// By number, and so by age.
    in_order: BTreeMap<u64, (Hash, Moment)>,
    next_number: u64,
    /// What the answers take.
    bytes: usize,
}

/// The memory of keys, a book for each principal. The principals are the tenant's clients and the administrator.
#[derive(Clone, Default)]
pub(crate) struct Idempotency(Arc<Mutex<HashMap<String, Book>>>);

impl Idempotency {
    /// Judges a request that carries a key.
    pub(crate) fn ask(&self, now: Moment, scope: Scope, body: &[u8]) -> Verdict {
        let body = Sha256::digest(body).into();
        let mut books = lock(&self.0);
        let book = books.entry(scope.principal.clone()).or_default();
        book.forget_old(now);
        if let Some(known) = book.known.get(&scope.slot) {
            return match &known.entry {
                _ if known.body != body => Verdict::OtherBody,
                Entry::Done(answer) => Verdict::Repeat(answer.clone()),
                Entry::Running(done) => Verdict::Wait(done.clone()),
            };
        }
        if let Some(wait) = book.full(now) {
            return Verdict::Full(wait);
        }
        let (finished, waiting) = watch::channel(());
        Verdict::Proceed(Claim {
            number: book.begin(now, scope.slot, body, waiting),
            books: self.0.clone(),
            scope,
            _finished: finished,
        })
    }
}

impl Book {
    /// Forgets the answers that are old enough; what is still running stays.
    fn forget_old(&mut self, now: Moment) {
        let expired = |(_, (_, since)): &(&u64, &(Hash, Moment))| now.since(*since) >= IDEMPOTENCY_WINDOW;
        let old: Vec<_> = self
            .in_order
            .iter()
            .take_while(expired)
            .map(|(_, (slot, _))| *slot)
            .collect();
        for slot in old {
            let known = self.known.get(&slot);
            if known.is_some_and(|known| matches!(known.entry, Entry::Done(_))) {
                self.remove(&slot);
            }
        }
    }

    fn remove(&mut self, slot: &Hash) {
        let Some(known) = self.known.remove(slot) else {
            return;
        };
        self.in_order.remove(&known.number);
        if let Entry::Done(answer) = known.entry {
            self.bytes = self.bytes.saturating_sub(answer.bytes());
        }
    }

    /// How long until there is room again, if there is none.
    fn full(&self, now: Moment) -> Option<Duration> {
        let full = self.known.len() >= MAX_KEYS || self.bytes >= MAX_BYTES;
        let (_, oldest) = self.in_order.values().next().filter(|_| full)?;
        Some(IDEMPOTENCY_WINDOW.saturating_sub(now.since(*oldest)))
    }

    fn begin(&mut self, now: Moment, slot: Hash, body: Hash, waiting: watch::Receiver<()>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let entry = Entry::Running(waiting);
        self.known.insert(slot, Known { body, entry, number });
        self.in_order.insert(number, (slot, now));
        number
    }

    fn finish(&mut self, slot: &Hash, answer: StoredAnswer) {
        if let Some(known) = self.known.get_mut(slot) {
            self.bytes += answer.bytes();
            known.entry = Entry::Done(Box::new(answer));
        }
    }

    /// Whether the request with this number is still running.
    fn is_running(&self, slot: &Hash, number: u64) -> bool {
        let known = self.known.get(slot);
        known.is_some_and(|known| known.number == number && matches!(known.entry, Entry::Running(_)))
    }
}

/// The right to do a request once. Dropped without an answer, the key is free again.
pub(crate) struct Claim {
    books: Arc<Mutex<HashMap<String, Book>>>,
    scope: Scope,
    number: u64,
    _finished: watch::Sender<()>,
}

impl Claim {
    /// Keeps the answer for repeats.
    pub(crate) fn answered(self, answer: StoredAnswer) {
        self.if_running(|book, slot| book.finish(slot, answer));
    }

    fn if_running(&self, change: impl FnOnce(&mut Book, &Hash)) {
        let mut books = lock(&self.books);
        let book = books.get_mut(&self.scope.principal);
        if let Some(book) = book.filter(|book| book.is_running(&self.scope.slot, self.number)) {
            change(book, &self.scope.slot);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.if_running(Book::remove);
    }
}

fn lock(books: &Mutex<HashMap<String, Book>>) -> MutexGuard<'_, HashMap<String, Book>> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(key: &str) -> Scope {
        scope_of("alice", key)
    }

    fn scope_of(principal: &str, key: &str) -> Scope {
        Scope::new(principal.into(), "/x", &key.parse().unwrap())
    }

    fn at(hours: u64) -> Moment {
        Moment::at(Duration::from_secs(hours * 3600))
    }

    fn answer() -> StoredAnswer {
        StoredAnswer {
            status: StatusCode::CREATED,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"made"),
            refusal: None,
        }
    }

    #[test]
    fn the_same_key_gives_the_same_answer_for_a_day() {
        let memory = Idempotency::default();
        let Verdict::Proceed(claim) = memory.ask(at(0), scope("k"), b"body") else {
            panic!()
        };
        claim.answered(answer());
        assert!(matches!(memory.ask(at(23), scope("k"), b"body"), Verdict::Repeat(a) if a.body == "made"));
        assert!(matches!(
            memory.ask(at(23), scope("k"), b"other"),
            Verdict::OtherBody
        ));
        assert!(matches!(
            memory.ask(at(23), scope("k2"), b"body"),
            Verdict::Proceed(_)
        ));
        assert!(matches!(
            memory.ask(at(24), scope("k"), b"other"),
            Verdict::Proceed(_)
        ));
    }

    #[test]
    fn a_repeat_waits_for_the_first_and_takes_over_when_it_is_dropped() {
        let memory = Idempotency::default();
        let Verdict::Proceed(claim) = memory.ask(at(0), scope("k"), b"body") else {
            panic!()
        };
        let Verdict::Wait(done) = memory.ask(at(0), scope("k"), b"body") else {
            panic!()
        };
        assert!(done.has_changed().is_ok());
        drop(claim);
        assert!(done.has_changed().is_err());
        assert!(matches!(
            memory.ask(at(0), scope("k"), b"body"),
            Verdict::Proceed(_)
        ));
    }

    fn done(memory: &Idempotency, now: Moment, scope: Scope, answer: StoredAnswer) {
        let Verdict::Proceed(claim) = memory.ask(now, scope, b"") else {
            panic!()
        };
        claim.answered(answer);
    }

    #[test]
    fn a_full_book_forgets_nothing_and_concerns_nobody_else() {
        let memory = Idempotency::default();
        let Verdict::Proceed(running) = memory.ask(at(0), scope("running"), b"") else {
            panic!()
        };
        for key in 1..MAX_KEYS {
            done(&memory, at(1), scope(&key.to_string()), answer());
        }
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        assert!(matches!(memory.ask(at(2), scope("new"), b""), Verdict::Full(wait) if wait == hours(22)));
        assert!(matches!(memory.ask(at(2), scope("1"), b""), Verdict::Repeat(_)));
        assert!(matches!(
            memory.ask(at(2), scope("running"), b""),
            Verdict::Wait(_)
        ));
        done(&memory, at(2), scope_of("bob", "new"), answer());
        // After a day there is room, and what is still running is still known.
        done(&memory, at(25), scope("new"), answer());
        assert!(matches!(
            memory.ask(at(25), scope("running"), b""),
            Verdict::Wait(_)
        ));
        running.answered(answer());
        assert_eq!(lock(&memory.0)["alice"].known.len(), 2);
        assert!(matches!(
            memory.ask(at(25), scope("running"), b""),
            Verdict::Proceed(_)
        ));
    }

    #[test]
    fn what_was_not_answered_leaves_nothing_behind() {
        let memory = Idempotency::default();
        for _ in 0..10 {
            drop(memory.ask(at(0), scope("k"), b""));
        }
        assert!(lock(&memory.0)["alice"].in_order.is_empty());
    }

    #[test]
    fn large_answers_fill_the_book_sooner() {
        let memory = Idempotency::default();
        let large = StoredAnswer {
            body: Bytes::from(vec![0; MAX_BYTES]),
            ..answer()
        };
        done(&memory, at(0), scope("large"), large);
        assert!(matches!(memory.ask(at(1), scope("k"), b""), Verdict::Full(_)));
        done(&memory, at(24), scope("k"), answer());
        assert_eq!(lock(&memory.0)["alice"].bytes, answer().bytes());
    }
}
