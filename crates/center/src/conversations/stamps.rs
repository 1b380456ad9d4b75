//! When conversations change, and what of it a list may show.
//!
//! Every change is stamped when it is made, and is in the store a moment later. A list that showed what is stamped later than a change
//! still under way would lead its reader past that change for ever. So a page shows only what is older than every change under
//! way, and than the current millisecond, in which further ones may be stamped.

use crate::clock::Clock;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// How long a list waits for changes that were made before it was asked for.
const PATIENCE: Duration = Duration::from_secs(2);
/// With several centers over one store, none knows what the others have under way: lists show what is older than this. A commit
/// that takes longer, or clocks further apart, can hide a change from a reader who does not overlap its walks.
const SHARED_LAG_MS: i64 = 2_000;

/// The one source of stamps: milliseconds since 1970 that never go back.
pub(super) struct Stamps {
    inner: Mutex<Inner>,
    /// Something is no longer under way.
    settled: Notify,
    /// Other centers stamp, too.
    is_shared: bool,
}

struct Inner {
    last: i64,
    /// How many changes of a stamp are under way.
    under_way: BTreeMap<i64, usize>,
}

/// The stamp of a change that is under way until this is dropped.
pub(super) struct Stamp {
    pub(super) ms: i64,
    stamps: Arc<Stamps>,
}

impl Stamps {
    /// Stamps from `last` on, the greatest in the store.
    pub(super) fn new(last: i64, is_shared: bool) -> Self {
        Self {
            inner: Mutex::new(Inner {
                last,
                under_way: BTreeMap::new(),
            }),
            settled: Notify::new(),
            is_shared,
        }
    }

    /// Stamps a change, which must be after `before`, its conversation's last stamp.
    pub(super) fn begin(self: &Arc<Self>, before: i64) -> Stamp {
        let mut inner = self.lock();
        let ms = inner.now().max(before);
        inner.last = inner.last.max(ms);
        *inner.under_way.entry(ms).or_default() += 1;
        Stamp {
            ms,
            stamps: self.clone(),
        }
    }

    /// What is older than this may be shown. Waits, for a bounded time, until this covers all changes made before the call; where
    /// others stamp too, it does not wait.
    pub(super) async fn horizon(&self) -> i64 {
        if self.is_shared {
            let mut inner = self.lock();
            let old = inner.now().saturating_sub(SHARED_LAG_MS);
            return inner.oldest().map_or(old, |oldest| oldest.min(old));
        }
        let made_before = self.lock().last;
        let covered = async {
            loop {
                let changed = self.settled.notified();
                let (oldest, now) = {
                    let mut inner = self.lock();
                    (inner.oldest(), inner.now())
                };
                if oldest.is_some_and(|oldest| oldest <= made_before) {
                    changed.await;
                } else if now <= made_before {
                    sleep(Duration::from_millis(1)).await;
                } else {
                    return;
                }
            }
        };
        let _ = timeout(PATIENCE, covered).await;
        let mut inner = self.lock();
        let now = inner.now();
        inner.oldest().map_or(now, |oldest| oldest.min(now))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The time, never behind what was seen: nothing is stamped before it from now on.
    fn now(&mut self) -> i64 {
        self.last = self.last.max(Clock::utc().timestamp().as_millisecond());
        self.last
    }

    fn oldest(&self) -> Option<i64> {
        self.under_way.keys().next().copied()
    }
}

impl Drop for Stamp {
    fn drop(&mut self) {
        let mut inner = self.stamps.lock();
        if let Some(count) = inner.under_way.get_mut(&self.ms) {
            *count -= 1;
            if *count == 0 {
                inner.under_way.remove(&self.ms);
            }
        }
        drop(inner);
        self.stamps.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_horizon_is_never_beyond_what_is_under_way() {
        let stamps = Arc::new(Stamps::new(0, false));
        let early = stamps.begin(0);
        let waiting = tokio::spawn({
            let stamps = stamps.clone();
            async move { stamps.horizon().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let (early_ms, late) = (early.ms, stamps.begin(0));
        drop(early);
        let horizon = waiting.await.unwrap();
        assert!(
            horizon > early_ms || late.ms == early_ms,
            "what was made before is covered"
        );
        assert!(horizon <= late.ms, "and what is under way is not passed");
    }

    #[tokio::test]
    async fn nothing_is_stamped_before_a_horizon_that_was_given() {
        let future = Clock::utc().timestamp().as_millisecond() + 50;
        let stamps = Arc::new(Stamps::new(future, false));
        drop(stamps.begin(0));
        let horizon = stamps.horizon().await;
        assert!(horizon > future, "the clock is waited for");
        assert!(stamps.begin(0).ms >= horizon);
        assert_eq!(stamps.begin(horizon + 7).ms, horizon + 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_hangs_is_not_waited_for_for_ever() {
        let stamps = Arc::new(Stamps::new(0, false));
        let hangs = stamps.begin(0);
        assert_eq!(stamps.horizon().await, hangs.ms);
        let shared = Arc::new(Stamps::new(0, true));
        let now = Clock::utc().timestamp().as_millisecond();
        let horizon = shared.horizon().await;
        assert!((now - 2_000..=now - 1_000).contains(&horizon));
    }
}
