//! The audit log: in order, provable, and forgetful where it has to be.

use crate::{
    database::{Database, START_MS},
    make,
};
use audit::tree::{Frontier, Tile, leaf_hash};
use std::time::Duration;
use store::{Clock, Commit, EntryFilter, Row, Store};

pub(crate) async fn entries_of_many_at_once_are_in_one_order_without_gaps(database: &Database) {
    const TASKS: u64 = 16;
    const EACH: u64 = 40;
    let stores = [database.open().await, database.open().await];
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = stores[task as usize % 2].clone();
            tokio::spawn(async move {
                for n in 0..EACH / 2 {
                    let audit =
                        [0, 1].map(|k| make::entry(&format!("{task}-{}", n * 2 + k), &[("who", "Kim")]));
                    let commit = Commit {
                        audit: audit.to_vec(),
                        ..Commit::default()
                    };
                    store.commit(commit).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let log = stores[1].log().await.unwrap();
    assert_eq!(log.size(), TASKS * EACH);
    let rows = all_rows(&stores[0]).await;
    let tiles = check(&rows, &log);
    // Each task's entries are in its own order.
    for task in 0..TASKS {
        let own = rows
            .iter()
            .filter_map(|row| row.subject.as_deref()?.strip_prefix(&format!("{task}-")));
        let own: Vec<u64> = own.map(|n| n.parse().unwrap()).collect();
        assert_eq!(own, (0..EACH).collect::<Vec<_>>());
    }
    assert_eq!(tiles.len(), 2);
    assert_eq!(stores[0].tiles(1, 0, 10).await.unwrap(), tiles);
    assert_eq!(stores[0].tiles(1, 1, 2).await.unwrap(), tiles[1..]);
    assert_eq!(stores[0].tiles(2, 0, 10).await.unwrap(), []);
    let hashes: Vec<_> = rows.iter().map(|row| row.hash).collect();
    assert_eq!(stores[0].leaf_hashes(3, 300).await.unwrap(), hashes[3..300]);
}

pub(crate) async fn the_log_goes_on_after_a_restart(database: &Database) {
    for n in 0..3 {
        let store = database.open().await;
        store.commit(make::noted(&format!("e-{n}"), &[])).await.unwrap();
        store.close().await;
    }
    let store = database.open().await;
    let rows = all_rows(&store).await;
    assert_eq!(rows.len(), 3);
    check(&rows, &store.log().await.unwrap());
}

pub(crate) async fn entries_are_found_by_what_they_say(database: &Database) {
    let store = database.open().await;
    for (at, action, subject) in [
        ("2026-11-21T09:30:00Z", "call.started", "c-1"),
        ("2026-11-21T09:31:00Z", "call.ended", "c-1"),
        ("2026-11-21T09:32:00Z", "webhook.delivered", "c-2"),
    ] {
        let mut entry = make::entry(subject, &[("caller", "+49 30 1234567")]);
        entry.at = at.parse().unwrap();
        entry.action = action.into();
        let commit = Commit {
            audit: vec![entry],
            ..Commit::default()
        };
        store.commit(commit).await.unwrap();
    }
    let all = EntryFilter::default;
    let cases = [
        (all(), vec![0, 1, 2]),
        (EntryFilter { from: 1, ..all() }, vec![1, 2]),
        (
            EntryFilter {
                subject: Some("c-1".into()),
                ..all()
            },
            vec![0, 1],
        ),
        (
            EntryFilter {
                action_prefix: Some("call.".into()),
                ..all()
            },
            vec![0, 1],
        ),
        (
            EntryFilter {
                action_prefix: Some("call_".into()),
                ..all()
            },
            vec![],
        ),
        (
            EntryFilter {
                since: Some("2026-11-21T09:31:00Z".parse().unwrap()),
                ..all()
            },
            vec![1, 2],
        ),
        (
            EntryFilter {
                until: Some("2026-11-21T09:31:00Z".parse().unwrap()),
                ..all()
            },
            vec![0],
        ),
    ];
    for (filter, expected) in cases {
        let entries = store.entries(&filter, 10).await.unwrap();
        let found: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
        assert_eq!(found, expected, "{filter:?}");
        assert!(
            entries
                .iter()
                .all(|entry| entry.texts.len() == 1 && entry.leaf.is_some())
        );
    }
    assert_eq!(store.entries(&EntryFilter::default(), 2).await.unwrap().len(), 2);
}

pub(crate) async fn a_person_can_be_erased_and_the_log_stays_valid(database: &Database) {
    let store = database.open().await;
    store
        .commit(make::noted("c-1", &[("caller", "+49 30 1"), ("name", "Kim")]))
        .await
        .unwrap();
    store
        .commit(make::noted("c-1", &[("note", "wants a call back")]))
        .await
        .unwrap();
    store
        .commit(make::noted("c-2", &[("caller", "+49 30 2")]))
        .await
        .unwrap();
    store
        .commit(make::noted("c-3", &[("caller", "+49 30 1")]))
        .await
        .unwrap();
    let mut nobody = make::noted("", &[("caller", "+49 30 1")]);
    nobody.audit[0].subject = None;
    store.commit(nobody).await.unwrap();
    let before = all_rows(&store).await;
    let erased = store.erase("+49 30 1").await.unwrap();
    assert_eq!(
        (erased.subjects.as_slice(), erased.texts),
        (&["c-1".into(), "c-3".into()][..], 5)
    );
    let after = all_rows(&store).await;
    check(&after, &store.log().await.unwrap());
    let texts: Vec<_> = after
        .iter()
        .flat_map(|row| &row.texts)
        .map(|text| text.value.as_str())
        .collect();
    assert_eq!(texts, ["+49 30 2"]);
    assert_eq!(store.erase_subject("c-1").await.unwrap(), 0);
    assert_eq!(store.erase_subject("c-2").await.unwrap(), 1);
    assert!(all_rows(&store).await.iter().all(|row| row.texts.is_empty()));
    check(&all_rows(&store).await, &store.log().await.unwrap());
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before.leaf == after.leaf && before.hash == after.hash)
    );
    assert_eq!(store.erase("+49 30 1").await.unwrap(), store::Erased::default());
}

pub(crate) async fn old_entries_lose_their_text_and_keep_their_hash(database: &Database) {
    // Entries say 09:30.
    let clock = Clock::steered(START_MS + 3_600_000);
    let store = database.open_at(&clock).await;
    for n in 0..3 {
        store
            .commit(make::noted(&format!("e-{n}"), &[("who", "Kim")]))
            .await
            .unwrap();
    }
    let mut young = make::noted("young", &[("who", "Kim")]);
    young.audit[0].at = "2026-11-21T10:00:00Z".parse().unwrap();
    store.commit(young).await.unwrap();
    let before = all_rows(&store).await;
    assert_eq!(store.expire(Duration::from_secs(3_601)).await.unwrap(), 0);
    assert_eq!(store.expire(Duration::from_secs(1_801)).await.unwrap(), 3);
    assert_eq!(store.expire(Duration::from_secs(1_801)).await.unwrap(), 0);
    let after = all_rows(&store).await;
    let kept: Vec<_> = after
        .iter()
        .map(|row| (row.leaf.is_some(), row.texts.len()))
        .collect();
    // The last one says up to where texts were dropped.
    assert_eq!(kept, [(false, 0), (false, 0), (false, 0), (true, 1), (true, 0)]);
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before.hash == after.hash)
    );
    check(&after, &store.log().await.unwrap());
}

