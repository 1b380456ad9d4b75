//! A database of every earlier version comes up to date with all that is in it.

use crate::make;
use rusqlite::Connection;
use std::{fs, path::Path};
use store::{Committed, Error, Event, Expect, ItemState, Location, Store};

const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/sqlite/0001_inbox_outbox.sql"),
    include_str!("../../../migrations/sqlite/0002_records.sql"),
    include_str!("../../../migrations/sqlite/0003_audit.sql"),
    include_str!("../../../migrations/sqlite/0004_terms.sql"),
];

/// What a version brought, with data of its time.
const DATA: [&str; 4] = [
    "INSERT INTO inbox VALUES ('survey', 'old', 7, 'body', 'answer');
     INSERT INTO outbox (effect, source, event_id, step, queue, body, state, failures, created_ms, due_ms, fence)
     VALUES (x'00', 'survey', 'old', 'task', 'tasks', 'task for old', 0, 2, 7, 8, 3);
     INSERT INTO meta VALUES ('last_seen_ms', 4000000000000);",
    "INSERT INTO records VALUES ('call', 'c-1', 4, 7, 'a call');
     INSERT INTO leases VALUES ('leader', 'a', 6, 0);
     INSERT INTO checkpoints VALUES ('sync', '10', 7);",
    "INSERT INTO audit_checkpoints VALUES (5, 'a note');",
    "INSERT INTO terms VALUES ('call', 'open', 7, 'c-1');",
];

#[tokio::test]
async fn every_earlier_version_is_upgraded_and_keeps_its_data() {
    for version in 1..=MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trunkline.db");
        make_version(&path, version);
        let store = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
        check(&store, version).await;
        store.close().await;
        // Once more: nothing is left to do.
        let store = Store::open(&Location::Sqlite(path)).await.unwrap();
        assert_eq!(store.counts().await.unwrap().events, 2, "version {version}");
    }
}

fn make_version(path: &Path, version: usize) {
    let connection = Connection::open(path).unwrap();
    for text in MIGRATIONS.iter().take(version).chain(DATA.iter().take(version)) {
        connection.execute_batch(text).unwrap();
    }
    connection
        .pragma_update(None, "user_version", version as i64)
        .unwrap();
}

async fn check(store: &Store, version: usize) {
    let old = store.event("survey", "old").await.unwrap().unwrap();
    assert_eq!((old.event.answer.as_str(), old.received_ms), ("answer", 7));
    let worker = store.join().await.unwrap();
    let claim = worker.claim("tasks", 10).await.unwrap().remove(0);
    assert_eq!(
        (claim.body.as_str(), claim.failures, claim.id.fence),
        ("task for old", 2, 4)
    );
    assert_eq!(
        store.commit(make::finished(&claim, make::done())).await.unwrap(),
        Committed::Done
    );
    let items = store.items(&store::ItemFilter::default(), 10).await.unwrap();
    assert_eq!(items[0].state, ItemState::Done);
    assert!(items[0].finished_ms.unwrap() >= 4_000_000_000_000, "time goes on");
    if version >= 2 {
        assert_eq!(
            store
                .commit(make::put("c-1", "new", Expect::Version(4)))
                .await
                .unwrap(),
            Committed::Done
        );
        assert_eq!(
            store.commit(make::advance(Some("10"), "20")).await.unwrap(),
            Committed::Done
        );
        let lease = store
            .lease("leader", "b", std::time::Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(lease.unwrap().fence, 7);
    }
    if version >= 3 {
        assert_eq!(store.last_checkpoint().await.unwrap().as_deref(), Some("a note"));
    }
    if version >= 4 {
        assert_eq!(store.count("call", "open").await.unwrap(), 1);
    }
    // All that is new works.
    let found = make::found_under("c-2", &[("open", 8)]);
    assert_eq!(store.commit(found).await.unwrap(), Committed::Done);
    let open = store::Find {
        kind: "call".into(),
        term: "open".into(),
        after: Some(7),
        ..store::Find::default()
    };
    assert_eq!(store.find(&open, 10).await.unwrap()[0].record.id, "c-2");
    assert_eq!(
        store.commit(make::accepted("new")).await.unwrap(),
        Committed::Done
    );
    assert_eq!(store.log().await.unwrap().size(), 1);
    let again = Event {
        answer: "other".into(),
        ..make::event("old")
    };
    let commit = store::Commit {
        event: Some(again),
        ..store::Commit::default()
    };
    let answer = "answer".to_owned();
    assert_eq!(
        store.commit(commit).await.unwrap(),
        Committed::Duplicate { answer }
    );
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trunkline.db");
    make_version(&path, MIGRATIONS.len());
    let newer = MIGRATIONS.len() as i64 + 1;
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", newer)
        .unwrap();
    let before = fs::read(&path).unwrap();
    let refused = Store::open(&Location::Sqlite(path.clone())).await.err().unwrap();
    assert!(
        matches!(refused, Error::Newer { found, known } if found == newer && known == newer - 1),
        "{refused:?}"
    );
    assert!(fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a database, but long enough to look at. ".repeat(100)).unwrap();
    for path in [other, text] {
        let before = fs::read(&path).unwrap();
        let refused = Store::open(&Location::Sqlite(path.clone())).await.err().unwrap();
        assert!(matches!(refused, Error::Failed(_)), "{refused:?}");
        assert!(fs::read(&path).unwrap() == before, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_open_a_new_database_at_once_make_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("trunkline.db"));
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let location = location.clone();
            tokio::spawn(async move {
                let store = Store::open(&location).await.unwrap();
                store.commit(make::accepted(&format!("e-{n}"))).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Committed::Done);
    }
    let store = Store::open(&location).await.unwrap();
    assert_eq!(store.log().await.unwrap().size(), 8);
}
