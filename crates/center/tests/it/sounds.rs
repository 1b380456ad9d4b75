//! What can be played and what can't: a prompt that fails never stops the next one.

use crate::support::{Rig, Ws, demo_prompts, event, events_until, play, say, small_tenant};
use axum::{Router, body::Body, http::header, response::Redirect, routing::get};
use center::{Center, Options, StartError};
use serde_json::{Value, json};

/// A web server with all kinds of answers; gives its address.
async fn audio_server() -> String {
    let wav = std::fs::read(demo_prompts().join("invalid.wav")).unwrap();
    let router = Router::new()
        .route("/ok.wav", get(async move || wav.clone()))
        .route(
            "/page",
            get(async || "<!doctype html><html><body>not found</body></html>"),
        )
        .route("/empty", get(async || ""))
        .route("/large", get(async || vec![0; 5 * 1024 * 1024]))
        .route(
            "/endless",
            get(async || {
                let chunk = || Ok::<_, std::io::Error>(vec![0u8; 65_536]);
                Body::from_stream(futures_util::stream::repeat_with(chunk))
            }),
        )
        .route(
            "/liar",
            get(async || ([(header::CONTENT_TYPE, "audio/wav")], "RIFF\0\0\0\0WAVE")),
        )
        .route("/moved", get(async || Redirect::temporary("/ok.wav")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Plays it and then a prompt of the library; gives what became of the first.
async fn outcome(socket: &mut Ws, audio: &str) -> Value {
    say(socket, play(audio, "first", &[])).await;
    say(socket, play("invalid", "second", &[])).await;
    let mut outcome = Value::Null;
    loop {
        let event = event(socket).await;
        assert_ne!(event["event"], "error", "{event}");
        if event["commandId"] == "first" && event["event"] == "playback_finished" {
            outcome = event;
        } else if event["commandId"] == "second" && event["event"] == "playback_started" {
            say(socket, json!({"action": "stop"})).await;
            events_until(socket, "playback_finished").await;
            return outcome;
        }
    }
}

#[track_caller]
fn failed(outcome: &Value, reason: &str) {
    assert_eq!(outcome["reason"], "failed", "{outcome}");
    assert_eq!(outcome["playedMs"], 0, "{outcome}");
    let message = outcome["message"].as_str().unwrap();
    assert!(message.contains(reason), "{message}");
}

#[tokio::test]
async fn what_can_not_be_played_fails_and_the_next_prompt_plays() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let server = audio_server().await;
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", &["play"]).await;
    for (audio, reason) in [
        ("no_such_prompt".to_owned(), "no_such_prompt"),
        (format!("{server}/nothing"), "404"),
        (format!("{server}/page"), ""),
        (format!("{server}/empty"), ""),
        (format!("{server}/liar"), ""),
        (format!("{server}/large"), "4194304"),
        (format!("{server}/endless"), "4194304"),
        (format!("{server}/moved"), "307"),
        ("http://10.1.2.3/x.wav".to_owned(), "internal"),
        ("http://[fe80::1]/x.wav".to_owned(), "internal"),
        ("http://127.0.0.1:1/x.wav".to_owned(), ""),
        ("http://".to_owned(), ""),
        ("http://exa mple/".to_owned(), ""),
    ] {
        failed(&outcome(&mut socket, &audio).await, reason);
    }
    assert_eq!(rig.call("c", "").await["state"], "controlled");
    say(&mut socket, play(&format!("{server}/ok.wav"), "u", &[])).await;
    let events = events_until(&mut socket, "playback_finished").await;
    assert_eq!(events.last().unwrap()["reason"], "completed");
    // A file's name serves as a prompt's name too.
    say(&mut socket, play("general_welcome.mp3", "f", &[])).await;
    assert_eq!(event(&mut socket).await["event"], "playback_started");
}

#[tokio::test]
async fn a_center_that_is_open_to_others_fetches_nothing_from_inside() {
    let rig = Rig::start_with(|options| options.listen = "0.0.0.0:0".parse().unwrap()).await;
    let token = rig.token().await;
    let server = audio_server().await;
    let port = server.rsplit_once(':').unwrap().1.to_owned();
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", &["play"]).await;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "127.1",
        "[::ffff:127.0.0.1]",
        "0",
    ] {
        let url = format!("http://{host}:{port}/ok.wav");
        failed(&outcome(&mut socket, &url).await, "internal address");
    }

    let rig = Rig::start_with(|options| {
        options.listen = "0.0.0.0:0".parse().unwrap();
        options.allow_hosts = vec!["127.0.0.1".into()];
    })
    .await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", &["play"]).await;
    say(&mut socket, play(&format!("{server}/ok.wav"), "u", &[])).await;
    assert_eq!(event(&mut socket).await["event"], "playback_started");
}

#[tokio::test]
async fn an_allowed_host_is_meant_however_it_is_written() {
    let rig = Rig::start_with(|options| {
        options.listen = "0.0.0.0:0".parse().unwrap();
        options.allow_hosts = vec!["LocalHost.".into()];
    })
    .await;
    let token = rig.token().await;
    let server = audio_server().await.replace("127.0.0.1", "localhost");
    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", &["play"]).await;
    say(&mut socket, play(&format!("{server}/ok.wav"), "u", &[])).await;
    assert_eq!(event(&mut socket).await["event"], "playback_started");
}

#[tokio::test]
async fn an_allowed_host_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::local(folder.path().join("data"), small_tenant());
    options.allow_hosts = [
        "files.example.com:80",
        "fine.example.com",
        "http://x/",
        "*.example.com",
    ]
    .map(String::from)
    .into();
    let error = Center::start(options).await.err().unwrap();
    assert!(matches!(error, StartError::AllowedHosts(_)), "{error}");
    let text = error.to_string();
    for part in [
        "files.example.com:80",
        "http://x/",
        "*.example.com",
        "--allow-host",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("fine"), "{text}");
}
