//! The deliveries of callbacks.

use super::{
    Shared,
    attempt::{Letter, attempt},
    outcome::{Recipient, commit_dead, settle},
};
use crate::{
    Secret,
    callback::{self, Callback, LANES},
};
use std::sync::Arc;
use store::{Claim, work_through};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Most deliveries of one lane at a time.
const MOST_AT_ONCE: usize = 8;

/// One of the queues of callbacks, and what works it through.
pub(super) struct Lane {
    number: usize,
    stop: CancellationToken,
    task: Option<AbortHandle>,
}

impl Lane {
    pub(super) fn all() -> Vec<Self> {
        let lane = |number| Self {
            number,
            stop: CancellationToken::new(),
            task: None,
        };
        (0..LANES).map(lane).collect()
    }

    /// Starts it, also anew when it ended by a fault of ours.
    pub(super) fn keep_running(&mut self, shared: &Arc<Shared>, tasks: &mut JoinSet<()>) {
        if self.task.as_ref().is_none_or(AbortHandle::is_finished) {
            self.task = Some(tasks.spawn(run(shared.clone(), self.number, self.stop.clone())));
        }
    }

    /// Takes up nothing more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

async fn run(shared: Arc<Shared>, lane: usize, stop: CancellationToken) {
    let queue = callback::queue(lane);
    let work = |claim| deliver(shared.clone(), claim);
    work_through(&shared.store, &shared.worker, &queue, MOST_AT_ONCE, &stop, work).await;
}

async fn deliver(shared: Arc<Shared>, claim: Claim) {
    let Some(callback) = Callback::read(&claim.body) else {
        let recipient = Recipient::Callback {
            origin: "an unknown address".to_owned(),
        };
        return give_up(&shared, &recipient, &claim, "the item can't be read").await;
    };
    let recipient = Recipient::Callback {
        origin: callback.origin(),
    };
    match callback.secret(&shared.store).await {
        Ok(Some(secret)) => send(&shared, &recipient, &claim, &callback, secret).await,
        Ok(None) => give_up(&shared, &recipient, &claim, "its secret is not in the store").await,
        // It stays held until its time is over, and is claimed again.
        Err(error) => {
            tracing::warn!(item = claim.id.item.0, %recipient, %error, "the secret of a callback can't be read")
        }
    }
}

async fn send(shared: &Shared, recipient: &Recipient, claim: &Claim, callback: &Callback, secret: Secret) {
    let letter = Letter {
        url: &callback.url,
        secrets: vec![secret],
        body: &callback.body,
    };
    let attempted = attempt(&*shared.http, shared.options.timeout, &letter, claim).await;
    let next = attempted.next(&shared.options.schedule, claim);
    settle(shared, recipient, claim, &attempted, next).await;
}

async fn give_up(shared: &Shared, recipient: &Recipient, claim: &Claim, why: &str) {
    if let Err(error) = commit_dead(shared, recipient, claim, why).await {
        tracing::warn!(item = claim.id.item.0, %recipient, %error, "a callback can't be given up yet");
    }
}
