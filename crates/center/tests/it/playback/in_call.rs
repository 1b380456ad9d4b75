//! Sessions that are heard in calls of the center.

use super::*;
use crate::support::{CALL_CONTROL, Ws, event, events_until, play, say};

const CALL: &str = "call-1";
const CAPABILITIES: [&str; 3] = ["play", "dtmf", "hangup"];

fn into_call(mut directive: Value) -> Value {
    directive["destination"] = json!({"callId": CALL});
    directive
}

/// A call that plays a prompt of its own; its caller presses a key while the second prompt that he hears plays.
async fn playing_call(rig: &Rig, token: &str) -> Ws {
    let script = json!([{"when": {"nthPrompt": 2, "delayMs": 300}, "do": {"press": "5"}}]);
    rig.place(CALL, json!({"script": script})).await;
    let mut socket = rig.control(token, CALL, &CAPABILITIES).await;
    say(&mut socket, play("general_support", "own", &[])).await;
    assert_eq!(event(&mut socket).await["event"], "playback_started");
    socket
}

#[tokio::test]
async fn a_session_interrupts_the_calls_prompt_which_goes_on_where_it_was() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut socket = playing_call(&rig, &token).await;
    let mut unheard = into_call(directive(1));
    unheard["playbackConfig"]["interruptibility"]["allowDTMF"] = false.into();
    let session = created(&rig, &token, &unheard).await;
    assert_eq!(session["playbackState"], "playing");
    let ended = over(&rig, &token, 1).await;
    assert_eq!(ended["playbackState"], "completed", "{ended}");
    assert_eq!(ended["framesSent"], 100);
    // The key was not for the session: it goes to the controller, and cuts nothing off.
    let events = events_until(&mut socket, "playback_finished").await;
    let keys: Vec<_> = events.iter().filter(|event| event["event"] == "dtmf").collect();
    assert_eq!((keys.len(), &keys[0]["digit"]), (1, &json!("5")));
    let finished = &events[events.len() - 1];
    assert_eq!(finished["reason"], "completed");
    let own_ms = prompt("general_support", Law::Mu).len().div_ceil(160) * 20;
    assert_eq!(finished["playedMs"], own_ms, "no frame of it is lost");
    rig.center.close().await;
}

#[tokio::test]
async fn a_key_of_the_caller_ends_the_session_and_reaches_the_controller_once() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut socket = playing_call(&rig, &token).await;
    created(&rig, &token, &into_call(directive(1))).await;
    let ended = over(&rig, &token, 1).await;
    assert_eq!(ended["playbackState"], "interrupted", "{ended}");
    assert_eq!(ended["interruption"]["digit"], "5", "{ended}");
    let at_ms = ended["interruption"]["atMs"].as_u64().unwrap();
    assert!((280..=400).contains(&at_ms), "{ended}");
    let events = events_until(&mut socket, "playback_finished").await;
    assert_eq!(
        events.iter().filter(|event| event["event"] == "dtmf").count(),
        1,
        "{events:?}"
    );
    rig.center.close().await;
}

#[tokio::test]
async fn a_session_in_a_call_is_steered_like_any_other() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let _socket = playing_call(&rig, &token).await;
    let mut directive = into_call(directive(1));
    directive["playbackConfig"]["interruptibility"]["allowDTMF"] = false.into();
    created(&rig, &token, &directive).await;
    let paused = control(&rig, &token, 1, json!({"action": "pause"})).await;
    assert_eq!(paused.body["playbackState"], "paused", "{}", paused.text);
    let sought = control(&rig, &token, 1, json!({"action": "seek", "positionMs": 1900})).await;
    assert_eq!(sought.body["positionMs"], 1900, "{}", sought.text);
    assert_eq!(rig.status().await["playback"]["live"], 1);
    directive["sessionId"] = id(2).into();
    let busy = create(&rig, &token, &directive).await;
    busy.refused(409, "conflict")
        .mentions("another session is heard in the call");
    let resumed = control(&rig, &token, 1, json!({"action": "resume"})).await;
    assert_eq!(resumed.status, 200, "{}", resumed.text);
    assert_eq!(over(&rig, &token, 1).await["playbackState"], "completed");
    created(&rig, &token, &directive).await;
    let stopped = control(&rig, &token, 2, json!({"action": "stop"})).await;
    assert_eq!(stopped.body["playbackState"], "stopped", "{}", stopped.text);
    rig.center.close().await;
}

#[tokio::test]
async fn the_end_of_the_call_is_the_end_of_the_session() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut socket = playing_call(&rig, &token).await;
    created(&rig, &token, &into_call(directive(1))).await;
    say(&mut socket, json!({"action": "hangup"})).await;
    let ended = over(&rig, &token, 1).await;
    assert_eq!(ended["playbackState"], "failed", "{ended}");
    assert_eq!(ended["failure"], "the call has ended");
    assert_eq!(rig.status().await["playback"]["live"], 0);
    rig.center.close().await;
}

#[tokio::test]
async fn a_call_must_be_there_answered_and_in_the_codec() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let none = create(&rig, &token, &into_call(directive(1))).await;
    none.refused(404, "not_found").mentions("callId");
    rig.place(CALL, json!({})).await;
    let rings = create(&rig, &token, &into_call(directive(1))).await;
    rings.refused(404, "not_found").mentions("callId");
    let _socket = rig.control(&token, CALL, &CAPABILITIES).await;
    let mut other = into_call(directive(1));
    other["playbackConfig"]["codecPreference"] = "OPUS".into();
    let refused = create(&rig, &token, &other).await;
    refused.refused(400, "bad_request").mentions("must be G711U");
    created(&rig, &token, &into_call(directive(1))).await;
    rig.center.close().await;
}

#[tokio::test]
async fn the_calls_of_another_client_are_not_played_into() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let of_bob = rig.token_of(crate::support::BOB, CALL_CONTROL).await;
    rig.place(CALL, json!({})).await;
    let _socket = rig.control(&of_bob, CALL, &CAPABILITIES).await;
    let refused = create(&rig, &token, &into_call(directive(1))).await;
    refused.refused(404, "not_found").mentions("this client controls");
    rig.center.close().await;
}
