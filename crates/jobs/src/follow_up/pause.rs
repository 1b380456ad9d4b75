//! A platform that wants to be left alone is left alone by all: one that says `Retry-After` gets no step before.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// How long a step waits at most: it is held for a minute, and the request takes time, too.
const LONGEST: Duration = Duration::from_secs(25);

/// When the platform may be asked again.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// It wants to be left alone for this time from now on.
    pub(super) fn until(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let until = Instant::now() + time.min(LONGEST);
        let mut paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(until, |before| before.max(until)));
    }

    /// Returns when it may be asked.
    pub(super) async fn over(&self) {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_wait_until_the_platform_may_be_asked() {
        let pause = Pause::default();
        let began = Instant::now();
        pause.over().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        pause.until(Duration::from_secs(7));
        pause.until(Duration::from_secs(3));
        pause.over().await;
        assert_eq!(began.elapsed(), Duration::from_secs(7));
        pause.over().await;
        assert_eq!(began.elapsed(), Duration::from_secs(7));
        pause.until(Duration::from_secs(3600));
        pause.over().await;
        assert_eq!(began.elapsed(), Duration::from_secs(7) + LONGEST);
    }
}
