//! The loop that has work done.

use crate::{database::Database, make};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use store::{Claim, POLL, Store, work_through};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A loop whose work says that it began, waits until it may end, and is done.
struct Loop {
    began: mpsc::UnboundedReceiver<Claim>,
    may_end: Arc<Semaphore>,
    most_at_once: Arc<AtomicUsize>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Loop {
    async fn start(store: &Store, at_once: usize) -> Self {
        let worker = store.join().await.unwrap();
        let (begins, began) = mpsc::unbounded_channel();
        let may_end = Arc::new(Semaphore::new(0));
        let (at_work, most_at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stop = CancellationToken::new();
        let (store, ends, most, stopped) =
            (store.clone(), may_end.clone(), most_at_once.clone(), stop.clone());
        let running = tokio::spawn(async move {
            let work = |claim: Claim| {
                let (store, begins, ends) = (store.clone(), begins.clone(), ends.clone());
                let (at_work, most) = (at_work.clone(), most.clone());
                async move {
                    most.fetch_max(at_work.fetch_add(1, SeqCst) + 1, SeqCst);
                    let finish = make::finished(&claim, make::done());
                    let _ = begins.send(claim);
                    ends.acquire().await.unwrap().forget();
                    at_work.fetch_sub(1, SeqCst);
                    store.commit(finish).await.unwrap();
                }
            };
            work_through(&store, &worker, "tasks", at_once, &stopped, work).await;
            worker.leave().await;
        });
        Self {
            began,
            may_end,
            most_at_once,
            stop,
            running,
        }
    }

    async fn next(&mut self) -> Claim {
        self.began.recv().await.unwrap()
    }
}

async fn owe(store: &Store, items: std::ops::Range<usize>) {
    for n in items {
        store.commit(make::owed(&format!("e-{n}"), None)).await.unwrap();
    }
}

pub(crate) async fn so_many_are_worked_on_at_once_and_not_more(database: &Database) {
    let store = database.open().await;
    owe(&store, 0..20).await;
    let mut work = Loop::start(&store, 3).await;
    for _ in 0..3 {
        work.next().await;
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.held, counts.waiting), (3, 17));
    work.may_end.add_permits(20);
    for _ in 3..20 {
        work.next().await;
    }
    work.stop.cancel();
    work.running.await.unwrap();
    assert_eq!(work.most_at_once.load(SeqCst), 3);
    assert_eq!(store.counts().await.unwrap().done, 20);
}

pub(crate) async fn work_that_a_clone_commits_is_begun_before_the_next_poll(database: &Database) {
    const ITEMS: usize = 16;
    let store = database.open().await;
    // None ends before all have begun, so it is never an end that makes the loop look for more.
    let mut work = Loop::start(&store, ITEMS + 1).await;
    let start = Instant::now();
    for n in 0..ITEMS {
        owe(&store, n..n + 1).await;
        assert_eq!(work.next().await.effect.event, format!("e-{n}"));
    }
    // A loop that only polls would take a poll for each.
    let took = start.elapsed();
    assert!(took < POLL * ITEMS as u32 / 2, "{took:?}");
    work.stop.cancel();
    work.may_end.add_permits(ITEMS);
    work.running.await.unwrap();
}

pub(crate) async fn work_of_another_process_is_found_by_the_next_poll(database: &Database) {
    let (store, other) = (database.open().await, database.open().await);
    let mut work = Loop::start(&store, 2).await;
    owe(&other, 0..1).await;
    let within = tokio::time::timeout(Duration::from_secs(10), work.next());
    assert_eq!(within.await.unwrap().effect.event, "e-0");
    work.may_end.add_permits(1);
    work.stop.cancel();
    work.running.await.unwrap();
}

pub(crate) async fn a_loop_that_is_stopped_ends_what_it_began_and_begins_nothing_more(database: &Database) {
    let store = database.open().await;
    owe(&store, 0..5).await;
    let mut work = Loop::start(&store, 2).await;
    work.next().await;
    work.next().await;
    work.stop.cancel();
    owe(&store, 5..6).await;
    work.may_end.add_permits(1);
    // One is done, and its place stays free.
    while store.counts().await.unwrap().done == 0 {}
    assert!(!work.running.is_finished());
    work.may_end.add_permits(10);
    (&mut work.running).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.done, counts.held, counts.waiting), (2, 0, 4));
    assert!(work.began.recv().await.is_none());
}

pub(crate) async fn what_was_claimed_too_late_is_free_at_once(database: &Database) {
    let store = database.open().await;
    owe(&store, 0..5).await;
    let worker = store.join().await.unwrap();
    let stop = CancellationToken::new();
    let work = |_: Claim| {
        stop.cancel();
        async {}
    };
    work_through(&store, &worker, "tasks", 5, &stop, work).await;
    // The first was begun, and is still held.
    assert_eq!(store.counts().await.unwrap().held, 1);
    let other = store.join().await.unwrap();
    let claims = other.claim("tasks", 10).await.unwrap();
    let events: Vec<_> = claims.iter().map(|claim| claim.effect.event.as_str()).collect();
    assert_eq!(events, ["e-1", "e-2", "e-3", "e-4"]);
    assert!(claims.iter().all(|claim| claim.failures == 0));
}

pub(crate) async fn work_that_panics_gives_its_place_to_the_next(database: &Database) {
    let store = database.open().await;
    owe(&store, 0..3).await;
    let worker = store.join().await.unwrap();
    let stop = CancellationToken::new();
    let work = |claim: Claim| {
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            if claim.effect.event == "e-0" {
                panic!("as this test wants it");
            }
            store.commit(make::finished(&claim, make::done())).await.unwrap();
            if claim.effect.event == "e-2" {
                stop.cancel();
            }
        }
    };
    work_through(&store, &worker, "tasks", 1, &stop, work).await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.done, counts.held), (2, 1));
}

pub(crate) async fn a_loop_stops_though_the_store_fails(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    store.clone().close().await;
    let stop = CancellationToken::new();
    let running = work_through(&store, &worker, "tasks", 2, &stop, |_| async {});
    let stopping = async {
        tokio::task::yield_now().await;
        stop.cancel();
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(running, stopping) })
        .await
        .unwrap();
}
