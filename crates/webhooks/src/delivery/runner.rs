//! The deliveries of one endpoint.

use super::{
    Shared,
    attempt::attempt,
    outcome::{commit_dead, settle},
};
use crate::endpoint::{Endpoint, EndpointId, queue};
use flow::delivery::Next;
use std::{future::pending, sync::Arc, time::Duration};
use store::{Claim, Commit, Finish, Store};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// Most deliveries to one endpoint at a time.
const MOST_AT_ONCE: usize = 8;
/// How long a runner waits when nothing tells it of work, or the store fails.
const PAUSE: Duration = Duration::from_secs(1);
/// Most items of a removed endpoint that are made dead letters in one go.
const MOST_BURIED: usize = 1000;

/// A running runner.
pub(super) struct Runner {
    endpoint: watch::Sender<Arc<Endpoint>>,
    stop: CancellationToken,
    task: AbortHandle,
}

impl Runner {
    pub(super) fn start(shared: Arc<Shared>, endpoint: Endpoint, tasks: &mut JoinSet<()>) -> Self {
        let stop = CancellationToken::new();
        let (endpoint, current) = watch::channel(Arc::new(endpoint));
        let task = tasks.spawn(run(shared, current, stop.clone()));
        Self { endpoint, stop, task }
    }

    /// What is claimed from now on goes to the endpoint as it is now.
    pub(super) fn update(&self, endpoint: Endpoint) {
        self.endpoint.send_if_modified(|current| {
            let changed = **current != endpoint;
            if changed {
                *current = Arc::new(endpoint);
            }
            changed
        });
    }

    /// Takes up nothing more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    pub(super) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

async fn run(shared: Arc<Shared>, endpoint: watch::Receiver<Arc<Endpoint>>, stop: CancellationToken) {
    let queue = endpoint.borrow().queue();
    // A clone of its own: hints are seen once per clone.
    let store = shared.store.clone();
    let mut under_way: JoinSet<()> = JoinSet::new();
    while !stop.is_cancelled() {
        // Those that finished together are replaced together: a claim costs a sync, however many it takes.
        while under_way.try_join_next().is_some() {}
        let free = MOST_AT_ONCE - under_way.len().min(MOST_AT_ONCE);
        let claimed = claim(&shared, &queue, free).await;
        let may_have_more = claimed.is_some();
        for claim in claimed.into_iter().flatten() {
            if stop.is_cancelled() {
                release(&shared, &claim).await;
                continue;
            }
            let current = endpoint.borrow().clone();
            under_way.spawn(deliver(shared.clone(), current, claim, stop.clone()));
        }
        let may_have_more = may_have_more && under_way.len() < MOST_AT_ONCE;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = under_way.join_next() => {}
            () = hint(&store, may_have_more) => {}
            () = sleep(PAUSE) => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Claims work; `None` when the store fails.
async fn claim(shared: &Shared, queue: &str, most: usize) -> Option<Vec<Claim>> {
    if most == 0 {
        return Some(Vec::new());
    }
    match shared.worker.claim(queue, most).await {
        Ok(claims) => Some(claims),
        Err(error) => {
            tracing::warn!(%error, queue, "deliveries can't be claimed");
            None
        }
    }
}

async fn hint(store: &Store, wanted: bool) {
    if wanted {
        store.work().await;
    } else {
        pending().await
    }
}

async fn deliver(shared: Arc<Shared>, endpoint: Arc<Endpoint>, claim: Claim, stop: CancellationToken) {
    let attempted = attempt(&*shared.http, shared.options.timeout, &endpoint, &claim).await;
    let next = attempted.next(&shared.options.schedule, &claim);
    if matches!(next, Next::Disable { .. }) {
        // Before it is committed, which lets the subject's next item go. If the commit fails, the supervisor starts anew.
        stop.cancel();
    }
    settle(&shared, &endpoint.id, &claim, &attempted, next).await;
}

/// Puts an item back that was claimed too late. If that fails, the item is free when its time is over.
async fn release(shared: &Shared, claim: &Claim) {
    let commit = Commit {
        finish: Some((claim.id, Finish::Released)),
        ..Commit::default()
    };
    if let Err(error) = shared.store.commit(commit).await {
        tracing::warn!(item = claim.id.item.0, %error, "a delivery can't be put back");
    }
}

/// Makes dead letters of what is owed to removed endpoints and due.
pub(super) async fn bury(shared: &Shared) -> Result<(), store::Error> {
    for id in shared.endpoints.removed().await? {
        bury_one(shared, &id).await?;
    }
    Ok(())
}

async fn bury_one(shared: &Shared, id: &EndpointId) -> Result<(), store::Error> {
    for _ in 0..MOST_BURIED / MOST_AT_ONCE {
        let claims = shared.worker.claim(&queue(id), MOST_AT_ONCE).await?;
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            commit_dead(shared, id, &claim, "the endpoint was removed").await?;
        }
    }
    Ok(())
}
