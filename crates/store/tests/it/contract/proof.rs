//! The audit log vouched for and verified.

use crate::{
    database::{Database, START_MS},
    make,
};
use audit::verify::What;
use std::time::Duration;
use store::{Clock, Commit, Notary, NotaryError, Store, Trust};

async fn note(store: &Store, from: u64, to: u64) {
    for number in from..to {
        let entry = make::entry(&format!("call-{number}"), &[("ani", "+15550100")]);
        let commit = Commit {
            audit: vec![entry],
            ..Commit::default()
        };
        store.commit(commit).await.unwrap();
    }
}

fn trust(notary: &Notary, notes: Vec<String>) -> Trust {
    Trust {
        keys: vec![notary.verifying_key().clone()],
        notes,
    }
}

pub(super) async fn a_log_that_nobody_touched_holds_however_it_grows(database: &Database) {
    let store = database.open().await;
    let folder = tempfile::tempdir().unwrap();
    let notary = Notary::open(store.clone(), folder.path()).await.unwrap();
    let mut notes = vec![notary.sign().await.unwrap()];
    for (from, to) in [(0, 1), (1, 7), (7, 300)] {
        note(&store, from, to).await;
        notes.push(notary.sign().await.unwrap());
        let verified = store
            .verify_log(&trust(&notary, notes.clone()), |_, _| {})
            .await
            .unwrap();
        assert!(verified.is_good(), "{verified:?}");
        assert_eq!((verified.verdict.entries, verified.verdict.proven), (to, to));
        assert_eq!(verified.verdict.root, Some(store.log().await.unwrap().root()));
    }
    // What nobody has signed yet is told apart.
    note(&store, 300, 310).await;
    let verified = store.verify_log(&trust(&notary, notes), |_, _| {}).await.unwrap();
    assert!(verified.is_good(), "{verified:?}");
    assert_eq!((verified.verdict.entries, verified.verdict.proven), (310, 300));
}

pub(super) async fn a_log_holds_while_it_grows(database: &Database) {
    let store = database.open().await;
    let folder = tempfile::tempdir().unwrap();
    let notary = Notary::open(store.clone(), folder.path()).await.unwrap();
    note(&store, 0, 250).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for round in 0..200 {
                let entries = (0..8).map(|n| make::entry(&format!("call-{round}-{n}"), &[]));
                let commit = Commit {
                    audit: entries.collect(),
                    ..Commit::default()
                };
                store.commit(commit).await.unwrap();
            }
        }
    });
    let mut verified = 0;
    while !writer.is_finished() {
        let notes = vec![notary.sign().await.unwrap()];
        let found = store.verify_log(&trust(&notary, notes), |_, _| {}).await.unwrap();
        assert!(found.is_good(), "{found:?}");
        verified += 1;
    }
    writer.await.unwrap();
    assert!(verified > 1);
}

pub(super) async fn a_log_holds_while_retention_drops_texts(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let folder = tempfile::tempdir().unwrap();
    let notary = Notary::open(store.clone(), folder.path()).await.unwrap();
    for round in 0..4 {
        let entries = (0..1000).map(|n| make::entry(&format!("call-{round}-{n}"), &[]));
        let commit = Commit {
            audit: entries.collect(),
            ..Commit::default()
        };
        store.commit(commit).await.unwrap();
    }
    notary.sign().await.unwrap();
    clock.pass(Duration::from_secs(3600));
    let retention = tokio::spawn({
        let store = store.clone();
        async move { store.expire(Duration::from_secs(60)).await.unwrap() }
    });
    loop {
        let is_last = retention.is_finished();
        let found = store
            .verify_log(&trust(&notary, Vec::new()), |_, _| {})
            .await
            .unwrap();
        assert!(found.is_good(), "{found:?}");
        if is_last {
            assert_eq!(found.verdict.expired, 4000);
            break;
        }
    }
    assert_eq!(retention.await.unwrap(), 4000);
}

