//! Who has the call: takeover, reconnection, and what happens when nobody comes back.

use crate::support::{BOB, CALL_CONTROL, Rig, event, event_named, events_until_close, hello, play, say};
use serde_json::{Value, json};

const ALL: &[&str] = &["play", "dtmf", "transfer", "hangup"];

#[tokio::test]
async fn the_same_client_takes_over_and_another_is_refused() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let mut old = rig.control(&token, "c", ALL).await;
    let mut foreign = rig.dial(&rig.token_of(BOB, CALL_CONTROL).await).await.unwrap();
    say(&mut foreign, hello("c", ALL)).await;
    let (events, code) = events_until_close(&mut foreign).await;
    assert_eq!((events[0]["event"].as_str(), code), (Some("error"), 1008));

    let mut new = rig.control(&rig.token().await, "c", ALL).await;
    let (events, code) = events_until_close(&mut old).await;
    assert!(
        events[0]["message"].as_str().unwrap().contains("took control"),
        "{events:?}"
    );
    assert_eq!(code, 1008);
    // The end of the old connection does not orphan the call of the new one.
    drop(old);
    say(&mut new, play("invalid", "p", &[])).await;
    event_named(&mut new, "playback_finished").await;
    assert_eq!(rig.call("c", "").await["state"], "controlled");
}

#[tokio::test]
async fn who_comes_back_in_time_gets_what_was_missed() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let script =
        json!([{"when": {"starts": "general_welcome", "delayMs": 400}, "do": {"press": "7", "holdMs": 60}}]);
    rig.place("c", json!({"script": script})).await;
    let mut socket = rig.control(&token, "c", ALL).await;
    say(&mut socket, play("general_welcome", "p", &[])).await;
    event_named(&mut socket, "playback_started").await;
    drop(socket);
    wait_for(&rig, "c", |call| has(call, "key_pressed")).await;
    wait_for(&rig, "c", |call| has(call, "prompt_finished")).await;

    let mut again = rig.control(&token, "c", &["play", "dtmf", "hangup"]).await;
    let key = event(&mut again).await;
    assert_eq!((&key["event"], &key["digit"]), (&json!("dtmf"), &json!("7")));
    assert!((60..200).contains(&key["durationMs"].as_u64().unwrap()), "{key}");
    let finished = event(&mut again).await;
    assert_eq!(
        (&finished["event"], &finished["commandId"], &finished["reason"]),
        (&json!("playback_finished"), &json!("p"), &json!("completed"))
    );
    say(&mut again, json!({"action": "hangup"})).await;
    events_until_close(&mut again).await;
    let call = rig.ended("c").await;
    assert!(has(&call, "controller_lost") && has(&call, "controller_back"));
}

/// The only test that waits the five seconds for real; `flow` has all variations in virtual time.
#[tokio::test]
async fn a_call_whose_controller_vanished_gets_the_apology_and_the_operator() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({"record": true})).await;
    let socket = rig.control(&token, "c", ALL).await;
    drop(socket);
    let call = rig.ended("c").await;
    let timeline = call["timeline"].as_array().unwrap();
    let what: Vec<_> = timeline
        .iter()
        .map(|moment| moment["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        what,
        [
            "placed",
            "answered",
            "controller_lost",
            "fallback_started",
            "prompt_started",
            "prompt_finished",
            "transferred",
            "prompt_started",
            "prompt_finished",
            "ended"
        ]
    );
    let at = |name: &str| {
        timeline.iter().find(|moment| moment["what"] == name).unwrap()["atMs"]
            .as_f64()
            .unwrap()
    };
    let waited = at("fallback_started") - at("controller_lost");
    assert!((5000.0..5300.0).contains(&waited), "{waited}");
    assert_eq!(timeline[4]["prompt"], "confirmed");
    assert_eq!(call["transferredTo"], "ext:operator");
    assert_eq!(call["cause"], "completed");
}

fn has(call: &Value, what: &str) -> bool {
    let timeline = call["timeline"].as_array().unwrap();
    timeline.iter().any(|moment| moment["what"] == what)
}

async fn wait_for(rig: &Rig, id: &str, holds: impl Fn(&Value) -> bool) {
    while !holds(&rig.call(id, "").await) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
