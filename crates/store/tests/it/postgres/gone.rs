//! The server is killed, or ends all connections, while commits are on their way.

use super::server::{Cluster, Database, connect, count_until, counted, event, open, unavailable};
use std::time::Duration;
use store::{Committed, Error, Location, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 12;

/// Starts clients that count, each with a counter of its own, over the stores in turn.
fn start(stores: &[Store], stop: &CancellationToken) -> JoinSet<(String, i64)> {
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let store = stores[number % stores.len()].clone();
        let (stop, counter) = (stop.clone(), format!("counter-{number}"));
        clients.spawn(async move {
            let done = count_until(stop, store, counter.clone()).await;
            (counter, done)
        });
    }
    clients
}

/// Every commit that was acknowledged is there once, and no other.
async fn verify(store: &Store, clients: JoinSet<(String, i64)>) {
    for (counter, done) in clients.join_all().await {
        assert!(done > 0, "{counter}: nothing was done");
        assert_eq!(counted(store, &counter).await, done, "{counter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_loses_and_doubles_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let stores = [
        open(&cluster.url).await,
        open(&cluster.url).await,
        open(&cluster.url).await,
    ];
    let stop = CancellationToken::new();
    let clients = start(&stores, &stop);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        cluster.kill();
        cluster.start_again();
    }
    // Work goes on without opening anything anew.
    assert_eq!(stores[0].commit(event("after")).await.unwrap(), Committed::Done);
    stop.cancel();
    verify(&stores[1], clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_in_mid_commit_lose_and_double_nothing() {
    let Some(database) = Database::new().await else {
        return;
    };
    let stores = [database.open().await, database.open().await];
    let stop = CancellationToken::new();
    let clients = start(&stores, &stop);
    let admin = connect(&database.url).await;
    let end_all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut ended = 0;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let row = admin.query_one(end_all, &[]).await.unwrap();
        ended += row.get::<_, i64>(0);
    }
    assert!(ended > 40, "{ended} connections were ended");
    stop.cancel();
    verify(&stores[0], clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_every_operation_gives_up_in_time_and_never_tells_the_password() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.url.replace("postgres@", "postgres:hunter2@");
    let store = open(&url).await;
    cluster.kill();
    let location = Location::Postgres(url);
    let errors: [Error; 7] = tokio::join!(
        unavailable(store.commit(event("e-1"))),
        unavailable(store.counts()),
        unavailable(store.log()),
        unavailable(store.lease("leader", "me", Duration::from_secs(1))),
        unavailable(store.event("test", "e-1")),
        unavailable(store.record("kind", "id")),
        unavailable(async { Store::open(&location).await.map(|_| ()) }),
    )
    .into();
    for error in &errors {
        let mut text = format!("{error} {error:?}");
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text += &format!("{cause} {cause:?}");
            source = cause.source();
        }
        assert!(!text.contains("hunter2"), "{text}");
    }
    cluster.start_again();
    assert_eq!(store.commit(event("e-2")).await.unwrap(), Committed::Done);
}
