//! Servers and databases for tests.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::AtomicU32,
    time::Duration,
};
use store::{Commit, Committed, Error, Event, Expect, Location, Put, Store};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Names the server that the tests may use, which makes databases there: `postgres://...`.
pub(super) const SERVER: &str = "TRUNKLINE_TEST_POSTGRES";

/// The server's URL; `None`, and a word about it, when there is none.
pub(super) fn server() -> Option<String> {
    let url = std::env::var(SERVER).ok();
    if url.is_none() {
        println!("skipped: {SERVER} is not set");
    }
    url
}

pub(super) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database of a test's own.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    server: String,
}

impl Database {
    pub(crate) async fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let admin = connect(&server).await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let url = match server.rsplit_once('/') {
            Some((host, _)) => format!("{host}/{name}"),
            None => panic!("the URL of {SERVER} names no database"),
        };
        Some(Self { url, name, server })
    }

    pub(super) async fn open(&self) -> Store {
        open(&self.url).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = self.server.clone();
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let work = async move { connect(&server).await.batch_execute(&drop).await };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // The test may have a runtime on this thread.
        let dropped = std::thread::spawn(move || runtime.block_on(work)).join();
        assert!(matches!(dropped, Ok(Ok(()))), "the database could not be dropped");
    }
}

pub(super) async fn open(url: &str) -> Store {
    Store::open(&Location::Postgres(url.into())).await.unwrap()
}

/// A server of a test's own, that it may kill.
pub(super) struct Cluster {
    folder: TempDir,
    pub(super) url: String,
}

impl Cluster {
    pub(super) fn start() -> Option<Self> {
        server()?;
        let folder = tempfile::tempdir().unwrap();
        let url = script("start", &folder);
        Some(Self { folder, url })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// As a loss of power would.
    pub(super) fn kill(&self) {
        script("kill", &self.folder);
    }

    pub(super) fn start_again(&self) {
        assert_eq!(script("start", &self.folder), self.url);
    }

    /// Sends a signal to all processes of the server.
    pub(super) fn signal(&self, signal: &str) {
        let id = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let id = id.lines().next().unwrap();
        let children = Command::new("pkill")
            .args([&format!("-{signal}"), "-P", id])
            .status()
            .unwrap();
        assert!(children.success());
        let kill = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(id)
            .status()
            .unwrap();
        assert!(kill.success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.signal("CONT");
        script("kill", &self.folder);
    }
}

fn script(command: &str, folder: &TempDir) -> String {
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../tests/postgres/cluster.sh"]
        .iter()
        .collect();
    let output = Command::new(script)
        .arg(command)
        .arg(folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A commit that adds one to a counter: done twice, it would show.
pub(super) fn count(counter: &str) -> Commit {
    let put = Put {
        kind: "counter".into(),
        id: counter.into(),
        body: Some("{}".into()),
        expect: Expect::Any,
    };
    Commit {
        records: vec![put],
        ..Commit::default()
    }
}

/// How often a counter was counted.
pub(super) async fn counted(store: &Store, counter: &str) -> i64 {
    let record = store.record("counter", counter).await.unwrap();
    record.map_or(0, |record| record.version)
}

/// Counts until told to stop; gives how often it was told that it is done.
pub(super) async fn count_until(
    stop: tokio_util::sync::CancellationToken,
    store: Store,
    counter: String,
) -> i64 {
    let mut done = 0;
    while !stop.is_cancelled() {
        assert_eq!(store.commit(count(&counter)).await.unwrap(), Committed::Done);
        done += 1;
    }
    done
}

pub(super) fn event(id: &str) -> Commit {
    Commit {
        event: Some(Event {
            source: "test".into(),
            id: id.into(),
            body: "{}".into(),
            answer: format!("answer to {id}"),
        }),
        ..Commit::default()
    }
}

/// The error must say that it may be better soon, and come within the time that an operation has at most.
pub(super) async fn unavailable<T: std::fmt::Debug>(
    operation: impl Future<Output = Result<T, Error>>,
) -> Error {
    let within = Duration::from_secs(20);
    match tokio::time::timeout(within, operation).await {
        Ok(Err(error @ Error::Unavailable(_))) => error,
        Ok(other) => panic!("{other:?}"),
        Err(_) => panic!("no answer within {within:?}"),
    }
}
