//! Processes that are killed under load, and processes that share a file.

use crate::make;
use audit::tree::Frontier;
use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};
use store::{Committed, ItemFilter, ItemState, Location, Store};

/// Where the child's database is, and the name of its events.
const PATH: &str = "TRUNKLINE_TEST_CHILD_DATABASE";
const NAME: &str = "TRUNKLINE_TEST_CHILD_NAME";

/// Accepts events and does their work until it is killed; says of each event on standard output when it was accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the tests below start it in processes of its own"]
async fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let name = std::env::var(NAME).unwrap();
    let store = Store::open(&Location::Sqlite(path.into())).await.unwrap();
    let clients = (0..16).map(|client| tokio::spawn(accept(store.clone(), format!("{name}-{client}"))));
    let clients: Vec<_> = clients.collect();
    let worker = store.join().await.unwrap();
    loop {
        // Some of what is claimed is left in the hands of the one that is killed.
        for claim in worker.claim("tasks", 20).await.unwrap().iter().skip(1) {
            let mut commit = make::finished(claim, make::done());
            commit
                .audit
                .push(make::entry(&claim.effect.event, &[("effect", "done")]));
            store.commit(commit).await.unwrap();
        }
        store.work().await;
        assert!(clients.iter().all(|client| !client.is_finished()));
    }
}

async fn accept(store: Store, name: String) {
    for n in 0_u64.. {
        let id = format!("{name}-{n}");
        let subject = format!("{name} {}", n % 3);
        let mut commit = make::accepted(&id);
        commit.intents = vec![make::intent(&id, Some(&subject))];
        match store.commit(commit).await.unwrap() {
            Committed::Done => println!("\naccepted {id}"),
            other => panic!("{other:?}"),
        }
    }
}

fn start(path: &Path, name: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["sqlite::crash::child", "--exact", "--ignored", "--nocapture"])
        .env(PATH, path)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads what a child accepts until there are so many, or it has ended.
fn read(output: &mut BufReader<ChildStdout>, most: usize) -> Vec<String> {
    let lines = output.lines().map_while(Result::ok);
    let accepted = lines.filter_map(|line| Some(line.strip_prefix("accepted ")?.to_owned()));
    accepted.take(most).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_there_after_processes_were_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trunkline.db");
    let mut accepted = Vec::new();
    for round in 0..6 {
        // One process, or two on the same file.
        let mut children: Vec<Child> = (0..=round % 2)
            .map(|n| start(&path, &format!("{round}-{n}")))
            .collect();
        let mut outputs: Vec<_> = children
            .iter_mut()
            .map(|child| BufReader::new(child.stdout.take().unwrap()))
            .collect();
        for output in &mut outputs {
            accepted.extend(read(output, 40 + 97 * round));
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        for output in &mut outputs {
            accepted.extend(read(output, usize::MAX));
        }
    }
    let killed = Instant::now();
    assert!(accepted.len() > 1_000);
    let store = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
    everything_fits(&store).await;
    for id in &accepted {
        assert!(store.event("survey", id).await.unwrap().is_some(), "{id}");
    }
    let resumed = work_off(&store).await;
    println!("work that was held was resumed within {:?}", resumed - killed);
    everything_fits(&store).await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.done, counts.waiting + counts.held), (counts.events, 0));
    let check: String = rusqlite::Connection::open(path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

/// Each event has one item and the entries that belong to it, and the log is whole.
async fn everything_fits(store: &Store) {
    let counts = store.counts().await.unwrap();
    let items = counts.waiting + counts.held + counts.done + counts.dead;
    assert_eq!(items, counts.events);
    assert_eq!(counts.entries, counts.events + counts.done);
    let rows = store.rows(0, usize::MAX).await.unwrap();
    let mut log = Frontier::default();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row.index, index as u64);
        log.push(row.hash);
    }
    assert_eq!(store.log().await.unwrap(), log);
}

/// Does all that is left; gives when the work that the killed had held was all claimed.
async fn work_off(store: &Store) -> Instant {
    let held = ItemFilter {
        states: vec![ItemState::Held],
        ..ItemFilter::default()
    };
    let held = store.items(&held, usize::MAX).await.unwrap();
    let mut held: HashSet<_> = held.into_iter().map(|item| item.id).collect();
    let worker = store.join().await.unwrap();
    let start = Instant::now();
    let mut resumed = start;
    loop {
        let mut commits = Vec::new();
        for claim in worker.claim("tasks", 100).await.unwrap() {
            if held.remove(&claim.id.item) && held.is_empty() {
                resumed = Instant::now();
            }
            let mut commit = make::finished(&claim, make::done());
            commit.audit.push(make::entry(&claim.effect.event, &[]));
            let store = store.clone();
            commits.push(tokio::spawn(async move { store.commit(commit).await.unwrap() }));
        }
        for commit in commits {
            assert_eq!(commit.await.unwrap(), Committed::Done);
        }
        let counts = store.counts().await.unwrap();
        if counts.waiting + counts.held == 0 {
            return resumed;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{counts:?}");
    }
}
