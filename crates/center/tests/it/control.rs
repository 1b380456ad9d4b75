//! Commands of a controller (contract section 4).

use crate::support::{Rig, event, event_named, events_until, events_until_close, hello, play, say};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const ALL: &[&str] = &["play", "dtmf", "transfer", "hangup", "record"];

#[tokio::test]
async fn a_malformed_command_is_answered_and_harms_nothing() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", ALL).await;
    let cases = [
        ("{", Value::Null, 1),
        ("7", Value::Null, 1),
        ("{}", Value::Null, 1),
        (r#"{"commandId":"a","action":"fly"}"#, json!("a"), 1),
        (
            r#"{"commandId":"b","callControlId":"other","action":"play","dtmf":{"keys":["1","x"],"enabled":3}}"#,
            json!("b"),
            4,
        ),
        (
            r#"{"commandId":"c","action":"transfer","type":"sip"}"#,
            json!("c"),
            2,
        ),
        (
            r#"{"commandId":"d","action":"record","state":"pause"}"#,
            json!("d"),
            1,
        ),
        (r#"{"commandId":7,"action":"stop"}"#, Value::Null, 1),
        (
            r#"{"commandId":"e","action":"play","audio":"ftp://x/y"}"#,
            json!("e"),
            1,
        ),
    ];
    for (frame, id, faults) in cases {
        socket.send(Message::text(frame)).await.unwrap();
        let event = event(&mut socket).await;
        assert_eq!(event["event"], "error", "{frame}");
        assert_eq!(event["commandId"], id, "{frame}");
        assert_eq!(event["errors"].as_array().unwrap().len(), faults, "{event}");
    }
    say(&mut socket, play("general_welcome", "p", &[])).await;
    let started = event(&mut socket).await;
    assert_eq!(
        started,
        json!({"event": "playback_started", "commandId": "p", "audio": "general_welcome"})
    );
}

#[tokio::test]
async fn a_command_outside_the_capabilities_is_refused_and_harms_nothing() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", &["hangup"]).await;
    for (command, needed) in [
        (play("general_welcome", "1", &[]), "play"),
        (json!({"action": "stop"}), "play"),
        (json!({"action": "transfer", "target": "ext:x"}), "transfer"),
        (json!({"action": "record", "state": "start"}), "record"),
    ] {
        say(&mut socket, command).await;
        let event = event(&mut socket).await;
        assert_eq!(event["event"], "error");
        assert!(event["message"].as_str().unwrap().contains(needed), "{event}");
    }
    say(&mut socket, json!({"action": "hangup"})).await;
    let (events, code) = events_until_close(&mut socket).await;
    assert_eq!(events, [json!({"event": "hangup", "cause": "controller_hangup"})]);
    assert_eq!(code, 1000);
    assert_eq!(rig.ended("c").await["cause"], "controller_hangup");
}

#[tokio::test]
async fn a_flood_ends_its_own_connection_only() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("flooded", json!({})).await;
    rig.place("calm", json!({})).await;
    let mut flood = rig.control(&token, "flooded", ALL).await;
    let mut calm = rig.control(&token, "calm", ALL).await;
    say(&mut calm, play("general_support", "p", &[])).await;
    for _ in 0..600 {
        flood.feed(Message::text(r#"{"action":"stop"}"#)).await.unwrap();
    }
    flood.flush().await.unwrap();
    let (events, code) = events_until_close(&mut flood).await;
    assert_eq!(code, 1008);
    let message = events.last().unwrap()["message"].as_str().unwrap();
    assert!(message.contains("too many"), "{message}");
    let finished = event_named(&mut calm, "playback_finished").await;
    assert_eq!(finished["reason"], "completed");
}

#[tokio::test]
async fn the_queue_of_a_call_is_bounded_and_stop_clears_it() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", ALL).await;
    for at in 0..80 {
        say(&mut socket, play("general_welcome", &at.to_string(), &[])).await;
    }
    let refused = event_named(&mut socket, "error").await;
    assert!(refused["message"].as_str().unwrap().contains("full"), "{refused}");
    say(&mut socket, json!({"action": "stop", "commandId": "s"})).await;
    loop {
        let event = event(&mut socket).await;
        if event["event"] == "playback_finished" {
            assert_eq!(event["reason"], "stopped");
            break;
        }
    }
    assert_eq!(rig.call("c", "").await["state"], "controlled");
}

