//! Acknowledgements come first: while completions come in faster than they are acknowledged, steps give way. What is accepted is
//! durable and can wait; who sends it can't.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// So many completions at once are no rush.
const CALM: usize = 8;
/// How long a step gives way at most: so the work goes on, if slowly, however long the rush lasts.
const LONGEST: Duration = Duration::from_secs(1);

/// How many completions wait for their acknowledgement. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Rush(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    waiting: AtomicUsize,
    calm: Notify,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Waiting(Arc<Count>);

impl Rush {
    /// One more has come.
    pub fn came(&self) -> Waiting {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self.0.clone())
    }

    /// Returns once there is no rush, or the step has given way for long enough.
    pub(super) async fn give_way(&self) {
        let until = Instant::now() + LONGEST;
        loop {
            let calm = self.0.calm.notified();
            if self.0.waiting.load(Ordering::Relaxed) <= CALM || timeout_at(until, calm).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == CALM + 1 {
            self.0.calm.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn steps_give_way_to_a_rush_but_not_for_ever() {
        let rush = Rush::default();
        let took = async |rush: &Rush| {
            let began = Instant::now();
            rush.give_way().await;
            began.elapsed()
        };
        let calm: Vec<Waiting> = (0..CALM).map(|_| rush.came()).collect();
        assert_eq!(took(&rush).await, Duration::ZERO);
        let one_more = rush.came();
        assert_eq!(took(&rush).await, LONGEST);
        let stepping = async {
            let took = took(&rush).await;
            assert!(took < LONGEST, "{took:?}");
        };
        let ending = async {
            tokio::time::sleep(LONGEST / 2).await;
            drop((calm, one_more));
        };
        tokio::join!(stepping, ending);
    }
}
