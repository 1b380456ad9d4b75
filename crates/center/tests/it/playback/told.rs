//! Webhooks, audit entries, analytics events.

use super::*;
use crate::media::tone;
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use center::Options;
use std::slice;
use store::{EntryFilter, Location, Store};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc};
use webhooks::{Endpoints, NewEndpoint, Secret, TOLERANCE, verify};

/// A center over a store that the test can look into, and somebody who takes its webhooks.
struct Told {
    rig: Rig,
    store: Store,
    secret: Secret,
    received: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    _folder: TempDir,
}

impl Told {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("trunkline.db"));
        let store = Store::open(&location).await.unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        let take = post(async move |headers: HeaderMap, body: Bytes| {
            let _ = sender.send((headers, body));
            StatusCode::NO_CONTENT
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", take)).await });
        let secret = Secret::generate(&[7; 32]);
        let new = NewEndpoint::parse(&url, "", &["IVR_PLAYBACK_CONTROL"], Some(secret.expose())).unwrap();
        Endpoints::new(store.clone()).add(new).await.unwrap();
        let given = store.clone();
        let rig = Rig::start_with(|options: &mut Options| {
            options.store = Some(given);
            options.completions.deliver = true;
            unlimited_rates(options);
        });
        Self {
            rig: rig.await,
            store,
            secret,
            received,
            _folder: folder,
        }
    }

    /// The next webhook, which must be signed.
    async fn next(&mut self) -> Value {
        let next = timeout(PATIENCE, self.received.recv()).await;
        let (headers, body) = next.expect("a webhook").unwrap();
        let now = jiff::Timestamp::now().into();
        verify(&headers, &body, slice::from_ref(&self.secret), now, TOLERANCE).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

async fn entries(store: &Store, prefix: &str) -> Vec<Value> {
    let filter = EntryFilter {
        action_prefix: Some(prefix.to_owned()),
        ..EntryFilter::default()
    };
    let entries = store.entries(&filter, 1_000).await.unwrap();
    let leaves = entries.iter().map(|entry| entry.leaf.as_ref().unwrap());
    leaves.map(|leaf| serde_json::from_str(leaf).unwrap()).collect()
}

#[tokio::test]
async fn each_control_event_is_told_signed_and_in_order() {
    let mut told = Told::start().await;
    let token = told.rig.token().await;
    let session = created(&told.rig, &token, &directive(1)).await;
    for body in [
        json!({"action": "pause"}),
        json!({"action": "seek", "positionMs": 500}),
        json!({"action": "resume"}),
        json!({"action": "stop"}),
    ] {
        let answer = control(&told.rig, &token, 1, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for state in ["playing", "paused", "paused", "playing", "stopped"] {
        let event = told.next().await;
        assert_eq!(event["eventType"], "IVR_PLAYBACK_CONTROL");
        assert_eq!(event["sessionId"], id(1));
        assert!(event["timestamp"].is_string());
        assert_eq!(
            event["metrics"],
            json!({"latencyMs": session["latencyMs"], "formatVerified": true,
                   "bufferPreloaded": true, "playbackState": state})
        );
    }
    told.rig.center.close().await;
    told.store.close().await;
}

#[tokio::test]
async fn the_ends_that_nobody_asked_for_are_told_too() {
    let mut told = Told::start().await;
    let token = told.rig.token().await;
    let short = of_sound(&told.rig, &token, 1, &tone(440.0, 8000, 100)).await;
    created(&told.rig, &token, &short).await;
    assert_eq!(told.next().await["metrics"]["playbackState"], "playing");
    assert_eq!(told.next().await["metrics"]["playbackState"], "completed");

    let mut phone = Phone::new().await;
    created(&told.rig, &token, &phone.to(directive(2))).await;
    phone.take(3).await;
    phone.event('1', 8000, true, false, 20).await;
    assert_eq!(told.next().await["metrics"]["playbackState"], "playing");
    assert_eq!(told.next().await["metrics"]["playbackState"], "interrupted");

    let closed = Phone::new().await;
    let directive = closed.to(directive(3));
    drop(closed);
    created(&told.rig, &token, &directive).await;
    assert_eq!(told.next().await["metrics"]["playbackState"], "playing");
    assert_eq!(told.next().await["metrics"]["playbackState"], "failed");
    told.rig.center.close().await;
    told.store.close().await;
}

#[tokio::test]
async fn every_directive_is_in_the_audit_log_and_the_last_entry_has_the_stability_rate() {
    let told = Told::start().await;
    let token = told.rig.token().await;
    let request = told.rig.request(Method::POST, SESSIONS).bearer_auth(&token);
    let request = request.header("x-correlation-id", "order-7");
    let answer = send(request.body(directive(1).to_string())).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    control(&told.rig, &token, 1, json!({"action": "pause"})).await;
    control(
        &told.rig,
        &token,
        1,
        json!({"action": "seek", "positionMs": 599_999}),
    )
    .await;
    control(&told.rig, &token, 1, json!({"action": "stop"})).await;
    // One that nobody checked does not count as stable.
    let mut unchecked = of_sound(&told.rig, &token, 2, &tone(440.0, 8000, 100)).await;
    unchecked["playbackConfig"]["formatVerification"] = false.into();
    created(&told.rig, &token, &unchecked).await;
    over(&told.rig, &token, 2).await;
    told.rig.center.close().await;

    let entries = entries(&told.store, "playback.").await;
    let actions: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "playback.created",
            "playback.controlled",
            "playback.refused",
            "playback.ended",
            "playback.created",
            "playback.ended",
        ]
    );
    let [created, paused, refused, stopped, _, completed] = &entries[..] else {
        unreachable!()
    };
    assert_eq!(created["subject"], id(1));
    assert_eq!(created["correlationId"], "order-7");
    assert_eq!(created["detail"]["promptId"], PROMPT);
    assert_eq!(created["detail"]["clientId"], "alice");
    for entry in [created, paused, stopped, completed] {
        let detail = &entry["detail"];
        assert!(detail["latencyMs"].as_f64().unwrap() > 0.0, "{entry}");
        assert_eq!(detail["bufferPreloaded"], true, "{entry}");
        assert_eq!(detail["underruns"], 0, "{entry}");
        assert!(detail["playedMs"].is_u64(), "{entry}");
        assert_eq!(entry["outcome"], "success");
    }
    assert_eq!(paused["detail"]["directive"], "pause");
    assert_eq!(paused["detail"]["playbackState"], "paused");
    assert_eq!(
        (&refused["detail"]["directive"], &refused["detail"]["status"]),
        (&json!("seek"), &json!(400))
    );
    assert_eq!(refused["outcome"], "failure");
    assert_eq!(stopped["detail"]["directive"], "stop");
    assert_eq!(stopped["detail"]["formatVerified"], true);
    assert_eq!(stopped["detail"]["stabilityRate"], 1.0);
    assert_eq!(completed["detail"]["formatVerified"], false);
    assert_eq!(completed["detail"]["stabilityRate"], 0.5);
    assert_eq!(completed["detail"]["stabilitySessions"], 2);
    told.store.close().await;
}

#[tokio::test]
async fn what_plays_when_the_center_closes_is_ended_and_told() {
    let told = Told::start().await;
    let token = told.rig.token().await;
    created(&told.rig, &token, &directive(1)).await;
    told.rig.center.close().await;
    let entries = entries(&told.store, "playback.ended").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["detail"]["playbackState"], "failed");
    assert_eq!(entries[0]["detail"]["failure"], "the center was closed");
    told.store.close().await;
}

#[tokio::test]
async fn the_key_that_interrupts_is_not_in_the_audit_log() {
    let told = Told::start().await;
    let token = told.rig.token().await;
    let mut phone = Phone::new().await;
    created(&told.rig, &token, &phone.to(directive(1))).await;
    phone.take(3).await;
    phone.event('8', 8000, true, false, 20).await;
    over(&told.rig, &token, 1).await;
    told.rig.center.close().await;
    let entries = entries(&told.store, "playback.ended").await;
    assert_eq!(entries[0]["detail"]["interruptedBy"], "dtmf", "{entries:?}");
    assert_eq!(entries[0]["detail"].get("digit"), None);
    told.store.close().await;
}

#[tokio::test]
async fn an_analytics_event_is_kept_as_it_came() {
    let told = Told::start().await;
    let token = told.rig.token().await;
    let path = "/api/v2/analytics/events/custom";
    let event = json!({"eventType": "MINE", "sessionId": "s-1", "timestamp": "2026-11-21T09:30:00.000Z",
                       "metrics": {"any": 1}, "more": true});
    let answer = super::post(&told.rig, &token, path, &event).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let refused = super::post(&told.rig, &token, path, &json!({})).await;
    refused.refused(400, "bad_request");
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 4);
    let mut large = event.clone();
    large["metrics"]["text"] = "x".repeat(64 * 1024).into();
    assert_eq!(super::post(&told.rig, &token, path, &large).await.status, 413);
    let entries = entries(&told.store, "analytics.event").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["subject"], "s-1");
    assert_eq!(entries[0]["detail"]["eventType"], "MINE");
    told.rig.center.close().await;
    told.store.close().await;
}