pub(super) async fn texts_that_retention_dropped_are_told_from_removed_ones(database: &Database) {
    let clock = Clock::steered(START_MS);
    let store = database.open_at(&clock).await;
    let folder = tempfile::tempdir().unwrap();
    let notary = Notary::open(store.clone(), folder.path()).await.unwrap();
    note(&store, 0, 5).await;
    clock.pass(Duration::from_secs(3600));
    assert_eq!(store.expire(Duration::from_secs(60)).await.unwrap(), 5);
    note(&store, 5, 7).await;
    notary.sign().await.unwrap();
    let found = store
        .verify_log(&trust(&notary, Vec::new()), |_, _| {})
        .await
        .unwrap();
    assert!(found.is_good(), "{found:?}");
    assert_eq!((found.verdict.entries, found.verdict.expired), (8, 5));
}

pub(super) async fn an_entry_is_proven_to_somebody_without_the_log(database: &Database) {
    let store = database.open().await;
    let folder = tempfile::tempdir().unwrap();
    let notary = Notary::open(store.clone(), folder.path()).await.unwrap();
    note(&store, 0, 600).await;
    let signed = notary.sign().await.unwrap();
    let keys = [notary.verifying_key().clone()];
    for index in [0, 255, 256, 511, 599] {
        let evidence = store.evidence(index, &signed).await.unwrap().unwrap();
        assert!(evidence.leaf.contains(&format!("call-{index}")));
        assert_eq!(evidence.check(&keys).unwrap().size(), 600);
    }
    assert!(store.evidence(600, &signed).await.unwrap().is_none());
    assert!(store.evidence(0, "no note").await.unwrap().is_none());
}

pub(super) async fn a_log_that_is_shorter_than_what_was_signed_is_found_and_not_signed(database: &Database) {
    // The same key signed a log of ten entries; this one has six of them, as if its tail had been cut off.
    let longer = Database::sqlite().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = longer.open().await;
    note(&whole, 0, 10).await;
    let signed = Notary::open(whole, folder.path())
        .await
        .unwrap()
        .sign()
        .await
        .unwrap();

    let store = database.open().await;
    note(&store, 0, 6).await;
    let notary = Notary::open(store.clone(), folder.path()).await.unwrap();
    let refused = notary.sign().await.unwrap_err();
    assert!(
        matches!(refused, NotaryError::Changed { signed: 10, found: 6 }),
        "{refused}"
    );
    let verified = store
        .verify_log(&trust(&notary, vec![signed]), |_, _| {})
        .await
        .unwrap();
    let broken = &verified.verdict.faults[0];
    assert_eq!((broken.entry, broken.last, &broken.what), (6, 9, &What::CutOff));
}

pub(super) async fn checkpoints_of_strangers_do_not_count_and_forged_ones_are_told(database: &Database) {
    let store = database.open().await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let notary = Notary::open(store.clone(), folders[0].path()).await.unwrap();
    let stranger = Notary::open(store.clone(), folders[1].path()).await.unwrap();
    note(&store, 0, 3).await;
    let strange = stranger.sign().await.unwrap();
    let verified = store
        .verify_log(&trust(&notary, vec![strange]), |_, _| {})
        .await
        .unwrap();
    assert!(verified.is_unjudged() && !verified.is_good(), "{verified:?}");
    assert_eq!((verified.verdict.broken, verified.verdict.proven), (0, 0));

    note(&store, 3, 5).await;
    let forged = notary.sign().await.unwrap().replacen("\n5\n", "\n4\n", 1);
    let verified = store
        .verify_log(&trust(&notary, vec![forged]), |_, _| {})
        .await
        .unwrap();
    assert!(!verified.is_good());
    assert_eq!(verified.forged.len(), 1, "{verified:?}");
    assert_eq!(
        verified.verdict.proven, 5,
        "the good one in the database still counts"
    );
}
