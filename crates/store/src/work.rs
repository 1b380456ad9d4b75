//! The loop of those who do what is owed.

use crate::{Claim, Commit, Finish, Store, Worker};
use std::{future::pending, time::Duration};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long the loop waits when nothing tells it of work, or the store fails.
const PAUSE: Duration = Duration::from_secs(1);

/// Claims the work of a queue and has it done, at most `at_once` at a time, until `stop` is cancelled; returns when what is
/// under way has ended.
///
/// `work` is called once per claim and must finish it with a [`Commit`]; what it leaves, or panics over, is claimed again when
/// it was held for a minute. It may cancel `stop`: what was claimed together with it is then put back at once. A loop that is
/// dropped drops what is under way.
///
/// ```
/// # use store::{Claim, Commit, Finish, Location, Store, work_through};
/// # use tokio_util::sync::CancellationToken;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = Store::open(&Location::Sqlite(folder.path().join("trunkline.db"))).await?;
/// let worker = store.join().await?;
/// let stop = CancellationToken::new();
/// # stop.cancel();
/// work_through(&store, &worker, "tasks", 8, &stop, |claim: Claim| {
///     let store = store.clone();
///     async move {
///         // Here it is done.
///         let done = Finish::Done { result: None };
///         let commit = Commit { finish: Some((claim.id, done)), ..Commit::default() };
///         if let Err(error) = store.commit(commit).await {
///             eprintln!("it will be done again: {error}");
///         }
///     }
/// })
/// .await;
/// # Ok(())
/// # }
/// ```
pub async fn work_through<F, Fut>(
    store: &Store,
    worker: &Worker,
    queue: &str,
    at_once: usize,
    stop: &CancellationToken,
    work: F,
) where
    F: Fn(Claim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    // A clone of its own: hints are seen once per clone.
    let store = store.clone();
    let mut under_way: JoinSet<()> = JoinSet::new();
    while !stop.is_cancelled() {
        // Those that finished together are replaced together: a claim costs a sync, however many it takes.
        while under_way.try_join_next().is_some() {}
        let free = at_once.saturating_sub(under_way.len());
        let claimed = claim(worker, queue, free).await;
        let store_answers = claimed.is_some();
        for claim in claimed.into_iter().flatten() {
            if stop.is_cancelled() {
                put_back(&store, &claim).await;
            } else {
                under_way.spawn(work(claim));
            }
        }
        let takes_more = store_answers && under_way.len() < at_once;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = under_way.join_next() => {}
            () = hint(&store, takes_more) => {}
            () = sleep(PAUSE) => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Claims work; `None` when the store fails.
async fn claim(worker: &Worker, queue: &str, most: usize) -> Option<Vec<Claim>> {
    if most == 0 {
        return Some(Vec::new());
    }
    match worker.claim(queue, most).await {
        Ok(claims) => Some(claims),
        Err(error) => {
            tracing::warn!(%error, queue, "work can't be claimed");
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

/// Puts an item back that was claimed too late. If that fails, the item is free when its time is over.
async fn put_back(store: &Store, claim: &Claim) {
    let commit = Commit {
        finish: Some((claim.id, Finish::Released)),
        ..Commit::default()
    };
    if let Err(error) = store.commit(commit).await {
        tracing::warn!(item = claim.id.item.0, %error, "work can't be put back");
    }
}
