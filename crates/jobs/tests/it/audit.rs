//! The audit log in the store.

use crate::support::{CALLER, Rig, end_of};
use ::audit::{Actor, Entry, Outcome};
use jobs::audit::{AuditLog, MemoryLog, StoreLog};
use serde_json::Value;
use std::sync::Arc;
use store::{EntryFilter, Location, Store};

fn entry(subject: &str, reason: &str) -> Entry {
    Entry {
        at: jiff::Timestamp::now().into(),
        actor: Actor::Menu,
        action: "menu.command_failed".into(),
        subject: Some(subject.into()),
        correlation: None,
        outcome: Outcome::Failure,
        detail: Default::default(),
        personal: vec![("reason".into(), reason.into())],
    }
}

#[tokio::test]
async fn a_call_is_told_entry_by_entry_under_one_correlation_id() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Sqlite(folder.path().join("x.db")))
        .await
        .unwrap();
    let mut rig = Rig::audited(Arc::new(StoreLog::new(store.clone())));
    rig.known_as = Some(CALLER);
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.plays(&["confirmed"]).await;
    line.transfers("ext:support").await;
    end_of(leading).await.unwrap();

    let kept = store.entries(&EntryFilter::default(), 100).await.unwrap();
    let entries: Vec<Value> = kept
        .iter()
        .map(|entry| serde_json::from_str(entry.leaf.as_deref().unwrap()).unwrap())
        .collect();
    let actions: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "menu.taken",
            "menu.profile",
            "menu.menu_entered",
            "menu.key",
            "menu.transferring",
            "menu.finished"
        ]
    );
    let correlation = entries[0]["correlationId"].as_str().unwrap();
    for entry in &entries {
        assert_eq!(entry["subject"], "call-1");
        assert_eq!(entry["correlationId"], correlation);
    }
    let seen = rig.http.seen();
    let asked: Vec<_> = seen
        .iter()
        .filter(|seen| seen.request.uri().path().starts_with("/api/"))
        .collect();
    assert!(asked.len() >= 2, "the handshake and the profile");
    for request in asked {
        assert_eq!(request.header("x-correlation-id"), correlation);
    }
    assert!(
        kept[0].leaf.as_ref().is_some_and(|leaf| !leaf.contains(CALLER)),
        "personal data stands apart"
    );
    assert!(kept[0].texts.iter().any(|text| text.value == CALLER));
}

#[tokio::test]
async fn entries_of_many_calls_are_all_there_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Sqlite(folder.path().join("x.db")))
        .await
        .unwrap();
    let log = StoreLog::new(store.clone());
    for round in 0..50 {
        for call in 0..8 {
            log.record(entry(&format!("call-{call}"), &round.to_string()));
        }
    }
    log.settle().await;
    assert_eq!(log.lost(), 0);
    for call in 0..8 {
        let filter = EntryFilter {
            subject: Some(format!("call-{call}")),
            ..EntryFilter::default()
        };
        let kept = store.entries(&filter, 100).await.unwrap();
        let told: Vec<_> = kept.iter().map(|entry| entry.texts[0].value.clone()).collect();
        assert_eq!(told, (0..50).map(|round| round.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn a_log_in_memory_keeps_the_order() {
    let log = MemoryLog::default();
    log.record(entry("call-1", "a"));
    log.record(entry("call-2", "b"));
    let subjects: Vec<_> = log
        .entries()
        .into_iter()
        .filter_map(|entry| entry.subject)
        .collect();
    assert_eq!(subjects, ["call-1", "call-2"]);
}
