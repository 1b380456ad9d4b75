//! Timers that are due are handed to the tasks, and what is too old is removed.

use super::{Tasks, Trouble, books, closed::remove_closed, orphans::pass_on};
use crate::{clock::Clock, desk, notifications, once};
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
/// How long finished items and what they came from are kept, unless somebody else removes them.
const FINISHED_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The tasks behind the tasks; they end when the center closes.
pub(crate) struct Timers {
    handing_over: JoinHandle<()>,
    removing: JoinHandle<()>,
}

impl Timers {
    /// Begins. `purges`: nobody else removes what is finished from the store.
    pub(crate) fn start(tasks: Tasks, worker: Worker, purges: bool, closing: CancellationToken) -> Self {
        let removing = {
            let (tasks, closing) = (tasks.clone(), closing.clone());
            async move {
                if closing.run_until_cancelled(at_start(&tasks)).await.is_some() {
                    remove_old(tasks, purges, closing).await;
                }
            }
        };
        let removing = tokio::spawn(removing);
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

/// A tenant may have changed since the last start.
async fn at_start(tasks: &Tasks) {
    match pass_on(tasks).await {
        Ok(0) => {}
        Ok(passed_on) => tracing::info!(passed_on, "tasks of agents who take none were passed on"),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "tasks of agents who take none are not passed on");
        }
    }
}

async fn remove_old(tasks: Tasks, purges: bool, closing: CancellationToken) {
    let mut ticks = interval(REMOVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while closing.run_until_cancelled(ticks.tick()).await.is_some() {
        match closing.run_until_cancelled(remove_once(&tasks, purges)).await {
            Some(Err(error)) => tracing::warn!(%error, "what is too old is not removed yet"),
            Some(Ok(removed)) if removed > 0 => tracing::info!(removed, "what is too old was removed"),
            _ => {}
        }
    }
}

async fn remove_once(tasks: &Tasks, purges: bool) -> Result<u64, store::Error> {
    let kinds = [
        (once::ONCE, once::REMEMBERED_FOR),
        (desk::EVENT, desk::EVENTS_KEPT),
        (notifications::NOTIFICATION, notifications::KEPT),
    ];
    let mut removed = remove_closed(tasks, Clock::utc_ms()).await?;
    for (kind, older) in kinds {
        removed += tasks.store.purge_records(kind, older).await?;
    }
    if purges {
        removed += tasks.store.purge(FINISHED_KEPT).await?;
    }
    Ok(removed)
}
