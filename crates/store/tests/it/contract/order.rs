//! Items of one queue and subject are done one after the other, in the order they were committed.

use crate::{
    database::{Database, START_MS},
    make,
};
use std::time::Duration;
use store::{Claim, Clock, Commit, Committed, ItemFilter, ItemState, Store, Worker};

pub(crate) async fn the_next_of_a_subject_waits_for_the_one_before(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    for id in ["a-1", "a-2", "a-3"] {
        store.commit(make::owed(id, Some("a"))).await.unwrap();
    }
    for id in ["a-1", "a-2", "a-3"] {
        let claim = only(&worker).await;
        assert_eq!(claim.effect.event, id);
        assert!(claimed(&worker).await.is_empty(), "{id} is held");
        finish(&store, &claim, make::done()).await;
    }
    assert!(claimed(&worker).await.is_empty());
}

pub(crate) async fn items_of_one_commit_are_in_order_too(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    let intents = ["a-1", "a-2"].map(|id| make::intent(id, Some("a"))).to_vec();
    let commit = Commit {
        intents,
        ..Commit::default()
    };
    store.commit(commit).await.unwrap();
    let first = only(&worker).await;
    assert_eq!(first.effect.event, "a-1");
    // The next item of the subject comes with the end of the first.
    let mut next = make::finished(&first, make::done());
    next.intents.push(make::intent("a-3", Some("a")));
    store.commit(next).await.unwrap();
    let second = only(&worker).await;
    assert_eq!(second.effect.event, "a-2");
    finish(&store, &second, make::done()).await;
    assert_eq!(only(&worker).await.effect.event, "a-3");
}

pub(crate) async fn a_head_that_backs_off_holds_its_subject_back(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let worker = store.join().await.unwrap();
    for (id, subject) in [("a-1", "a"), ("a-2", "a"), ("b-1", "b")] {
        store.commit(make::owed(id, Some(subject))).await.unwrap();
    }
    let claims = claimed(&worker).await;
    assert_eq!(events(&claims), ["a-1", "b-1"]);
    finish(&store, &claims[0], make::again(Duration::from_secs(30))).await;
    clock.pass(Duration::from_millis(29_999));
    assert!(claimed(&worker).await.is_empty());
    clock.pass(Duration::from_millis(1));
    let claim = only(&worker).await;
    assert_eq!((claim.effect.event.as_str(), claim.failures), ("a-1", 1));
    finish(&store, &claim, make::done()).await;
    assert_eq!(only(&worker).await.effect.event, "a-2");
}

pub(crate) async fn a_dead_head_lets_the_next_go(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    for id in ["a-1", "a-2"] {
        store.commit(make::owed(id, Some("a"))).await.unwrap();
    }
    let claim = only(&worker).await;
    finish(&store, &claim, make::dead()).await;
    assert_eq!(only(&worker).await.effect.event, "a-2");
    let dead = store.effect(&make::key("a-1", "task")).await.unwrap().unwrap();
    assert_eq!(
        (dead.state, dead.error.as_deref()),
        (ItemState::Dead, Some("410 Gone"))
    );
}

pub(crate) async fn a_replayed_item_goes_behind_what_is_unfinished(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    for id in ["a-1", "a-2", "a-3"] {
        store.commit(make::owed(id, Some("a"))).await.unwrap();
    }
    let first = only(&worker).await;
    finish(&store, &first, make::dead()).await;
    let second = only(&worker).await;
    assert_eq!(store.replay(&ItemFilter::default()).await.unwrap(), 1);
    assert!(claimed(&worker).await.is_empty(), "a-2 is held");
    let replayed = store.effect(&make::key("a-1", "task")).await.unwrap().unwrap();
    assert_eq!((replayed.state, replayed.failures), (ItemState::Behind, 0));
    finish(&store, &second, make::done()).await;
    // It was committed before a-3.
    let third = only(&worker).await;
    assert_eq!(third.effect.event, "a-1");
    finish(&store, &third, make::done()).await;
    assert_eq!(only(&worker).await.effect.event, "a-3");
}

pub(crate) async fn several_replayed_items_of_a_subject_keep_their_order(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    for id in ["a-1", "a-2", "a-3"] {
        store.commit(make::owed(id, Some("a"))).await.unwrap();
        let claim = only(&worker).await;
        finish(&store, &claim, make::dead()).await;
    }
    assert_eq!(store.replay(&ItemFilter::default()).await.unwrap(), 3);
    for id in ["a-1", "a-2", "a-3"] {
        let claim = only(&worker).await;
        assert_eq!(claim.effect.event, id);
        finish(&store, &claim, make::done()).await;
    }
}

pub(crate) async fn queues_do_not_wait_for_each_other(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    store.commit(make::owed("a-1", Some("a"))).await.unwrap();
    let mut other = make::owed("a-2", Some("a"));
    other.intents[0].queue = "notes".into();
    store.commit(other).await.unwrap();
    assert_eq!(only(&worker).await.effect.event, "a-1");
    let notes = worker.claim("notes", 10).await.unwrap();
    assert_eq!(events(&notes), ["a-2"]);
}

pub(crate) async fn a_subject_committed_to_from_many_sides_never_stalls(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = stores[writer % 2].clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    store
                        .commit(make::owed(&format!("{writer}-{n}"), Some("a")))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let worker = stores[0].join().await.unwrap();
    let mut last = [-1_i64; 4];
    for _ in 0..80 {
        let claim = loop {
            match claimed(&worker).await.as_slice() {
                [] => stores[0].work().await,
                [claim] => break claim.clone(),
                more => panic!("{} items of one subject at once", more.len()),
            }
        };
        let (writer, n) = claim.effect.event.split_once('-').unwrap();
        let (writer, n): (usize, i64) = (writer.parse().unwrap(), n.parse().unwrap());
        assert_eq!(last[writer], n - 1, "items of writer {writer} in order");
        last[writer] = n;
        finish(&stores[0], &claim, make::done()).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn claimed(worker: &Worker) -> Vec<Claim> {
    worker.claim("tasks", 10).await.unwrap()
}

async fn only(worker: &Worker) -> Claim {
    let mut claims = claimed(worker).await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

async fn finish(store: &Store, claim: &Claim, finish: store::Finish) {
    let outcome = store.commit(make::finished(claim, finish)).await.unwrap();
    assert_eq!(outcome, Committed::Done);
}

fn events(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.effect.event.as_str()).collect()
}
