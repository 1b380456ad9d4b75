//! A disk that is full refuses, loses nothing, and heals.

use crate::make;
use std::time::Duration;
use store::{Clock, Committed, Error, Location, Settings, Store};

#[tokio::test]
async fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("trunkline.db"));
    let clock = Clock::steered(crate::database::START_MS);
    let settings = |most_pages| Settings {
        clock: clock.clone(),
        most_pages,
    };
    let store = Store::open_with(&location, settings(Some(100))).await.unwrap();
    let mut accepted = 0;
    let refused = loop {
        match store.commit(make::accepted(&format!("e-{accepted}"))).await {
            Ok(outcome) => assert_eq!(outcome, Committed::Done),
            Err(error) => break error,
        }
        accepted += 1;
    };
    assert!(matches!(refused, Error::Full), "{refused:?}");
    assert!(accepted > 10);
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts.events, counts.waiting, counts.entries),
        (accepted, accepted, accepted)
    );

    // Somebody makes room: the work is done elsewhere, and what is done is purged.
    let other = Store::open_with(&location, settings(None)).await.unwrap();
    let worker = other.join().await.unwrap();
    for claim in worker.claim("tasks", 1_000).await.unwrap() {
        other.commit(make::finished(&claim, make::done())).await.unwrap();
    }
    clock.pass(Duration::from_secs(60));
    assert_eq!(other.purge(Duration::from_secs(1)).await.unwrap(), accepted * 2);
    let again = format!("e-{accepted}");
    assert_eq!(
        store.commit(make::accepted(&again)).await.unwrap(),
        Committed::Done
    );
    assert_eq!(store.log().await.unwrap().size(), accepted + 1);
}
