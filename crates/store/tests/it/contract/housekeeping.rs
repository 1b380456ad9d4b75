//! Lists, replays, what is removed after its time, and the end.

use crate::{
    database::{Database, START_MS},
    make,
};
use std::time::Duration;
use store::{Clock, Committed, Error, Finish, ItemFilter, ItemId, ItemState, Store, Worker};

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) async fn items_are_listed_newest_first_by_what_they_are(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    one_of_each(&store, &worker).await;
    let all = ItemFilter::default;
    let states = |states: &[ItemState]| ItemFilter {
        states: states.to_vec(),
        ..all()
    };
    let newest = store.items(&all(), 10).await.unwrap()[0].id;
    let cases = [
        (all(), vec!["note", "behind", "ready", "held", "dead", "done"]),
        (states(&[ItemState::Dead]), vec!["dead"]),
        (
            states(&[ItemState::Done, ItemState::Behind]),
            vec!["behind", "done"],
        ),
        (
            ItemFilter {
                queue_prefix: Some("ta".into()),
                ..all()
            },
            vec!["behind", "ready", "held", "dead", "done"],
        ),
        (
            ItemFilter {
                queue_prefix: Some("_a".into()),
                ..all()
            },
            vec![],
        ),
        (
            ItemFilter {
                event: Some(("survey".into(), "held".into())),
                ..all()
            },
            vec!["held"],
        ),
        (
            ItemFilter {
                event: Some(("another".into(), "held".into())),
                ..all()
            },
            vec![],
        ),
        (
            ItemFilter {
                before: Some(newest),
                ..states(&[ItemState::Ready])
            },
            vec!["ready"],
        ),
        (
            ItemFilter {
                id: Some(newest),
                ..all()
            },
            vec!["note"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(events(&store, &filter, 10).await, expected, "{filter:?}");
    }
    assert_eq!(events(&store, &all(), 2).await, ["note", "behind"]);
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts.waiting, counts.held, counts.done, counts.dead),
        (3, 1, 1, 1)
    );
    for (prefix, waiting) in [("", 3), ("ta", 2), ("tasks", 2), ("no", 1), ("_a", 0)] {
        assert_eq!(store.waiting(prefix).await.unwrap(), waiting, "{prefix:?}");
    }
}

pub(crate) async fn a_replay_makes_the_dead_ready_and_leaves_the_rest_alone(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    one_of_each(&store, &worker).await;
    let queue = |prefix: &str| ItemFilter {
        queue_prefix: Some(prefix.into()),
        ..ItemFilter::default()
    };
    assert_eq!(store.replay(&queue("notes")).await.unwrap(), 0);
    assert_eq!(store.replay(&queue("tasks")).await.unwrap(), 1);
    assert_eq!(store.replay(&queue("tasks")).await.unwrap(), 0);
    let item = store.effect(&make::key("dead", "task")).await.unwrap().unwrap();
    assert_eq!(
        (item.state, item.failures, item.error),
        (ItemState::Ready, 0, None)
    );
    assert_eq!(item.finished_ms, None);
    let done = ItemFilter {
        states: vec![ItemState::Done],
        ..ItemFilter::default()
    };
    assert_eq!(store.replay(&done).await.unwrap(), 1);
    let held = ItemFilter {
        states: vec![ItemState::Held, ItemState::Behind],
        ..ItemFilter::default()
    };
    assert_eq!(store.replay(&held).await.unwrap(), 0);
}

pub(crate) async fn a_long_list_is_replayed_as_a_whole(database: &Database) {
    const ITEMS: usize = 1_100;
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    for first in (0..ITEMS).step_by(100) {
        let mut commit = make::owed(&format!("e-{first}"), None);
        commit
            .intents
            .extend((first + 1..first + 100).map(|n| make::intent(&format!("e-{n}"), None)));
        store.commit(commit).await.unwrap();
    }
    for claim in claim_all(&worker).await {
        store.commit(make::finished(&claim, make::dead())).await.unwrap();
    }
    assert_eq!(store.replay(&ItemFilter::default()).await.unwrap(), ITEMS as u64);
    assert_eq!(claim_all(&worker).await.len(), ITEMS);
}

