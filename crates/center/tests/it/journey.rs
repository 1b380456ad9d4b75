//! Whole calls, from the first ring to the recording.

use crate::support::{
    Rig, Ws, demo_prompts, event, event_named, events_until, events_until_close, hello, play, say,
};
use audio::matching;
use center::Tenant;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ALL: &[&str] = &["play", "dtmf", "transfer", "hangup"];

fn prompt(name: &str) -> Vec<f32> {
    let file = std::fs::read(demo_prompts().join(name).with_extension("wav")).unwrap();
    audio::decode(file)
        .unwrap()
        .resampled(audio::TELEPHONY_RATE)
        .samples
}

fn at_ms(call: &Value, what: &str, prompt: Option<&str>) -> f64 {
    let timeline = call["timeline"].as_array().unwrap();
    let moment = timeline
        .iter()
        .find(|moment| moment["what"] == what && prompt.is_none_or(|prompt| moment["prompt"] == prompt));
    moment.unwrap()["atMs"].as_f64().unwrap()
}

#[tokio::test]
async fn a_key_cuts_the_prompt_and_the_call_is_transferred_and_recorded() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let script =
        json!([{"when": {"starts": "general_welcome", "delayMs": 300}, "do": {"press": "1", "holdMs": 100}}]);
    rig.place(
        "c",
        json!({"record": true, "script": script, "externalId": "CRM-1"}),
    )
    .await;

    let mut socket = rig.dial(&token).await.unwrap();
    say(&mut socket, hello("c", ALL)).await;
    let connected = event(&mut socket).await;
    assert_eq!(connected["callControlId"], "c");
    let session = &connected["session"];
    assert_eq!(
        (&session["ani"], &session["dnis"], &session["codec"]),
        (&json!("+1555"), &json!("+1800"), &json!("PCMU"))
    );
    assert!(session["startedAt"].as_str().unwrap().ends_with('Z'));
    menu(&mut socket).await;
    let call = rig.ended("c").await;
    assert_eq!(call["transferredTo"], "ext:transfer_premium");
    assert_eq!(call["cause"], "completed");
    recording(&rig, &call).await;
}

/// Welcome and options, a key, a confirmation, and the transfer.
async fn menu(socket: &mut Ws) {
    say(socket, play("general_welcome", "w", &["1", "2"])).await;
    say(socket, play("general_support", "s", &["1", "2"])).await;
    assert_eq!(
        event(socket).await,
        json!({"event": "playback_started", "commandId": "w", "audio": "general_welcome"})
    );
    for (id, longest) in [("w", 340), ("s", 0)] {
        let finished = event(socket).await;
        assert_eq!(finished["event"], "playback_finished");
        assert_eq!(
            (&finished["commandId"], &finished["reason"]),
            (&json!(id), &json!("interrupted"))
        );
        let played = finished["playedMs"].as_u64().unwrap();
        assert!(played <= longest && (id == "s" || played >= 280), "{played}");
    }
    let key = event(socket).await;
    assert_eq!((&key["event"], &key["digit"]), (&json!("dtmf"), &json!("1")));
    let held = key["durationMs"].as_u64().unwrap();
    assert!((100..200).contains(&held), "{held}");

    say(socket, play("confirmed", "c", &[])).await;
    let finished = event_named(socket, "playback_finished").await;
    assert_eq!(finished["reason"], "completed");
    let transfer =
        json!({"action": "transfer", "target": "ext:transfer_premium", "type": "number", "commandId": "t"});
    say(socket, transfer).await;
    let (events, code) = events_until_close(socket).await;
    assert_eq!(
        events,
        [json!({"event": "transferred", "commandId": "t", "target": "ext:transfer_premium"})]
    );
    assert_eq!(code, 1000);
}

