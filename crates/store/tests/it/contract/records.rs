//! Records, checkpoints and leases: what is written only if it is as expected.

use crate::{
    database::{Database, START_MS},
    make,
};
use std::time::Duration;
use store::{Clock, Commit, Committed, Expect, Lease, Store};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn a_record_has_a_version_that_grows(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    assert_eq!(store.record("call", "c-1").await.unwrap(), None);
    let steps = [
        (Expect::Absent, Committed::Done, 1),
        (Expect::Absent, Committed::Conflict, 1),
        (Expect::Version(1), Committed::Done, 2),
        (Expect::Version(1), Committed::Conflict, 2),
        (Expect::Any, Committed::Done, 3),
    ];
    for (expect, outcome, version) in steps {
        clock.pass(SECOND);
        let body = format!("{expect:?}");
        assert_eq!(
            store.commit(make::put("c-1", &body, expect)).await.unwrap(),
            outcome
        );
        assert_eq!(
            store.record("call", "c-1").await.unwrap().unwrap().version,
            version
        );
    }
    let record = store.record("call", "c-1").await.unwrap().unwrap();
    assert_eq!(
        (record.body.as_str(), record.updated_ms),
        ("Any", START_MS + 5_000)
    );
}

pub(crate) async fn a_record_can_be_removed(database: &Database) {
    let store = database.open().await;
    let removal = |expect| {
        let mut commit = make::put("c-1", "", expect);
        commit.records[0].body = None;
        commit
    };
    store.commit(make::put("c-1", "x", Expect::Any)).await.unwrap();
    let outcome = store.commit(removal(Expect::Version(2))).await.unwrap();
    assert_eq!(outcome, Committed::Conflict);
    let outcome = store.commit(removal(Expect::Version(1))).await.unwrap();
    assert_eq!(outcome, Committed::Done);
    assert_eq!(store.record("call", "c-1").await.unwrap(), None);
    let outcome = store
        .commit(make::put("c-1", "new", Expect::Absent))
        .await
        .unwrap();
    assert_eq!(outcome, Committed::Done);
}

pub(crate) async fn records_are_listed_last_written_first(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    for id in ["c-1", "c-2", "c-3", "c-1"] {
        clock.pass(SECOND);
        store.commit(make::put(id, "x", Expect::Any)).await.unwrap();
    }
    let mut other = make::put("other", "x", Expect::Any);
    other.records[0].kind = "endpoint".into();
    store.commit(other).await.unwrap();
    let ids = |most| {
        let store = store.clone();
        async move {
            let records = store.records("call", most).await.unwrap();
            records.into_iter().map(|record| record.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(10).await, ["c-1", "c-3", "c-2"]);
    assert_eq!(ids(2).await, ["c-1", "c-3"]);
}

pub(crate) async fn of_many_who_change_a_record_at_once_one_wins(database: &Database) {
    let stores = [database.open().await, database.open().await];
    stores[0]
        .commit(make::put("c-1", "0", Expect::Absent))
        .await
        .unwrap();
    for round in 1..=5 {
        let tasks: Vec<_> = (0..10)
            .map(|n| {
                let store = stores[n % 2].clone();
                let mut commit = make::put("c-1", &n.to_string(), Expect::Version(round));
                commit.audit.push(make::entry("c-1", &[]));
                tokio::spawn(async move { store.commit(commit).await.unwrap() })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            match task.await.unwrap() {
                Committed::Done => done += 1,
                other => assert_eq!(other, Committed::Conflict),
            }
        }
        assert_eq!(done, 1);
        assert_eq!(stores[0].counts().await.unwrap().entries, round as u64);
    }
}

pub(crate) async fn a_new_record_is_made_once_of_many_at_once(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move { store.commit(make::put("c-1", "x", Expect::Absent)).await.unwrap() })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await.unwrap() == Committed::Done);
    }
    assert_eq!(done, 1);
    assert_eq!(stores[0].record("call", "c-1").await.unwrap().unwrap().version, 1);
}

pub(crate) async fn a_checkpoint_moves_on_by_compare_and_set(database: &Database) {
    let store = database.open().await;
    assert_eq!(store.checkpoint("sync").await.unwrap(), None);
    let steps = [
        (Some("5"), "10", Committed::Conflict),
        (None, "10", Committed::Done),
        (None, "20", Committed::Conflict),
        (Some("9"), "20", Committed::Conflict),
        (Some("10"), "20", Committed::Done),
    ];
    for (from, to, outcome) in steps {
        assert_eq!(store.commit(make::advance(from, to)).await.unwrap(), outcome);
    }
    assert_eq!(store.checkpoint("sync").await.unwrap().as_deref(), Some("20"));
}

pub(crate) async fn a_lease_has_one_holder(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let first = take(&store, "a").await.unwrap();
    assert_eq!(first.fence, 1);
    assert_eq!(take(&store, "b").await, None);
    clock.pass(SECOND * 9);
    assert_eq!(take(&store, "a").await, Some(first.clone()), "renewed");
    clock.pass(SECOND * 9);
    assert_eq!(take(&store, "b").await, None);
    assert_eq!(under(&store, &first).await, Committed::Done);
    // It is over, though nobody has taken it yet.
    clock.pass(SECOND);
    assert_eq!(under(&store, &first).await, Committed::Stale);
    let second = take(&store, "b").await.unwrap();
    assert_eq!(second.fence, 2);
    assert_eq!(under(&store, &first).await, Committed::Stale);
    assert_eq!(under(&store, &second).await, Committed::Done);
    assert_eq!(store.counts().await.unwrap().entries, 2);
}

pub(crate) async fn a_lease_that_is_given_back_is_free_at_once(database: &Database) {
    let store = database.open().await;
    let first = take(&store, "a").await.unwrap();
    store.release(&first).await.unwrap();
    assert_eq!(under(&store, &first).await, Committed::Stale);
    let second = take(&store, "b").await.unwrap();
    assert_eq!(second.fence, 2);
    store.release(&first).await.unwrap();
    assert_eq!(
        under(&store, &second).await,
        Committed::Done,
        "the old one was given back twice"
    );
    assert_eq!(take(&store, "a").await, None);
}

pub(crate) async fn of_many_who_want_a_lease_at_once_one_gets_it(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move { take(&store, &format!("holder {n}")).await })
        })
        .collect();
    let mut got = 0;
    for task in tasks {
        got += usize::from(task.await.unwrap().is_some());
    }
    assert_eq!(got, 1);
}

async fn take(store: &Store, holder: &str) -> Option<Lease> {
    store.lease("leader", holder, SECOND * 10).await.unwrap()
}

async fn under(store: &Store, lease: &Lease) -> Committed {
    let commit = Commit {
        under: Some(lease.clone()),
        audit: vec![make::entry("led", &[])],
        ..Commit::default()
    };
    store.commit(commit).await.unwrap()
}
