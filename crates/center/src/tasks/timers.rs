//! Timers that are due are handed to the tasks, and what is too old is removed.

use super::{Tasks, Trouble, books, once};
use crate::{desk, notifications};
use flow::task::{Input, Timer};
use std::time::Duration;
use store::{Claim, Commit, Finish, Store, Worker, work_through};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use wire::ids::TaskId;

/// Most timers that are handed over at a time.
const AT_ONCE: usize = 16;
/// When a timer that could not be handed over is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How often what is too old is removed.
const REMOVE_EVERY: Duration = Duration::from_secs(600);
/// How long finished timers are kept, if the store is the center's own.
const TIMERS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The tasks behind the tasks; they end when the center closes.
pub(crate) struct Timers {
    handing_over: JoinHandle<()>,
    removing: JoinHandle<()>,
}

impl Timers {
    /// Begins. `own`: the store is nobody else's, so finished timers are removed here.
    pub(crate) fn start(tasks: Tasks, worker: Worker, own: bool, closing: CancellationToken) -> Self {
        let removing = tokio::spawn(remove_old(tasks.store.clone(), own, closing.clone()));
        let handing_over = tokio::spawn(async move {
            let store = tasks.store.clone();
            let hand = |claim| hand_over(tasks.clone(), claim);
            work_through(&store, &worker, books::TIMERS, AT_ONCE, &closing, hand).await;
            worker.leave().await;
        });
        Self {
            handing_over,
            removing,
        }
    }

    /// Ends them at once: for tests in virtual time, in which a wait that is nobody's concern would let time pass.
    #[cfg(test)]
    pub(crate) fn abort(self) {
        self.handing_over.abort();
        self.removing.abort();
    }

    /// Waits for what is under way; `closing` was cancelled.
    pub(crate) async fn close(self) {
        for task in [self.handing_over, self.removing] {
            let _ = task.await;
        }
    }
}

async fn hand_over(tasks: Tasks, claim: Claim) {
    let read = (
        claim.effect.event.parse::<TaskId>(),
        claim.effect.step.parse::<Timer>(),
    );
    let (Ok(id), Ok(timer)) = read else {
        let error = "it names no task or no timer".to_owned();
        return finish(&tasks.store, &claim, Finish::Dead { error }).await;
    };
    match tasks.change(&id, Input::Timer(timer), None, Some(claim.id)).await {
        Ok(_) | Err(Trouble::Stale) => {}
        Err(error @ Trouble::NoTask(_)) => {
            let result = Some(error.to_string());
            finish(&tasks.store, &claim, Finish::Done { result }).await;
        }
        Err(error) => {
            tracing::warn!(task = %id, %timer, error = &error as &dyn std::error::Error, "a timer waits");
            let again = Finish::Again {
                after: AGAIN_AFTER,
                error: error.to_string(),
            };
            finish(&tasks.store, &claim, again).await;
        }
    }
}

/// Finishes the claim alone. If that fails, it is free again when its time is over.
async fn finish(store: &Store, claim: &Claim, finish: Finish) {
    let commit = Commit {
        finish: Some((claim.id, finish)),
        ..Commit::default()
    };
    if let Err(error) = store.commit(commit).await {
        tracing::warn!(item = claim.id.item.0, %error, "a timer can't be finished");
    }
}

async fn remove_old(store: Store, own: bool, closing: CancellationToken) {
    let mut ticks = interval(REMOVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while closing.run_until_cancelled(ticks.tick()).await.is_some() {
        match closing.run_until_cancelled(remove_once(&store, own)).await {
            Some(Err(error)) => tracing::warn!(%error, "what is too old is not removed yet"),
            Some(Ok(removed)) if removed > 0 => tracing::info!(removed, "what is too old was removed"),
            _ => {}
        }
    }
}

async fn remove_once(store: &Store, own: bool) -> Result<u64, store::Error> {
    let kinds = [
        (once::ONCE, once::REMEMBERED_FOR),
        (desk::EVENT, desk::EVENTS_KEPT),
        (notifications::NOTIFICATION, notifications::KEPT),
    ];
    let mut removed = 0;
    for (kind, older) in kinds {
        removed += store.purge_records(kind, older).await?;
    }
    if own {
        removed += store.purge(TIMERS_KEPT).await?;
    }
    Ok(removed)
}
