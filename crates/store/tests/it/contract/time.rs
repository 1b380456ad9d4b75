//! A clock that is set back an hour stalls nothing.

use crate::{
    database::{Database, START_MS},
    make,
};
use std::time::Duration;
use store::{Clock, Store};

const SECOND: Duration = Duration::from_secs(1);
const HOUR_MS: i64 = 3_600_000;

pub(crate) async fn retries_and_leases_go_on_when_the_clock_is_set_back(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    wait_for_something(&store).await;
    clock.set_wall(-HOUR_MS);
    clock.pass(SECOND * 30);
    everything_goes_on(&store).await;
}

pub(crate) async fn retries_and_leases_go_on_when_the_clock_is_set_back_at_a_restart(database: &Database) {
    let store = database.open_at(&Clock::steered(START_MS)).await;
    wait_for_something(&store).await;
    store.close().await;
    let clock = Clock::steered(START_MS - HOUR_MS);
    let store = database.open_at(&clock).await;
    assert!(clock.now_ms() >= START_MS);
    clock.pass(SECOND * 30);
    everything_goes_on(&store).await;
}

pub(crate) async fn a_process_whose_clock_is_behind_follows_the_others(database: &Database) {
    let (ahead, behind) = (Clock::steered(START_MS), Clock::steered(START_MS - HOUR_MS));
    let late = database.open_at(&behind).await;
    let store = database.open_at(&ahead).await;
    wait_for_something(&store).await;
    ahead.pass(SECOND * 30);
    // It learns the time with its first beat.
    let worker = late.join().await.unwrap();
    store.commit(make::noted("time is told", &[])).await.unwrap();
    behind.pass(SECOND);
    drop(worker);
    let _worker = late.join().await.unwrap();
    assert!(behind.now_ms() >= START_MS + 30_000);
    everything_goes_on(&late).await;
}

/// A retry that is due in 30 seconds, and a lease that ends then.
async fn wait_for_something(store: &Store) {
    let worker = store.join().await.unwrap();
    store.commit(make::owed("e-1", None)).await.unwrap();
    let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
    store
        .commit(make::finished(&claim, make::again(SECOND * 30)))
        .await
        .unwrap();
    assert!(worker.claim("tasks", 1).await.unwrap().is_empty());
    assert!(store.lease("leader", "a", SECOND * 30).await.unwrap().is_some());
    assert_eq!(store.lease("leader", "b", SECOND * 30).await.unwrap(), None);
}

async fn everything_goes_on(store: &Store) {
    let worker = store.join().await.unwrap();
    assert_eq!(worker.claim("tasks", 1).await.unwrap().len(), 1);
    let lease = store.lease("leader", "b", SECOND * 30).await.unwrap();
    assert_eq!(lease.unwrap().fence, 2);
}