pub(crate) async fn signed_checkpoints_are_kept_by_size(database: &Database) {
    let store = database.open().await;
    assert_eq!(store.last_checkpoint().await.unwrap(), None);
    for (size, note) in [
        (5, "five"),
        (20, "twenty"),
        (10, "ten"),
        (10, "ten of somebody else"),
    ] {
        store.keep_checkpoint(size, note).await.unwrap();
    }
    assert_eq!(store.checkpoints(0, 10).await.unwrap(), ["five", "ten", "twenty"]);
    assert_eq!(store.checkpoints(6, 1).await.unwrap(), ["ten"]);
    assert_eq!(store.checkpoints(21, 10).await.unwrap(), [""; 0]);
    assert_eq!(store.last_checkpoint().await.unwrap().as_deref(), Some("twenty"));
}

async fn all_rows(store: &Store) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let more = store.rows(rows.len() as u64, 100).await.unwrap();
        if more.is_empty() {
            return rows;
        }
        rows.extend(more);
    }
}

/// Indices without gaps, hashes of leaves, texts of commitments, and the root of it all; gives the tiles.
fn check(rows: &[Row], log: &Frontier) -> Vec<Tile> {
    let mut frontier = Frontier::default();
    let mut tiles = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row.index, index as u64);
        if let Some(leaf) = &row.leaf {
            assert_eq!(row.hash, leaf_hash(leaf.as_bytes()));
            assert!(leaf.starts_with(&format!("{{\"index\":{index},")), "{leaf}");
            assert!(row.texts.iter().all(|text| leaf.contains(&text.commitment())));
        }
        tiles.extend(frontier.push(row.hash));
    }
    assert_eq!(&frontier, log);
    tiles
}
