//! The deliveries of one endpoint.

use super::{
    Shared,
    attempt::attempt,
    outcome::{commit_dead, settle},
};
use crate::endpoint::{Endpoint, EndpointId, queue};
use std::{future::pending, sync::Arc, time::Duration};
use store::Claim;
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
    let mut under_way: JoinSet<()> = JoinSet::new();
    while !stop.is_cancelled() {
        let free = MOST_AT_ONCE - under_way.len().min(MOST_AT_ONCE);
        let claimed = claim(&shared, &queue, free).await;
        for claim in claimed.iter().flatten() {
            let current = endpoint.borrow().clone();
            under_way.spawn(deliver(shared.clone(), current, claim.clone()));
        }
        let may_have_more = claimed.is_some() && under_way.len() < MOST_AT_ONCE;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = under_way.join_next() => {}
            () = hint(&shared, may_have_more) => {}
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

async fn hint(shared: &Shared, wanted: bool) {
    if wanted {
        shared.store.work().await;
    } else {
        pending().await
    }
}

async fn deliver(shared: Arc<Shared>, endpoint: Arc<Endpoint>, claim: Claim) {
    let attempted = attempt(&*shared.http, shared.options.timeout, &endpoint, &claim).await;
    settle(&shared, &endpoint.id, &claim, &attempted).await;
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
