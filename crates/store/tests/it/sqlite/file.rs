//! The file: who may read it, copies of it, others who write to it.

use crate::make;
use rusqlite::Connection;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use store::{Committed, Error, Location, Store};
use tempfile::TempDir;

async fn new() -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("trunkline.db");
    let store = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
    (folder, path, store)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_file_and_what_is_beside_it_are_for_their_owner_alone() {
    let (_folder, path, store) = new().await;
    store.commit(make::accepted("e-1")).await.unwrap();
    for end in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{end}", path.display()));
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_state_of_the_database_while_others_write() {
    let (folder, _path, store) = new().await;
    store.commit(make::accepted("before")).await.unwrap();
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for n in 0.. {
            writer.commit(make::accepted(&format!("e-{n}"))).await.unwrap();
        }
    });
    for n in 0..5 {
        let copy = folder.path().join(format!("copy-{n}.db"));
        store.backup(&copy).await.unwrap();
        assert_eq!(mode(&copy), 0o600);
        let check: String = Connection::open(&copy)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let opened = Store::open(&Location::Sqlite(copy)).await.unwrap();
        let counts = opened.counts().await.unwrap();
        assert!(counts.events >= 1);
        assert_eq!((counts.waiting, counts.entries), (counts.events, counts.events));
    }
    writing.abort();
}

#[tokio::test]
async fn a_backup_never_overwrites() {
    let (folder, _path, store) = new().await;
    let copy = folder.path().join("copy.db");
    fs::write(&copy, "precious").unwrap();
    let refused = store.backup(&copy).await.unwrap_err();
    assert!(matches!(refused, Error::Failed(_)), "{refused:?}");
    assert_eq!(fs::read(&copy).unwrap(), b"precious");
    assert!(
        store
            .backup(&folder.path().join("nowhere").join("copy.db"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_erased_is_not_in_any_file() {
    let (_folder, path, store) = new().await;
    let secret = "+49 30 5550199";
    for n in 0..50 {
        store
            .commit(make::noted(&format!("c-{n}"), &[("caller", secret)]))
            .await
            .unwrap();
    }
    assert!(is_in_files(&path, secret));
    assert_eq!(store.erase(secret).await.unwrap().texts, 50);
    assert!(!is_in_files(&path, secret));
}

fn is_in_files(database: &Path, text: &str) -> bool {
    let files = fs::read_dir(database.parent().unwrap()).unwrap();
    files.into_iter().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_harms_no_other() {
    let (_folder, path, store) = new().await;
    let trigger = "CREATE TRIGGER bad BEFORE INSERT ON audit WHEN NEW.subject = 'bad'
        BEGIN SELECT RAISE(ABORT, 'refused'); END";
    Connection::open(&path).unwrap().execute_batch(trigger).unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let id = if n == 50 { "bad".into() } else { format!("e-{n}") };
            let store = store.clone();
            tokio::spawn(async move { (id.clone(), store.commit(make::accepted(&id)).await) })
        })
        .collect();
    for task in tasks {
        match task.await.unwrap() {
            (id, Ok(outcome)) => assert_eq!((outcome, id != "bad"), (Committed::Done, true), "{id}"),
            (id, Err(error)) => assert!(
                id == "bad" && matches!(error, Error::Failed(_)),
                "{id}: {error:?}"
            ),
        }
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.events, counts.waiting, counts.entries), (99, 99, 99));
    assert_eq!(store.log().await.unwrap().size(), 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_shares_its_transactions() {
    const CLIENTS: usize = 64;
    const EACH: usize = 20;
    let (_folder, _path, store) = new().await;
    let before = store.transactions().unwrap();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    store
                        .commit(make::accepted(&format!("{client}-{n}")))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let transactions = store.transactions().unwrap() - before;
    let commits = (CLIENTS * EACH) as u64;
    // The goal is 40 per 1,000, which the benchmark shows; a busy machine may bring less together.
    assert!(
        transactions * 5 < commits,
        "{transactions} transactions for {commits} commits"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_others_keep_locked_is_unavailable_and_then_heals() {
    let (_folder, path, store) = new().await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(15), store.commit(make::accepted("e-1"))).await;
    let refused = refused.unwrap().unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert_eq!(store.counts().await.unwrap().events, 0, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        store.commit(make::accepted("e-1")).await.unwrap(),
        Committed::Done
    );
}
