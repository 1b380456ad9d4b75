//! Acknowledgements come first: while completions come in faster than they are acknowledged, steps give way. What is accepted is
//! durable and can wait; who sends it can't.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// So many completions at once are no rush.
const CALM: usize = 8;
/// How long a step gives way at most: so the work goes on, if slowly, however long the rush lasts.
const LONGEST: Duration = Duration::from_millis(200);
/// How often a step that gives way looks again.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many completions wait for their acknowledgement. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Rush(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Waiting(Arc<AtomicUsize>);

impl Rush {
    /// One more has come.
    pub fn came(&self) -> Waiting {
        self.0.fetch_add(1, Ordering::Relaxed);
        Waiting(self.0.clone())
    }

    /// Returns once there is no rush, or the step has given way for long enough.
    pub(super) async fn give_way(&self) {
        let until = Instant::now() + LONGEST;
        while self.0.load(Ordering::Relaxed) > CALM && Instant::now() < until {
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
        let over = rush.clone();
        let stepping = tokio::spawn(async move {
            over.give_way().await;
            Instant::now()
        });
        let began = Instant::now();
        sleep(LOOK_EVERY / 2).await;
        drop((calm, one_more));
        assert!(stepping.await.unwrap() - began <= LOOK_EVERY);
    }
}
