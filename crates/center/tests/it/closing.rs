//! Closing a center: calls end properly, and nobody can hold it up for long.

use crate::support::{Rig, events_until_close, play, say};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn closing_ends_calls_and_completes_recordings() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for id in ["good", "deaf"] {
        rig.place(id, json!({"record": true})).await;
    }
    let mut good = rig.control(&token, "good", &["play"]).await;
    // It never reads, so it never answers the close either.
    let _deaf = rig.control(&token, "deaf", &["play"]).await;
    say(&mut good, play("general_welcome", "p", &[])).await;
    crate::support::event_named(&mut good, "playback_started").await;
    let uri = "/center/v1/calls/good?wait=30";
    let poll = tokio::spawn(rig.admin(Method::GET, uri).send());
    tokio::time::sleep(Duration::from_millis(300)).await;

    let begun = Instant::now();
    let (_, (events, code)) = tokio::join!(rig.center.close(), events_until_close(&mut good));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(code, 1000);
    assert_eq!(
        events.last().unwrap(),
        &json!({"event": "hangup", "cause": "center_shutdown"})
    );
    // Who waited for the end of the call is told of it.
    let polled = poll.await.unwrap().unwrap();
    assert_eq!(polled.status(), 200);
    let polled: serde_json::Value = serde_json::from_slice(&polled.bytes().await.unwrap()).unwrap();
    assert_eq!(
        (&polled["state"], &polled["cause"]),
        (&json!("ended"), &json!("center_shutdown"))
    );

    let recordings = std::fs::read_dir(rig.folder.path().join("data/recordings")).unwrap();
    let files: Vec<_> = recordings.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 2);
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        let [heard, _] = audio::wav::read_recording(&bytes).unwrap();
        assert!(heard.len() >= 300 * 8, "{}", heard.len());
        assert_eq!(audio::decode(bytes).unwrap().samples.len(), heard.len());
    }
    // Nothing listens any more.
    assert!(
        tokio::net::TcpStream::connect(rig.base.trim_start_matches("http://"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_up_the_close() {
    let rig = Rig::start().await;
    let address = rig.center.addresses().http;
    // An idle keep-alive connection, one that never said anything, and a controller that said no hello.
    assert_eq!(
        rig.request(Method::GET, "/health").send().await.unwrap().status(),
        200
    );
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();
    let token = rig.token().await;
    let _undecided = rig.dial(&token).await.unwrap();
    let begun = Instant::now();
    rig.center.close().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_center_that_is_dropped_ends_too() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({"record": true})).await;
    let mut socket = rig.control(&token, "c", &["play"]).await;
    let address = rig.center.addresses().http;
    drop(rig.center);
    let (events, code) = events_until_close(&mut socket).await;
    assert_eq!(events, [json!({"event": "hangup", "cause": "center_shutdown"})]);
    assert_eq!(code, 1000);
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let refused = tokio::time::timeout(crate::support::PATIENCE, refused).await;
    assert!(refused.is_ok(), "it still listens");
}
