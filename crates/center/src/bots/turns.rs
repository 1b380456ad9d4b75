//! Who may be asked for a bot, and who waits.

use super::caller::NoAnswer;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Most errands of a bot that are done at a time; more wait.
const MOST_AT_ONCE: usize = 256;
/// How long one waits; then it has failed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The turns of one bot: when it hangs, that is nothing to the others.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_AT_ONCE)))
    }
}

impl Turns {
    /// A turn, which lasts until it is dropped.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, NoAnswer> {
        match timeout(LONGEST_WAIT, self.0.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(NoAnswer::NoTurn(LONGEST_WAIT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::try_join_all;

    #[tokio::test(start_paused = true)]
    async fn who_has_no_turn_in_time_gets_none_and_other_bots_are_not_concerned() {
        let (hangs, other) = (Turns::default(), Turns::default());
        let held = try_join_all((0..MOST_AT_ONCE).map(|_| hangs.take()))
            .await
            .unwrap();
        assert!(matches!(hangs.take().await, Err(NoAnswer::NoTurn(_))));
        assert!(other.take().await.is_ok());
        drop(held);
        assert!(hangs.take().await.is_ok());
    }
}
