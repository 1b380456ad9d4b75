//! Work is one worker's at a time, and whoever lost it can't finish it.

use crate::{
    database::{Database, START_MS},
    make,
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use store::{Claim, Clock, Committed, Finish, ItemState, Store, Worker};

pub(crate) async fn work_is_claimed_when_it_is_due_and_oldest_first(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let worker = store.join().await.unwrap();
    for (id, after) in [("late", 20), ("now", 0), ("soon", 10)] {
        let mut commit = make::owed(id, None);
        commit.intents[0].after = Duration::from_secs(after);
        store.commit(commit).await.unwrap();
    }
    assert_eq!(names(&worker, 10).await, ["now"]);
    assert!(names(&worker, 10).await.is_empty());
    clock.pass(Duration::from_secs(20));
    assert_eq!(names(&worker, 1).await, ["soon"]);
    assert_eq!(names(&worker, 1).await, ["late"]);
    assert!(worker.claim("another", 10).await.unwrap().is_empty());
}

pub(crate) async fn a_claim_says_what_is_to_be_done(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    store.commit(make::owed("e-1", Some("s"))).await.unwrap();
    let worker = store.join().await.unwrap();
    let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
    assert_eq!(claim.effect, make::key("e-1", "task"));
    assert_eq!(claim.subject.as_deref(), Some("s"));
    assert_eq!(claim.body, "task for e-1");
    assert_eq!(
        (claim.failures, claim.created_ms, claim.id.fence),
        (0, START_MS, 1)
    );
    let done = Finish::Done {
        result: Some("task-7".into()),
    };
    clock.pass(Duration::from_secs(1));
    store.commit(make::finished(&claim, done)).await.unwrap();
    let item = store.effect(&claim.effect).await.unwrap().unwrap();
    assert_eq!(item.result.as_deref(), Some("task-7"));
    assert_eq!(
        (item.state, item.finished_ms),
        (ItemState::Done, Some(START_MS + 1_000))
    );
}

pub(crate) async fn a_claim_is_finished_once(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    store.commit(make::owed("e-1", None)).await.unwrap();
    let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
    assert_eq!(finish(&store, &claim, make::done()).await, Committed::Done);
    for late in [
        make::done(),
        make::dead(),
        make::again(Duration::ZERO),
        Finish::Released,
    ] {
        assert_eq!(finish(&store, &claim, late).await, Committed::Stale);
    }
}

pub(crate) async fn failures_are_counted_and_releases_are_not(database: &Database) {
    let store = database.open().await;
    let worker = store.join().await.unwrap();
    store.commit(make::owed("e-1", None)).await.unwrap();
    let ways = [
        (Finish::Released, 0),
        (make::again(Duration::ZERO), 1),
        (Finish::Released, 1),
        (make::again(Duration::ZERO), 2),
    ];
    for (n, (way, failures)) in ways.into_iter().enumerate() {
        let claim = worker.claim("tasks", 1).await.unwrap().remove(0);
        assert_eq!(claim.id.fence, n as i64 + 1);
        assert_eq!(finish(&store, &claim, way).await, Committed::Done);
        let item = store.effect(&claim.effect).await.unwrap().unwrap();
        assert_eq!((item.state, item.failures), (ItemState::Ready, failures));
    }
}

pub(crate) async fn a_worker_that_lost_its_work_can_not_finish_it(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let (slow, quick) = (store.join().await.unwrap(), store.join().await.unwrap());
    store.commit(make::owed("e-1", None)).await.unwrap();
    let old = slow.claim("tasks", 1).await.unwrap().remove(0);
    assert!(quick.claim("tasks", 1).await.unwrap().is_empty());
    // A minute is the longest that an item is held.
    clock.pass(Duration::from_secs(61));
    let new = quick.claim("tasks", 1).await.unwrap().remove(0);
    assert_eq!((new.id.item, new.id.fence), (old.id.item, old.id.fence + 1));
    assert_eq!(new.failures, 0);
    let mut late = make::finished(&old, make::done());
    late.audit.push(make::entry("e-1", &[]));
    assert_eq!(store.commit(late).await.unwrap(), Committed::Stale);
    assert_eq!(store.counts().await.unwrap().entries, 0);
    assert_eq!(finish(&store, &new, make::done()).await, Committed::Done);
}

pub(crate) async fn a_worker_that_was_thought_gone_works_on(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let (paused, other) = (store.join().await.unwrap(), store.join().await.unwrap());
    for id in ["e-1", "e-2"] {
        store.commit(make::owed(id, None)).await.unwrap();
    }
    assert_eq!(names(&paused, 1).await, ["e-1"]);
    // Nobody heard of it for two seconds: the other gets its work. It beats by a real clock: when it does so just now, it is heard of, and
    // two more seconds pass.
    let mut taken = Vec::new();
    for _ in 0..20 {
        clock.pass(Duration::from_secs(2));
        taken.extend(names(&other, 10).await);
        if taken.len() == 2 {
            break;
        }
    }
    taken.sort();
    assert_eq!(taken, ["e-1", "e-2"]);
    store.commit(make::owed("e-3", None)).await.unwrap();
    clock.pass(Duration::from_secs(1));
    assert_eq!(names(&paused, 10).await, ["e-3"]);
}

pub(crate) async fn work_of_a_process_that_is_gone_is_resumed_within_two_seconds(database: &Database) {
    let store = database.open().await;
    let gone = store.join().await.unwrap();
    let worker = database.open().await.join().await.unwrap();
    for id in ["e-1", "e-2"] {
        store.commit(make::owed(id, None)).await.unwrap();
    }
    assert_eq!(names(&gone, 10).await, ["e-1", "e-2"]);
    drop(gone); // Like being killed: nobody is told.
    let start = Instant::now();
    let mut found = Vec::new();
    while found.len() < 2 {
        found.extend(names(&worker, 10).await);
        store.work().await;
        assert!(start.elapsed() < Duration::from_secs(20), "{found:?}");
    }
    // The polls of a busy machine may be late; the two seconds are measured where nothing else runs.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

pub(crate) async fn whoever_leaves_gives_its_work_back_at_once(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let (leaving, staying) = (store.join().await.unwrap(), store.join().await.unwrap());
    store.commit(make::owed("e-1", None)).await.unwrap();
    assert_eq!(names(&leaving, 10).await, ["e-1"]);
    leaving.leave().await;
    let claim = staying.claim("tasks", 10).await.unwrap().remove(0);
    assert_eq!((claim.failures, claim.id.fence), (0, 2));
}

pub(crate) async fn no_two_workers_get_the_same_item(database: &Database) {
    const ITEMS: usize = 300;
    let store = database.open().await;
    for n in 0..ITEMS {
        store.commit(make::owed(&format!("e-{n}"), None)).await.unwrap();
    }
    let mut workers = Vec::new();
    for _ in 0..4 {
        let store = database.open().await;
        workers.push(tokio::spawn(async move { work_off(&store).await }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), ITEMS);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), ITEMS);
    assert_eq!(store.counts().await.unwrap().done, ITEMS as u64);
}

/// Claims and finishes until nothing is left.
async fn work_off(store: &Store) -> Vec<String> {
    let worker = store.join().await.unwrap();
    let mut all = Vec::new();
    loop {
        let claims = worker.claim("tasks", 7).await.unwrap();
        for claim in &claims {
            assert_eq!(finish(store, claim, make::done()).await, Committed::Done);
            all.push(claim.effect.event.clone());
        }
        let counts = store.counts().await.unwrap();
        if counts.waiting + counts.held == 0 {
            return all;
        }
    }
}

pub(crate) async fn a_hint_is_not_lost_while_nobody_waits(database: &Database) {
    let store = database.open().await;
    assert!(!hinted(&store).await);
    store.commit(make::owed("e-1", None)).await.unwrap();
    let other = store.clone();
    assert!(hinted(&store).await);
    assert!(hinted(&other).await, "each clone is told");
}

/// Whether there is a hint already.
async fn hinted(store: &Store) -> bool {
    tokio::select! {
        biased;
        () = store.work() => true,
        () = std::future::ready(()) => false,
    }
}

async fn names(worker: &Worker, most: usize) -> Vec<String> {
    let claims = worker.claim("tasks", most).await.unwrap();
    claims.into_iter().map(|claim| claim.effect.event).collect()
}

async fn finish(store: &Store, claim: &Claim, finish: Finish) -> Committed {
    store.commit(make::finished(claim, finish)).await.unwrap()
}