/// Finds the prompts in the recording, and the cut within 40 ms of the key.
async fn recording(rig: &Rig, call: &Value) {
    let uri = call["recording"]["uri"].as_str().unwrap();
    let file = rig.admin(Method::GET, uri).send().await.unwrap();
    assert_eq!(file.status(), 200);
    let [heard, _] = audio::wav::read_recording(&file.bytes().await.unwrap()).unwrap();
    assert_eq!(
        heard.len() as u64 / 8,
        call["recording"]["durationMs"].as_u64().unwrap()
    );
    let find = |name: &str| matching::find(&heard, &prompt(name)).unwrap();
    let (welcome, confirmed, agent) = (find("general_welcome"), find("confirmed"), find("invalid"));
    assert!(welcome.score > 0.8 && confirmed.score > 0.95 && agent.score > 0.95);
    assert!(welcome.at < confirmed.at && confirmed.at < agent.at);

    let pressed = at_ms(call, "key_pressed", None);
    let until_key = pressed - at_ms(call, "prompt_started", Some("general_welcome"));
    let too_long = welcome.heard_ms() - until_key;
    assert!((-40.0..=40.0).contains(&too_long), "{too_long} ms after the key");
    let cut = call["timeline"].as_array().unwrap().iter();
    let cut = cut.clone().find(|moment| moment["what"] == "cut_off").unwrap();
    assert!(cut["afterMs"].as_f64().unwrap() <= 40.0, "{cut}");
}

#[tokio::test]
async fn the_demo_call_rings_whenever_it_is_asked_for() {
    let rig = Rig::start_with(|options| options.tenant = Tenant::demo().unwrap()).await;
    let fields = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", rig.env("CLIENT_ID")),
        ("client_secret", rig.env("CLIENT_SECRET")),
    ];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let form = crate::support::form(&fields);
    let token = crate::support::send(rig.request(Method::POST, "/oauth/token").body(form)).await;
    let token = token.body["access_token"].as_str().unwrap();

    let begun = Instant::now();
    let mut socket = rig.control(token, "call-12345-abcde", ALL).await;
    for name in ["general_welcome", "general_support"] {
        let url = format!("{}/{name}.mp3", rig.env("AUDIO_BASE_URL"));
        say(&mut socket, play(&url, name, &["2", "3"])).await;
    }
    let events = events_until(&mut socket, "dtmf").await;
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert_eq!(events.last().unwrap()["digit"], "2");
    let steps: Vec<_> = events
        .iter()
        .map(|event| (event["commandId"].as_str(), event["reason"].as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (Some("general_welcome"), None),
            (Some("general_welcome"), Some("completed")),
            (Some("general_support"), None),
            (Some("general_support"), Some("interrupted")),
            (None, None)
        ]
    );
    say(
        &mut socket,
        json!({"action": "transfer", "target": "ext:1", "type": "number"}),
    )
    .await;
    events_until_close(&mut socket).await;
    // At once again, though the operator still speaks; and again after a hang-up.
    for _ in 0..2 {
        let mut socket = rig.control(token, "call-12345-abcde", ALL).await;
        say(&mut socket, json!({"action": "hangup"})).await;
        let (events, code) = events_until_close(&mut socket).await;
        assert_eq!((&events[0]["event"], code), (&json!("hangup"), 1000));
    }
}

/// Some controllers just close their socket; whoever runs them again at once wants a caller who presses a key again.
#[tokio::test]
async fn the_demo_call_rings_anew_after_a_controller_that_just_left() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for _ in 0..2 {
        let mut socket = rig.control(&token, "call-12345-abcde", ALL).await;
        for name in ["confirmed", "invalid"] {
            say(&mut socket, play(name, name, &["4"])).await;
        }
        let events = events_until(&mut socket, "dtmf").await;
        assert_eq!(events.last().unwrap()["digit"], "4");
        socket.close(None).await.unwrap();
        while rig.call("call-12345-abcde", "").await["state"] != "orphaned" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn fifty_calls_get_their_frames() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let token = rig.token().await;
    let mut sockets = Vec::new();
    for at in 0..50 {
        let id = format!("c{at}");
        rig.place(&id, json!({})).await;
        sockets.push(rig.control(&token, &id, ALL).await);
    }
    let (begun, before) = (Instant::now(), rig.center.pacing().await.frames);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let frames = rig.center.pacing().await.frames - before;
    let due = 50.0 * begun.elapsed().as_secs_f64() * 50.0;
    let share = frames as f64 / due;
    assert!((0.8..1.2).contains(&share), "{frames} of {due}");
}
