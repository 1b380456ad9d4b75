//! The life of one cached access token (contract section 1): one slot per host, client and scope set.

use crate::Moment;
use std::time::Duration;
use wire::limits::TOKEN_REFRESH_MARGIN;

/// When a token obtained at `obtained` is replaced: 60 s before it expires, but not before half of its lifetime.
pub fn refresh_at(obtained: Moment, lifetime: Duration) -> Moment {
    obtained + (lifetime - TOKEN_REFRESH_MARGIN.min(lifetime / 2))
}

/// Which token of its slot a token is; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

/// What a caller who needs a token does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need<T> {
    /// Use this one.
    Use(T, Generation),
    /// Use this one, and fetch the next in the background: it is due, and only this caller is told so.
    UseAndFetch(T, Generation),
    /// Fetch one. Only this caller is told so.
    Fetch,
    /// Wait for the caller who fetches.
    Wait,
}

/// A slot for one token. At most one fetch is under way; whoever was told to fetch must report how that ended.
#[derive(Debug, Clone)]
pub struct Slot<T> {
    held: Option<Held<T>>,
    fetching: bool,
    last: Generation,
}

#[derive(Debug, Clone)]
struct Held<T> {
    token: T,
    refresh_at: Moment,
    expires_at: Moment,
}

impl<T: Clone> Slot<T> {
    /// A slot without a token.
    pub fn new() -> Self {
        Self {
            held: None,
            fetching: false,
            last: Generation(0),
        }
    }

    /// What a caller does who needs a token now.
    ///
    /// A token that is due but still good goes on being used while its successor is fetched, so a refresh delays nobody.
    pub fn need(&mut self, now: Moment) -> Need<T> {
        let fetching = self.fetching;
        match self.held.as_ref().filter(|held| now < held.expires_at) {
            Some(held) if fetching || now < held.refresh_at => Need::Use(held.token.clone(), self.last),
            Some(held) => {
                self.fetching = true;
                Need::UseAndFetch(held.token.clone(), self.last)
            }
            None if fetching => Need::Wait,
            None => {
                self.fetching = true;
                Need::Fetch
            }
        }
    }

    /// The fetch succeeded; the token's life began at `obtained`, when it was asked for.
    pub fn fetched(&mut self, token: T, obtained: Moment, lifetime: Duration) -> Generation {
        self.fetching = false;
        self.last = Generation(self.last.0 + 1);
        let refresh_at = refresh_at(obtained, lifetime);
        self.held = Some(Held {
            token,
            refresh_at,
            expires_at: obtained + lifetime,
        });
        self.last
    }

    /// The fetch failed; the next caller may try again.
    pub fn failed(&mut self) {
        self.fetching = false;
    }

    /// The platform answered 401 to a token. An older one than the held one drops nothing.
    pub fn refused(&mut self, generation: Generation) {
        if generation >= self.last {
            self.held = None;
        }
    }
}

impl<T: Clone> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Moment {
        Moment::at(Duration::from_secs(seconds))
    }

    fn filled(lifetime: Duration) -> (Slot<&'static str>, Generation) {
        let mut slot = Slot::new();
        assert_eq!(slot.need(at(0)), Need::Fetch);
        let generation = slot.fetched("first", at(0), lifetime);
        (slot, generation)
    }

    #[test]
    fn the_margin_is_a_minute_but_at_most_half_of_the_life() {
        for (lifetime, refresh) in [
            (86_400, 86_340),
            (3600, 3540),
            (120, 60),
            (60, 30),
            (10, 5),
            (0, 0),
        ] {
            assert_eq!(
                refresh_at(at(7), Duration::from_secs(lifetime)),
                at(7 + refresh),
                "{lifetime}"
            );
        }
    }

    #[test]
    fn only_one_caller_fetches() {
        let mut slot = Slot::<&str>::new();
        assert_eq!(slot.need(at(0)), Need::Fetch);
        assert_eq!(slot.need(at(0)), Need::Wait);
        slot.failed();
        assert_eq!(slot.need(at(0)), Need::Fetch);
    }

    #[test]
    fn a_due_token_is_used_while_its_successor_is_fetched() {
        let (mut slot, first) = filled(HOUR);
        assert_eq!(slot.need(at(3539)), Need::Use("first", first));
        assert_eq!(slot.need(at(3540)), Need::UseAndFetch("first", first));
        assert_eq!(slot.need(at(3541)), Need::Use("first", first));
        let second = slot.fetched("second", at(3540), HOUR);
        assert_eq!(slot.need(at(3542)), Need::Use("second", second));
    }

    #[test]
    fn an_expired_token_is_never_used() {
        let (mut slot, first) = filled(HOUR);
        assert_eq!(slot.need(at(3540)), Need::UseAndFetch("first", first));
        assert_eq!(slot.need(at(3600)), Need::Wait);
        slot.failed();
        assert_eq!(slot.need(at(3600)), Need::Fetch);
        let (mut stillborn, _) = filled(Duration::ZERO);
        assert_eq!(stillborn.need(at(0)), Need::Fetch);
    }

    #[test]
    fn a_refused_token_is_dropped_but_its_successor_is_not() {
        let (mut slot, first) = filled(HOUR);
        slot.refused(first);
        assert_eq!(slot.need(at(1)), Need::Fetch);
        let second = slot.fetched("second", at(1), HOUR);
        slot.refused(first);
        assert_eq!(slot.need(at(2)), Need::Use("second", second));
    }

    #[test]
    fn a_refusal_during_a_refresh_waits_for_it() {
        let (mut slot, first) = filled(HOUR);
        assert_eq!(slot.need(at(3540)), Need::UseAndFetch("first", first));
        slot.refused(first);
        assert_eq!(slot.need(at(3541)), Need::Wait);
    }
}
