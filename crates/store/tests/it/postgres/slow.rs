//! A database that is there, and does not answer.

use super::server::{Cluster, Database, connect, event, open, unavailable};
use store::Committed;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_another_holds_gives_unavailable_in_time() {
    let Some(database) = Database::new().await else {
        return;
    };
    let store = database.open().await;
    let other = connect(&database.url).await;
    other
        .batch_execute("BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let (committed, read) = tokio::join!(
        unavailable(store.commit(event("e-1"))),
        unavailable(store.event("test", "e-1"))
    );
    drop((committed, read));
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.commit(event("e-2")).await.unwrap(), Committed::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_gives_unavailable_in_time_and_heals() {
    let Some(cluster) = Cluster::start() else { return };
    let store = open(&cluster.url).await;
    cluster.signal("STOP");
    let (committed, counted) = tokio::join!(
        unavailable(store.commit(event("e-1"))),
        unavailable(store.counts())
    );
    drop((committed, counted));
    cluster.signal("CONT");
    assert_eq!(store.commit(event("e-2")).await.unwrap(), Committed::Done);
}
