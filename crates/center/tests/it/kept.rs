//! Calls are kept: over a restart, over a store that fails, and in the audit log.

use crate::support::{
    PATIENCE, Rig, event_named, events_until_close, hello, play, say, send, small_tenant, status_where,
};
use center::{Center, Options};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{path::Path, time::Duration};
use store::{Clock, Commit, EntryFilter, Event, Expect, Location, Put, Settings, Store};
use tokio::time::timeout;

async fn restarted(rig: Rig) -> Rig {
    rig.center.close().await;
    let options = Options::local(rig.folder.path().join("data"), small_tenant());
    let center = Center::start(options).await.unwrap();
    Rig {
        base: center.addresses().base_url(),
        center,
        ..rig
    }
}

fn sha256_of(path: &Path) -> String {
    let hash = Sha256::digest(std::fs::read(path).unwrap());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_center_removes_what_is_finished_from_a_store_that_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::steered(jiff::Timestamp::now().as_millisecond() - 40 * 86_400_000);
    let settings = Settings {
        clock: clock.clone(),
        ..Settings::default()
    };
    let location = Location::Sqlite(folder.path().join("shared.db"));
    let store = Store::open_with(&location, settings).await.unwrap();
    let event = |id: &str| Event {
        source: "survey".into(),
        id: id.into(),
        body: "{}".into(),
        answer: "{}".into(),
    };
    let keep = async |id: &str| {
        let commit = Commit {
            event: Some(event(id)),
            ..Commit::default()
        };
        store.commit(commit).await.unwrap();
    };
    keep("old").await;
    clock.pass(Duration::from_secs(40 * 86_400));
    keep("new").await;
    let given = store.clone();
    let rig = Rig::start_with(|options| options.store = Some(given)).await;
    let removed = async {
        while store.event("survey", "old").await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, removed).await.unwrap();
    assert!(store.event("survey", "new").await.unwrap().is_some());
    rig.center.close().await;
    store.close().await;
}

#[tokio::test]
async fn a_call_is_known_after_a_restart_with_its_story_and_its_recording() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({"record": true, "externalId": "CRM-1"}))
        .await;
    let mut socket = rig.control(&token, "c", &["play", "hangup"]).await;
    say(&mut socket, play("confirmed", "p", &[])).await;
    event_named(&mut socket, "playback_finished").await;
    say(&mut socket, json!({"action": "hangup"})).await;
    let before = rig.ended("c").await;
    let recording = &before["recording"];
    assert_eq!(
        recording["sha256"],
        sha256_of(Path::new(recording["path"].as_str().unwrap()))
    );

    let rig = restarted(rig).await;
    assert_eq!(rig.call("c", "").await, before);
    assert_eq!(
        rig.call("c", "?wait=10").await,
        before,
        "nobody waits for what is over"
    );
    let file = rig
        .admin(Method::GET, "/center/v1/calls/c/recording")
        .send()
        .await
        .unwrap();
    let served = file.bytes().await.unwrap();
    let hash: String = Sha256::digest(&served)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hash, recording["sha256"]);
    let status = rig.status().await;
    assert_eq!(
        (&status["recent"][0]["id"], &status["recent"][0]["timeline"]),
        (&json!("c"), &json!([]))
    );
    // A controller is told what it would have been told before.
    let token = rig.token().await;
    let mut late = rig.dial(&token).await.unwrap();
    say(&mut late, hello("c", &["play"])).await;
    let (events, code) = events_until_close(&mut late).await;
    assert_eq!(code, 1008);
    assert_eq!(events[0]["message"], "the call \"c\" has ended");
}