async fn claim_all(worker: &Worker) -> Vec<store::Claim> {
    let mut all = Vec::new();
    loop {
        let claims = worker.claim("tasks", 1_000).await.unwrap();
        if claims.is_empty() {
            return all;
        }
        all.extend(claims);
    }
}

pub(crate) async fn a_purge_removes_what_is_old_and_done(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let worker = store.join().await.unwrap();
    for (id, finish) in [
        ("old", Some(make::done())),
        ("dead", Some(make::dead())),
        ("owed", None),
    ] {
        store.commit(make::accepted(id)).await.unwrap();
        let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
        let finish = finish.unwrap_or(Finish::Again {
            after: DAY * 30,
            error: "not yet".into(),
        });
        store.commit(make::finished(&claim, finish)).await.unwrap();
    }
    clock.pass(DAY * 2);
    store.commit(make::accepted("young")).await.unwrap();
    let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
    store.commit(make::finished(&claim, make::done())).await.unwrap();
    assert_eq!(store.purge(DAY * 3).await.unwrap(), 0);
    // The old item and its event; the events of the others are still needed.
    assert_eq!(store.purge(DAY).await.unwrap(), 2);
    for (id, is_there) in [("old", false), ("dead", true), ("owed", true), ("young", true)] {
        assert_eq!(
            store.event("survey", id).await.unwrap().is_some(),
            is_there,
            "{id}"
        );
        let item = store.effect(&make::key(id, "task")).await.unwrap();
        assert_eq!(item.is_some(), is_there, "{id}");
    }
    assert_eq!(
        store.counts().await.unwrap().entries,
        4,
        "the audit log is not purged"
    );
    assert_eq!(
        store.commit(make::accepted("old")).await.unwrap(),
        Committed::Done
    );
}

pub(crate) async fn a_closed_store_refuses_and_has_kept_everything(database: &Database) {
    let store = database.open().await;
    let clone = store.clone();
    let last: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(make::accepted(&format!("e-{n}"))).await })
        })
        .collect();
    store.close().await;
    let mut accepted = 0;
    for commit in last {
        match commit.await.unwrap() {
            Ok(outcome) => {
                assert_eq!(outcome, Committed::Done);
                accepted += 1;
            }
            Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
        }
    }
    let late = clone.commit(make::accepted("late")).await.unwrap_err();
    assert!(matches!(late, Error::Unavailable(_)), "{late:?}");
    let late = clone.counts().await.unwrap_err();
    assert!(matches!(late, Error::Unavailable(_)), "{late:?}");
    assert_eq!(database.open().await.counts().await.unwrap().events, accepted);
}

/// An item of each state, and one of another queue.
async fn one_of_each(store: &Store, worker: &Worker) {
    for (id, finish) in [
        ("done", Some(make::done())),
        ("dead", Some(make::dead())),
        ("held", None),
    ] {
        store.commit(make::owed(id, None)).await.unwrap();
        let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
        if let Some(finish) = finish {
            store.commit(make::finished(&claim, finish)).await.unwrap();
        }
    }
    store.commit(make::owed("ready", Some("a"))).await.unwrap();
    store.commit(make::owed("behind", Some("a"))).await.unwrap();
    let mut note = make::owed("note", None);
    note.intents[0].queue = "notes".into();
    store.commit(note).await.unwrap();
    assert_ne!(
        store.items(&ItemFilter::default(), 1).await.unwrap()[0].id,
        ItemId(0)
    );
}

async fn events(store: &Store, filter: &ItemFilter, most: usize) -> Vec<String> {
    let items = store.items(filter, most).await.unwrap();
    items.into_iter().map(|item| item.effect.event).collect()
}
