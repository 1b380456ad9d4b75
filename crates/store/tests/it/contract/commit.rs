//! What is written together is there together, or not at all.

use crate::{database::Database, make};
use std::time::Duration;
use store::{ClaimId, Commit, Committed, Error, Expect, ItemId, ItemState, Lease, MOST_BODY, Store};

pub(crate) async fn an_event_its_effects_and_its_entry_are_there_together(database: &Database) {
    let store = database.open().await;
    assert_eq!(
        store.commit(make::accepted("e-1")).await.unwrap(),
        Committed::Done
    );
    let kept = store.event("survey", "e-1").await.unwrap().unwrap();
    assert_eq!(kept.event, make::event("e-1"));
    let item = store.effect(&make::key("e-1", "task")).await.unwrap().unwrap();
    assert_eq!(
        (item.state, item.body.as_str()),
        (ItemState::Ready, "task for e-1")
    );
    assert_eq!(store.log().await.unwrap().size(), 1);
    assert_eq!(sizes(&store).await, (1, 1, 1));
    assert_eq!(store.event("another", "e-1").await.unwrap(), None);
}

pub(crate) async fn a_repeated_event_gets_the_first_answer_and_writes_nothing(database: &Database) {
    let store = database.open().await;
    store.commit(make::accepted("e-1")).await.unwrap();
    let mut again = make::accepted("e-1");
    if let Some(event) = &mut again.event {
        event.answer = "another answer".into();
    }
    again.intents[0].effect.step = "another step".into();
    let answer = "answer to e-1".to_owned();
    assert_eq!(
        store.commit(again).await.unwrap(),
        Committed::Duplicate { answer }
    );
    assert_eq!(sizes(&store).await, (1, 1, 1));
    assert_eq!(store.commit(Commit::default()).await.unwrap(), Committed::Done);
}

pub(crate) async fn a_thousand_same_events_at_once_are_accepted_once(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let tasks: Vec<_> = (0..1_000)
        .map(|n| {
            let store = stores[n % 2].clone();
            let mut commit = make::accepted("e-1");
            if let Some(event) = &mut commit.event {
                event.answer = format!("answer {n}");
            }
            tokio::spawn(async move { (n, store.commit(commit).await.unwrap()) })
        })
        .collect();
    let mut first = Vec::new();
    let mut answers = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (n, Committed::Done) => first.push(format!("answer {n}")),
            (_, Committed::Duplicate { answer }) => answers.push(answer),
            (n, other) => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!((first.len(), answers.len()), (1, 999));
    assert!(answers.iter().all(|answer| *answer == first[0]));
    assert_eq!(sizes(&stores[0]).await, (1, 1, 1));
}

pub(crate) async fn an_effect_is_owed_once_whoever_commits_it(database: &Database) {
    let store = database.open().await;
    store.commit(make::owed("e-1", None)).await.unwrap();
    let mut again = make::owed("e-1", Some("a subject"));
    again.intents[0].body = "another body".into();
    again.intents.push(make::intent("e-2", None));
    assert_eq!(store.commit(again).await.unwrap(), Committed::Done);
    let item = store.effect(&make::key("e-1", "task")).await.unwrap().unwrap();
    assert_eq!((item.body.as_str(), item.subject), ("task for e-1", None));
    assert_eq!(store.counts().await.unwrap().waiting, 2);
}

pub(crate) async fn a_check_that_fails_writes_nothing(database: &Database) {
    let store = database.open().await;
    store
        .commit(make::put("c-1", "first", Expect::Absent))
        .await
        .unwrap();
    store.commit(make::advance(None, "10")).await.unwrap();
    store.commit(make::accepted("e-0")).await.unwrap();
    for (name, spoil, expected) in faults() {
        let mut commit = everything();
        spoil(&mut commit);
        let outcome = store.commit(commit).await.unwrap();
        assert_eq!(outcome, expected, "{name}");
        assert_eq!(sizes(&store).await, (1, 1, 1), "{name}");
        let record = store.record("call", "c-1").await.unwrap().unwrap();
        assert_eq!((record.version, record.body.as_str()), (1, "first"), "{name}");
        assert_eq!(store.record("call", "c-2").await.unwrap(), None, "{name}");
        assert_eq!(
            store.checkpoint("sync").await.unwrap().as_deref(),
            Some("10"),
            "{name}"
        );
    }
    assert_eq!(store.commit(everything()).await.unwrap(), Committed::Done);
    assert_eq!(sizes(&store).await, (2, 2, 2));
    assert_eq!(store.record("call", "c-1").await.unwrap().unwrap().version, 2);
    assert_eq!(store.checkpoint("sync").await.unwrap().as_deref(), Some("20"));
}

