//! The deliveries of one endpoint.

use super::{
    Shared,
    attempt::{Letter, attempt},
    outcome::{Recipient, commit_dead, settle},
};
use crate::{
    endpoint::{Endpoint, EndpointId, queue},
    endpoints::now,
};
use flow::delivery::Next;
use std::sync::Arc;
use store::{Claim, work_through};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// Most deliveries to one endpoint at a time.
const MOST_AT_ONCE: usize = 8;
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
    let work = |claim| {
        let current = endpoint.borrow().clone();
        deliver(shared.clone(), current, claim, stop.clone())
    };
    work_through(&shared.store, &shared.worker, &queue, MOST_AT_ONCE, &stop, work).await;
}

async fn deliver(shared: Arc<Shared>, endpoint: Arc<Endpoint>, claim: Claim, stop: CancellationToken) {
    let letter = Letter {
        url: &endpoint.url,
        // All that are valid now.
        secrets: endpoint.secrets(now()),
        body: &claim.body,
    };
    let attempted = attempt(&*shared.http, shared.options.timeout, &letter, &claim).await;
    let next = attempted.next(&shared.options.schedule, &claim);
    if matches!(next, Next::Disable { .. }) {
        // Before it is committed, which lets the subject's next item go. If the commit fails, the supervisor starts anew.
        stop.cancel();
    }
    let recipient = Recipient::Endpoint(endpoint.id.clone());
    settle(&shared, &recipient, &claim, &attempted, next).await;
}

/// Makes dead letters of what is owed to removed endpoints and due.
pub(super) async fn bury(shared: &Shared) -> Result<(), store::Error> {
    for id in shared.endpoints.removed().await? {
        bury_one(shared, &id).await?;
    }
    Ok(())
}

async fn bury_one(shared: &Shared, id: &EndpointId) -> Result<(), store::Error> {
    let recipient = Recipient::Endpoint(id.clone());
    for _ in 0..MOST_BURIED / MOST_AT_ONCE {
        let claims = shared.worker.claim(&queue(id), MOST_AT_ONCE).await?;
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            commit_dead(shared, &recipient, &claim, "the endpoint was removed").await?;
        }
    }
    Ok(())
}
