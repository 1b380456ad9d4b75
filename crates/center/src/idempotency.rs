//! `Idempotency-Key`: the same key and body give the same answer for 24 h (contract section 2).

use crate::http::answer::Refusal;
use axum::{body::Bytes, http::StatusCode};
use flow::Moment;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use wire::{ids::IdempotencyKey, limits::IDEMPOTENCY_WINDOW};

/// Most keys that are remembered; the oldest make room.
const MAX_KEYS: usize = 10_000;

/// An answer that can be given again.
#[derive(Debug, Clone)]
pub(crate) struct StoredAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Where the answer is a refusal, its body is made on the way out.
    pub(crate) refusal: Option<Refusal>,
}

/// A key belongs to a client and a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) principal: String,
    pub(crate) path: String,
    pub(crate) key: IdempotencyKey,
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
}

enum Entry {
    Running(watch::Receiver<()>),
    Done(Box<StoredAnswer>),
}

struct Known {
    body: [u8; 32],
    entry: Entry,
    number: u64,
}

#[derive(Default)]
struct Book {
    known: HashMap<Scope, Known>,
    in_order: VecDeque<(Scope, u64, Moment)>,
    next_number: u64,
}

/// The memory of keys.
#[derive(Clone, Default)]
pub(crate) struct Idempotency(Arc<Mutex<Book>>);

impl Idempotency {
    /// Judges a request that carries a key.
    pub(crate) fn ask(&self, now: Moment, scope: Scope, body: &[u8]) -> Verdict {
        let body = Sha256::digest(body).into();
        let mut book = lock(&self.0);
        book.forget_old(now);
        if let Some(known) = book.known.get(&scope) {
            return match &known.entry {
                _ if known.body != body => Verdict::OtherBody,
                Entry::Done(answer) => Verdict::Repeat(answer.clone()),
                Entry::Running(done) => Verdict::Wait(done.clone()),
            };
        }
        let (finished, waiting) = watch::channel(());
        let number = book.next_number;
        book.next_number += 1;
        book.known.insert(
            scope.clone(),
            Known {
                body,
                entry: Entry::Running(waiting),
                number,
            },
        );
        book.in_order.push_back((scope.clone(), number, now));
        Verdict::Proceed(Claim {
            book: self.0.clone(),
            scope,
            number,
            _finished: finished,
        })
    }
}

impl Book {
    fn forget_old(&mut self, now: Moment) {
        while let Some((scope, number, since)) = self.in_order.front() {
            let expired = now.since(*since) >= IDEMPOTENCY_WINDOW;
            if !expired && self.in_order.len() <= MAX_KEYS {
                return;
            }
            if self.known.get(scope).is_some_and(|known| known.number == *number) {
                self.known.remove(scope);
            }
            self.in_order.pop_front();
        }
    }
}

/// The right to do a request once. Dropped without an answer, the key is free again.
pub(crate) struct Claim {
    book: Arc<Mutex<Book>>,
    scope: Scope,
    number: u64,
    _finished: watch::Sender<()>,
}

impl Claim {
    /// Keeps the answer for repeats.
    pub(crate) fn answered(self, answer: StoredAnswer) {
        if let Some(known) = lock(&self.book).known.get_mut(&self.scope)
            && known.number == self.number
        {
            known.entry = Entry::Done(Box::new(answer));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut book = lock(&self.book);
        let known = book.known.get(&self.scope);
        if known.is_some_and(|known| known.number == self.number && matches!(known.entry, Entry::Running(_)))
        {
            book.known.remove(&self.scope);
        }
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn scope(key: &str) -> Scope {
        Scope {
            principal: "alice".into(),
            path: "/x".into(),
            key: key.parse().unwrap(),
        }
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

    #[test]
    fn the_memory_is_bounded() {
        let memory = Idempotency::default();
        for key in 0..=MAX_KEYS + 5 {
            let Verdict::Proceed(claim) = memory.ask(at(0), scope(&key.to_string()), b"") else {
                panic!()
            };
            claim.answered(answer());
        }
        assert!(lock(&memory.0).known.len() <= MAX_KEYS + 1);
    }
}
