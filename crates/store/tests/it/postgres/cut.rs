//! The connection is cut around a COMMIT, at exactly the worst moments.

use super::server::{Database, connect, count, counted, open};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use store::{Committed, Store};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What a proxy does with the first COMMITs that come through it.
#[derive(Clone, Copy)]
enum Cut {
    /// It never reaches the server.
    Before,
    /// The server is still at it.
    During,
    /// The server does it, and its answer is lost.
    After,
}

/// A way to the server that cuts the connection at the next so many COMMITs. Gives its port.
async fn proxy(server: String, cut: Cut, cuts: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (server, cuts) = (TcpStream::connect(&server).await.unwrap(), cuts.clone());
            tokio::spawn(carry(client, server, cut, cuts));
        }
    });
    port
}

/// Carries bytes both ways until one side closes or a COMMIT is cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, cut: Cut, cuts: Arc<AtomicUsize>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = &up[..read.unwrap_or(0)];
                let is_commit = bytes.windows(7).any(|window| window == b"COMMIT\0");
                let is_cut = is_commit && take_one(&cuts);
                if bytes.is_empty() || (is_cut && matches!(cut, Cut::Before)) {
                    return;
                }
                server.write_all(bytes).await.unwrap();
                if is_cut && matches!(cut, Cut::During) {
                    return;
                }
                if is_cut {
                    // Its answer comes, so it is done; but nobody hears of it.
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let bytes = &down[..read.unwrap_or(0)];
                if bytes.is_empty() || client.write_all(bytes).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether there was one left.
fn take_one(cuts: &AtomicUsize) -> bool {
    let less = |left: usize| left.checked_sub(1);
    cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

/// A store behind a proxy; cuts so many COMMITs from then on.
async fn behind(database: &Database, cut: Cut) -> (Store, Arc<AtomicUsize>) {
    let cuts = Arc::new(AtomicUsize::new(0));
    let (scheme, rest) = database.url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let port = proxy(server.to_owned(), cut, cuts.clone()).await;
    let store = open(&format!("{scheme}@127.0.0.1:{port}/{name}")).await;
    (store, cuts)
}

async fn cut_commits_happen_once(cut: Cut) {
    let Some(database) = Database::new().await else {
        return;
    };
    let (store, cuts) = behind(&database, cut).await;
    for round in 1..=5 {
        cuts.store(2, Ordering::SeqCst);
        assert_eq!(store.commit(count("counter")).await.unwrap(), Committed::Done);
        assert_eq!(
            cuts.load(Ordering::SeqCst),
            if matches!(cut, Cut::Before) { 0 } else { 1 }
        );
        cuts.store(0, Ordering::SeqCst);
        assert_eq!(counted(&store, "counter").await, round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_reached_the_server_is_repeated() {
    cut_commits_happen_once(Cut::Before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_not_repeated() {
    cut_commits_happen_once(Cut::After).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_waits_while_the_server_is_still_at_it() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (store, cuts) = behind(&database, Cut::During).await;
    // A trigger that takes its time at the end of the transaction.
    let admin = connect(&database.url).await;
    admin
        .batch_execute(
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON records
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slowly()",
        )
        .await
        .unwrap();
    cuts.store(1, Ordering::SeqCst);
    assert_eq!(store.commit(count("slow")).await.unwrap(), Committed::Done);
    assert_eq!(counted(&store, "slow").await, 1);
}