#[tokio::test]
async fn media_brings_the_callers_voice_in_frames_of_20_ms() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let speech = std::fs::read(crate::support::demo_prompts().join("invalid.wav")).unwrap();
    let script = json!([{"when": {"afterMs": 60}, "do": {"speak": BASE64_STANDARD.encode(speech)}}]);
    rig.place("c", json!({"codec": "PCMA", "script": script})).await;
    let mut socket = rig.dial(&token).await.unwrap();
    say(&mut socket, hello("c", &["media"])).await;
    assert_eq!(event(&mut socket).await["session"]["codec"], "PCMA");
    let mut loud = 0;
    for sequence in 0..25 {
        let frame = event(&mut socket).await;
        assert_eq!(frame["event"], "media");
        assert_eq!(frame["sequence"], sequence);
        let payload = BASE64_STANDARD
            .decode(frame["payload"].as_str().unwrap())
            .unwrap();
        assert_eq!(payload.len(), 160);
        let at = frame["timestampMs"].as_i64().unwrap();
        assert!(at >= sequence * 20, "{frame}");
        loud += usize::from(payload.iter().any(|code| *code != audio::Law::A.silence()));
    }
    assert!(loud > 10, "{loud}");
    // Who did not ask for it does not get it.
    let mut other = rig.control(&token, "c", &["play"]).await;
    say(&mut other, play("invalid", "p", &[])).await;
    let events = events_until(&mut other, "playback_finished").await;
    assert!(events.iter().all(|event| event["event"] != "media"));
}

#[tokio::test]
async fn a_recording_is_started_and_stopped() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", ALL).await;
    for state in ["start", "stop"] {
        say(
            &mut socket,
            json!({"action": "record", "state": state, "commandId": state}),
        )
        .await;
        let recorded = event(&mut socket).await;
        assert_eq!(
            recorded,
            json!({"event": "recorded", "state": state, "commandId": state,
                   "uri": "/center/v1/calls/c/recording"})
        );
        say(&mut socket, play("invalid", state, &[])).await;
        events_until(&mut socket, "playback_finished").await;
    }
    say(&mut socket, json!({"action": "hangup"})).await;
    let call = rig.ended("c").await;
    let duration = call["recording"]["durationMs"].as_u64().unwrap();
    // Only the first of the two prompts is in it; that prompt lasts 1.3 seconds.
    assert!((1200..1800).contains(&duration), "{duration}");
    let file = rig.admin(reqwest::Method::GET, "/center/v1/calls/c/recording");
    let file = file.send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "audio/wav");
    let [heard, said] = audio::wav::read_recording(&file.bytes().await.unwrap()).unwrap();
    assert_eq!(
        (heard.len() as u64 / 8, said.len() as u64 / 8),
        (duration, duration)
    );
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_the_call() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let script = json!([{"when": {"afterMs": 50}, "do": {"hangUp": true}}]);
    rig.place("c", json!({"script": script})).await;
    let mut socket = rig.control(&token, "c", ALL).await;
    say(&mut socket, play("general_welcome", "p", &[])).await;
    let (events, code) = events_until_close(&mut socket).await;
    assert_eq!(
        events.last().unwrap(),
        &json!({"event": "hangup", "cause": "caller_hangup"})
    );
    assert_eq!(code, 1000);
    // Over is over: the command of a dead connection has no effect, and the id can be used again.
    rig.place("c", json!({})).await;
}