/// A commit with something of everything; it fits after the first commits of the test above.
fn everything() -> Commit {
    let mut commit = make::accepted("e-1");
    commit.records = make::put("c-1", "second", Expect::Version(1)).records;
    commit
        .records
        .extend(make::put("c-2", "new", Expect::Absent).records);
    commit.advance = make::advance(Some("10"), "20").advance;
    commit
}

type Fault = (&'static str, fn(&mut Commit), Committed);

fn faults() -> Vec<Fault> {
    let stale_lease: fn(&mut Commit) = |commit| {
        commit.under = Some(Lease {
            name: "nobody".into(),
            fence: 1,
        });
    };
    let stale_claim: fn(&mut Commit) = |commit| {
        let claim = ClaimId {
            item: ItemId(1),
            fence: 1,
        };
        commit.finish = Some((claim, make::done()));
    };
    let answer = "answer to e-0".to_owned();
    vec![
        ("a lease that is not held", stale_lease, Committed::Stale),
        ("an item that is not held", stale_claim, Committed::Stale),
        (
            "an event that is known",
            |commit| commit.event = Some(make::event("e-0")),
            Committed::Duplicate { answer },
        ),
        (
            "a record of another version",
            |commit| commit.records[0].expect = Expect::Version(7),
            Committed::Conflict,
        ),
        (
            "a record that is there",
            |commit| commit.records[0].expect = Expect::Absent,
            Committed::Conflict,
        ),
        (
            "a record that is not there",
            |commit| commit.records[1].expect = Expect::Version(1),
            Committed::Conflict,
        ),
        (
            "another checkpoint",
            |commit| commit.advance = make::advance(Some("11"), "20").advance,
            Committed::Conflict,
        ),
        (
            "a checkpoint that is there",
            |commit| commit.advance = make::advance(None, "20").advance,
            Committed::Conflict,
        ),
    ]
}

pub(crate) async fn the_first_check_that_fails_decides_the_answer(database: &Database) {
    let store = database.open().await;
    store.commit(make::accepted("e-0")).await.unwrap();
    let mut commit = make::accepted("e-0");
    commit.records = make::put("c-1", "x", Expect::Version(1)).records;
    let answer = "answer to e-0".to_owned();
    let stale = ClaimId {
        item: ItemId(1),
        fence: 9,
    };
    let outcome = store.commit(commit).await.unwrap();
    assert_eq!(outcome, Committed::Duplicate { answer });
    let mut commit = make::accepted("e-0");
    commit.finish = Some((stale, make::done()));
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Stale);
}

pub(crate) async fn what_is_too_large_is_refused_by_name(database: &Database) {
    let store = database.open().await;
    let mut commit = make::accepted("e-1");
    commit.intents[0].body = "x".repeat(MOST_BODY + 1);
    let refused = store.commit(commit).await.unwrap_err();
    let Error::TooLarge { what, length, most } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (what, length, most),
        ("the body of an intent", MOST_BODY + 1, MOST_BODY)
    );
    let mut commit = make::accepted("e-1");
    commit.intents[0].body = "x".repeat(MOST_BODY);
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
}

pub(crate) async fn text_comes_back_as_it_was(database: &Database) {
    let store = database.open().await;
    for (n, text) in [
        "",
        "'; DROP TABLE inbox; --",
        "$1 ?1 %s",
        "Ünïcødé 你好 🎧",
        "a\r\n\tb",
    ]
    .into_iter()
    .enumerate()
    {
        let mut commit = make::accepted(&format!("{n}{text}"));
        if let Some(event) = &mut commit.event {
            event.body = text.into();
        }
        commit.audit = vec![make::entry(&format!("s{n}"), &[("note", text)])];
        assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
        let kept = store
            .event("survey", &format!("{n}{text}"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kept.event.body, text);
    }
    let mut zero = make::accepted("e-0");
    zero.intents[0].body = "a\0b".into();
    let refused = store.commit(zero).await.unwrap_err();
    assert!(matches!(refused, Error::ZeroByte { .. }), "{refused:?}");
}

pub(crate) async fn commits_of_many_at_once_are_all_there(database: &Database) {
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(database.open().await);
    }
    let tasks: Vec<_> = (0..400)
        .map(|n| {
            let store = stores[n % 4].clone();
            // Every event comes twice, at two processes.
            tokio::spawn(async move {
                store
                    .commit(make::accepted(&format!("e-{}", n / 2)))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Committed::Done => done += 1,
            Committed::Duplicate { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done, 200);
    assert_eq!(sizes(&stores[0]).await, (200, 200, 200));
    for store in stores {
        tokio::time::timeout(Duration::from_secs(20), store.close())
            .await
            .unwrap();
    }
    assert_eq!(sizes(&database.open().await).await, (200, 200, 200));
}

/// Events, waiting items, entries.
async fn sizes(store: &Store) -> (u64, u64, u64) {
    let counts = store.counts().await.unwrap();
    (counts.events, counts.waiting, counts.entries)
}