#[tokio::test]
async fn of_two_calls_with_one_id_the_newest_is_known() {
    let rig = Rig::start().await;
    for (ani, nth) in [("+1001", 1), ("+1002", 2)] {
        rig.place("c", json!({"ani": ani})).await;
        let end = send(rig.admin(Method::DELETE, "/center/v1/calls/c")).await;
        assert_eq!(end.status, 204, "{nth}");
    }
    assert_eq!(rig.ended("c").await["ani"], "+1002");
    let rig = restarted(rig).await;
    assert_eq!(rig.call("c", "").await["ani"], "+1002");
    assert_eq!(rig.status().await["recent"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_placed_a_call_and_how_it_ended_is_audited() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Sqlite(folder.path().join("calls.db")))
        .await
        .unwrap();
    let given = store.clone();
    let rig = Rig::start_with(|options| options.store = Some(given)).await;
    let body = json!({"id": "c", "ani": "+15550100", "dnis": "+1800", "externalId": "CRM-1"});
    let request = rig
        .admin(Method::POST, "/center/v1/calls")
        .header("x-correlation-id", "order-7");
    assert_eq!(send(request.body(body.to_string())).await.status, 201);
    // It is durable as soon as it is answered.
    let kept = store.record("call", "c").await.unwrap().unwrap();
    assert!(kept.body.contains("\"state\":\"ringing\""), "{}", kept.body);

    let token = rig.token().await;
    let mut socket = rig.control(&token, "c", &["transfer"]).await;
    say(
        &mut socket,
        json!({"action": "transfer", "target": "ext:x", "type": "number"}),
    )
    .await;
    rig.ended("c").await;
    rig.center.close().await;
    let entries = store.entries(&EntryFilter::default(), 10).await.unwrap();
    let leaves: Vec<Value> = entries
        .iter()
        .map(|entry| serde_json::from_str(entry.leaf.as_ref().unwrap()).unwrap())
        .collect();
    assert_eq!(leaves.len(), 3, "{leaves:?}");
    assert_eq!(leaves[2]["action"], "interaction.completed");
    let [placed, ended] = [&leaves[0], &leaves[1]];
    assert_eq!(
        (&placed["action"], &placed["subject"]),
        (&json!("call.placed"), &json!("c"))
    );
    assert_eq!(
        (&placed["actor"], &placed["correlationId"]),
        (&json!("center"), &json!("order-7"))
    );
    assert!(
        !placed.to_string().contains("+15550100"),
        "personal texts are kept apart: {placed}"
    );
    let texts: Vec<_> = entries[0].texts.iter().map(|text| text.value.as_str()).collect();
    assert_eq!(texts, ["+15550100", "+1800", "CRM-1"]);
    assert_eq!(ended["action"], "call.ended");
    assert_eq!(
        ended["detail"],
        json!({"cause": "completed", "transferredTo": "ext:x"})
    );
    // A store that was given is left open.
    store.close().await;
}

/// A store in which nothing more fits, until [`make_room`].
pub(crate) async fn full_store(folder: &Path) -> Store {
    let settings = Settings {
        most_pages: Some(200),
        ..Settings::default()
    };
    let store = Store::open_with(&Location::Sqlite(folder.join("small.db")), settings)
        .await
        .unwrap();
    for size in [64 * 1024, 1024, 16] {
        for nth in 0.. {
            let filled = put(&store, &format!("{size}-{nth}"), Some("x".repeat(size))).await;
            if filled.is_err() {
                break;
            }
        }
    }
    store
}

async fn put(store: &Store, id: &str, body: Option<String>) -> Result<store::Committed, store::Error> {
    let put = Put {
        kind: "filler".into(),
        id: id.into(),
        body,
        expect: Expect::Any,
    };
    let commit = Commit {
        records: vec![put],
        ..Commit::default()
    };
    store.commit(commit).await
}

async fn make_room(store: &Store) {
    for nth in 0..4 {
        put(store, &format!("65536-{nth}"), None).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_full_stops_no_frames_and_loses_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = full_store(folder.path()).await;
    let given = store.clone();
    let rig = Rig::start_with(|options| options.store = Some(given)).await;
    let body = json!({"id": "asked-for", "ani": "+1", "dnis": "+2"}).to_string();
    let asking = tokio::spawn(send(rig.admin(Method::POST, "/center/v1/calls").body(body)));

    let token = rig.token().await;
    let mut socket = rig.control(&token, "call-12345-abcde", &["play", "hangup"]).await;
    say(&mut socket, play("confirmed", "p", &[])).await;
    let finished = event_named(&mut socket, "playback_finished").await;
    assert_eq!(finished["reason"], "completed");
    say(&mut socket, json!({"action": "hangup"})).await;
    event_named(&mut socket, "hangup").await;
    let status = status_where(&rig, |status| status["unkeptCalls"] == 1).await;
    assert!(status["pacing"]["frames"].as_u64().unwrap_or(1) > 0, "{status}");
    // It is known all the same, but nobody is told that its end is on disk.
    assert_eq!(rig.call("call-12345-abcde", "").await["state"], "ended");
    let waiting = rig.admin(Method::GET, "/center/v1/calls/call-12345-abcde?wait=30");
    let waiting = tokio::spawn(send(waiting));

    // Whoever places a call is told that it can't be kept, and the call is not left over.
    let refused = asking.await.unwrap();
    refused.refused(503, "unavailable");
    assert_eq!(rig.call("asked-for", "").await["cause"], "caller_hangup");
    assert!(!waiting.is_finished());

    make_room(&store).await;
    let told = tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.body["cause"], "controller_hangup");
    status_where(&rig, |status| status["unkeptCalls"] == 0).await;
    for id in ["call-12345-abcde", "asked-for"] {
        let kept = store.record("call", id).await.unwrap().unwrap();
        assert!(kept.body.contains("\"ended\""), "{}", kept.body);
    }
}
