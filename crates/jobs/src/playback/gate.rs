//! Lets starts pass as the throttle says.

use flow::{
    Moment,
    throttle::{Bounds, Throttle, Turn},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

pub(super) struct Gate {
    throttle: Mutex<Throttle>,
    /// One that passed has ended.
    ended: Notify,
    opened: Instant,
}

/// A start under way, until this is dropped.
pub(super) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            throttle: Mutex::new(Throttle::new(bounds)),
            ended: Notify::new(),
            opened: Instant::now(),
        }
    }

    /// Returns when one may start.
    pub(super) async fn pass(&self) -> Pass<'_> {
        loop {
            // Before asking, so that no end is missed.
            let ended = self.ended.notified();
            let now = Moment::at(self.opened.elapsed());
            let turn = self.lock().ask(now);
            match turn {
                Turn::Now => return Pass(self),
                Turn::At(moment) => sleep_until(self.opened + moment.since_start()).await,
                Turn::AfterAnother => ended.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.lock().ended();
        // All who wait: one of them may have to wait for a moment, and must not keep the others from asking.
        self.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{num::NonZeroU32, sync::Arc, time::Duration};

    fn gate(at_once: u32, a_second: u32) -> Arc<Gate> {
        Arc::new(Gate::new(Bounds {
            at_once: NonZeroU32::new(at_once).unwrap(),
            a_second: NonZeroU32::new(a_second).unwrap(),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn twelve_starts_take_two_seconds_at_five_a_second() {
        let gate = gate(5, 5);
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let gate = gate.clone();
            tasks.spawn(async move {
                let _pass = gate.pass().await;
                begun.elapsed()
            });
        }
        let mut passed: Vec<Duration> = Vec::new();
        while let Some(at) = tasks.join_next().await {
            passed.push(at.unwrap());
        }
        passed.sort();
        let seconds: Vec<u64> = passed.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_under_way_makes_others_wait() {
        let gate = gate(1, 100);
        let first = gate.pass().await;
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { drop(gate.pass().await) }
        });
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
    }
}
