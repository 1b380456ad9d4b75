//! How many claims the loop makes: where there is one writer, each is a transaction.

use crate::{database::Database, make};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use store::{Claim, work_through};
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

const AT_ONCE: usize = 8;
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_ends_together_is_replaced_by_few_claims() {
    let database = Database::sqlite().await.unwrap();
    let store = database.open().await;
    for n in 0..AT_ONCE * ROUNDS {
        store.commit(make::owed(&format!("e-{n}"), None)).await.unwrap();
    }
    let worker = store.join().await.unwrap();
    let before = store.transactions().unwrap();
    let stop = CancellationToken::new();
    let (together, begun) = (Arc::new(Barrier::new(AT_ONCE)), AtomicUsize::new(0));
    let work = |_: Claim| {
        if begun.fetch_add(1, SeqCst) + 1 == AT_ONCE * ROUNDS {
            stop.cancel();
        }
        let together = together.clone();
        async move {
            together.wait().await;
        }
    };
    work_through(&store, &worker, "tasks", AT_ONCE, &stop, work).await;
    assert_eq!(begun.load(SeqCst), AT_ONCE * ROUNDS);
    // With the worker's heartbeats, and some that ended a moment later than the others.
    let claims = store.transactions().unwrap() - before;
    assert!(claims <= 2 * ROUNDS as u64, "{claims}");
}
