//! Several processes over one database. (Each has a store of its own: they share nothing but the database.)

use super::server::{Database, connect, event, open};
use audit::{
    Actor, Entry, Outcome,
    tree::{Frontier, leaf_hash},
};
use std::{collections::HashMap, time::Duration};
use store::{Claim, Commit, Committed, EffectKey, Error, Finish, Intent, Location, Store};
use tokio::task::JoinSet;

const PROCESSES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_make_one_schema() {
    let Some(database) = Database::new().await else {
        return;
    };
    let opened: JoinSet<Store> = (0..6)
        .map(|_| {
            let url = database.url.clone();
            async move { open(&url).await }
        })
        .collect();
    let stores = opened.join_all().await;
    assert_eq!(stores[0].commit(event("e-1")).await.unwrap(), Committed::Done);
    let answer = "answer to e-1".to_owned();
    assert_eq!(
        stores[5].commit(event("e-1")).await.unwrap(),
        Committed::Duplicate { answer }
    );
}

#[tokio::test]
async fn the_schema_of_a_newer_program_is_refused() {
    let Some(database) = Database::new().await else {
        return;
    };
    database.open().await.close().await;
    let admin = connect(&database.url).await;
    admin
        .batch_execute("UPDATE schema_version SET version = 99")
        .await
        .unwrap();
    let Err(error) = Store::open(&Location::Postgres(database.url.clone())).await else {
        panic!("it was opened");
    };
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error:?}");
}

fn owed(number: usize) -> Commit {
    let id = format!("e-{number}");
    // Every other item has one of five subjects.
    let subject = number
        .is_multiple_of(2)
        .then(|| format!("subject-{}", number % 5));
    let mut commit = event(&id);
    commit.intents.push(Intent {
        effect: EffectKey {
            source: "test".into(),
            event: id,
            step: "do".into(),
        },
        queue: "work".into(),
        subject,
        body: number.to_string(),
        after: Duration::ZERO,
    });
    commit
}

/// Works until there has been nothing to do for a while; gives what it finished, in order.
async fn work(store: Store) -> Vec<Claim> {
    let worker = store.join().await.unwrap();
    let mut finished = Vec::new();
    let mut idle = 0;
    while idle < 4 {
        let claims = worker.claim("work", 7).await.unwrap();
        idle = if claims.is_empty() { idle + 1 } else { 0 };
        if claims.is_empty() {
            store.work().await;
        }
        for claim in claims {
            let finish = Some((claim.id, Finish::Done { result: None }));
            let commit = Commit {
                finish,
                ..Commit::default()
            };
            if store.commit(commit).await.unwrap() == Committed::Done {
                finished.push(claim);
            }
        }
    }
    worker.leave().await;
    finished
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_the_work_and_keep_the_order_of_subjects() {
    let Some(database) = Database::new().await else {
        return;
    };
    let items = 300;
    let first = database.open().await;
    for number in 0..items {
        assert_eq!(first.commit(owed(number)).await.unwrap(), Committed::Done);
    }
    let mut workers = JoinSet::new();
    for _ in 0..PROCESSES {
        workers.spawn(work(database.open().await));
    }
    let shares = workers.join_all().await;
    let finished: usize = shares.iter().map(Vec::len).sum();
    assert_eq!(finished, items, "each item is finished exactly once");
    assert_eq!(first.counts().await.unwrap().done, items as u64);
    let listed = first.items(&store::ItemFilter::default(), items).await.unwrap();
    let mut last_of: HashMap<String, (i64, i64)> = HashMap::new();
    // Newest first: within a subject, an item must be finished no later than the one after it.
    for item in listed.into_iter().filter(|item| item.subject.is_some()) {
        let finished = item.finished_ms.unwrap();
        let after = last_of.insert(item.subject.unwrap(), (finished, item.id.0));
        assert!(after.is_none_or(|(later, _)| finished <= later), "{:?}", item.id);
    }
    for share in shares {
        let mut last: HashMap<Option<String>, i64> = HashMap::new();
        for claim in share.into_iter().filter(|claim| claim.subject.is_some()) {
            let before = last.insert(claim.subject, claim.id.item.0);
            assert!(before.is_none_or(|before| before < claim.id.item.0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_a_process_that_is_gone_is_resumed_within_two_seconds() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (gone, alive) = (database.open().await, database.open().await);
    gone.commit(owed(1)).await.unwrap();
    let worker = gone.join().await.unwrap();
    let held = worker.claim("work", 1).await.unwrap();
    assert_eq!(held.len(), 1);
    let other = alive.join().await.unwrap();
    assert!(other.claim("work", 1).await.unwrap().is_empty());
    drop(worker); // Like a kill: nobody is told.
    let resumed = async {
        loop {
            let claims = other.claim("work", 1).await.unwrap();
            if let Some(claim) = claims.into_iter().next() {
                return claim;
            }
            alive.work().await;
        }
    };
    let resumed = tokio::time::timeout(Duration::from_secs(2), resumed)
        .await
        .unwrap();
    assert_eq!(resumed.id.item, held[0].id.item);
    let done = |claim: &Claim| Commit {
        finish: Some((claim.id, Finish::Done { result: None })),
        ..Commit::default()
    };
    assert_eq!(gone.commit(done(&held[0])).await.unwrap(), Committed::Stale);
    assert_eq!(alive.commit(done(&resumed)).await.unwrap(), Committed::Done);
}

fn noted(process: usize, number: usize) -> Commit {
    Commit {
        audit: vec![Entry {
            at: "2026-11-21T05:00:00Z".parse().unwrap(),
            actor: Actor::Service,
            action: format!("test.{process}.{number}"),
            subject: Some(format!("process-{process}")),
            correlation: None,
            outcome: Outcome::Success,
            detail: serde_json::Map::new(),
            personal: vec![("name".into(), format!("person {number}"))],
        }],
        ..Commit::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_all_processes_get_into_one_log_without_gaps() {
    let Some(database) = Database::new().await else {
        return;
    };
    let each = 400;
    let mut writers = JoinSet::new();
    for process in 0..PROCESSES {
        let store = database.open().await;
        writers.spawn(async move {
            for number in 0..each {
                assert_eq!(
                    store.commit(noted(process, number)).await.unwrap(),
                    Committed::Done
                );
                // All that was committed before is in it, whoever put it there.
                if number % 50 == 0 {
                    assert!(store.log().await.unwrap().size() > number as u64);
                }
            }
        });
    }
    writers.join_all().await;
    let store = database.open().await;
    let all = each * PROCESSES;
    let (log, rows) = (store.log().await.unwrap(), store.rows(0, all + 1).await.unwrap());
    assert_eq!((log.size(), rows.len()), (all as u64, all));
    let mut frontier = Frontier::default();
    let mut tiles = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row.index, index as u64);
        assert_eq!(row.hash, leaf_hash(row.leaf.as_ref().unwrap().as_bytes()));
        assert_eq!(row.texts.len(), 1);
        tiles.extend(frontier.push(row.hash));
    }
    assert_eq!(frontier, log);
    assert_eq!(store.tiles(1, 0, 100).await.unwrap(), tiles);
    let actions: std::collections::HashSet<_> = rows.iter().map(|row| &row.action).collect();
    assert_eq!(actions.len(), all, "each entry is there once");
}
