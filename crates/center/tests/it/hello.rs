//! The handshake and the first frame of a call-control connection (contract section 4).

use crate::support::{ALICE, BOB, CALL_CONTROL, Rig, Ws, event, events_until_close, hello, play, say};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};

const ALL: &[&str] = &["play", "dtmf", "transfer", "hangup", "record", "media"];

/// Checks that the center says what is wrong and closes.
async fn refused(socket: &mut Ws, code: u16) -> Value {
    let (mut events, closed) = events_until_close(socket).await;
    assert_eq!(closed, code, "{events:?}");
    assert_eq!(events.len(), 1, "{events:?}");
    let event = events.remove(0);
    assert_eq!(event["event"], "error");
    assert!(!event["message"].as_str().unwrap().is_empty());
    event
}

async fn handshake_status(rig: &Rig, token: &str) -> u16 {
    match rig.dial(token).await {
        Err(tungstenite::Error::Http(response)) => {
            let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
            assert_eq!(body["status"], response.status().as_u16());
            assert!(body["errors"].is_array() && body["correlationId"].is_string());
            response.status().as_u16()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_handshake_needs_a_token_with_both_scopes() {
    let rig = Rig::start().await;
    assert_eq!(handshake_status(&rig, "made-up").await, 401);
    for scope in ["callcontrol:inbound", "callcontrol:media", "profile:read"] {
        let token = rig.token_of(ALICE, scope).await;
        assert_eq!(handshake_status(&rig, &token).await, 403);
    }
    let token = rig.token_of(BOB, CALL_CONTROL).await;
    rig.dial(&token).await.unwrap();
}

#[tokio::test]
async fn a_first_frame_that_is_none_is_refused_with_all_its_faults() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("live", json!({})).await;
    for (frame, faults) in [
        ("", 1),
        ("{", 1),
        ("null", 1),
        ("[1]", 1),
        ("{}", 2),
        (r#"{"callControlId":7,"media":3,"capabilities":"play"}"#, 3),
        (
            r#"{"callControlId":"","media":"video","capabilities":[1,"fly"]}"#,
            4,
        ),
        (r#"{"callControlId":"live","capabilities":["play","listen"]}"#, 1),
        (r#"{"callControlId":"live","capabilities":null}"#, 1),
        (&"[".repeat(60_000), 1),
    ] {
        let mut socket = rig.dial(&token).await.unwrap();
        socket.send(Message::text(frame)).await.unwrap();
        let event = refused(&mut socket, 1008).await;
        assert_eq!(event["errors"].as_array().unwrap().len(), faults, "{event}");
    }
    // None of them got the call.
    assert_eq!(rig.call("live", "").await["state"], "ringing");
}

#[tokio::test]
async fn an_unknown_or_ended_call_is_refused() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut socket = rig.dial(&token).await.unwrap();
    say(&mut socket, hello("never placed", ALL)).await;
    let event = refused(&mut socket, 1008).await;
    assert!(event["message"].as_str().unwrap().contains("never placed"));

    for record in [false, true] {
        rig.place("over", json!({"record": record})).await;
        let ended = rig.admin(reqwest::Method::DELETE, "/center/v1/calls/over");
        assert_eq!(crate::support::send(ended).await.status, 204);
        let mut socket = rig.dial(&token).await.unwrap();
        say(&mut socket, hello("over", ALL)).await;
        let event = refused(&mut socket, 1008).await;
        assert!(event["message"].as_str().unwrap().contains("ended"), "{event}");
        rig.ended("over").await;
    }
}

#[tokio::test]
async fn frames_may_have_64_kib_and_no_more() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let padded = |mut frame: Value, bytes: usize| {
        frame["padding"] = "".into();
        let short = frame.to_string().len();
        frame["padding"] = "x".repeat(bytes - short).into();
        assert_eq!(frame.to_string().len(), bytes);
        frame
    };
    rig.place("c", json!({})).await;
    for bytes in [65_537, 200_000, 1024 * 1024] {
        let mut socket = rig.dial(&token).await.unwrap();
        say(&mut socket, padded(hello("c", ALL), bytes)).await;
        let event = refused(&mut socket, 1008).await;
        assert!(event["message"].as_str().unwrap().contains("65536"), "{event}");
    }
    let mut socket = rig.dial(&token).await.unwrap();
    say(&mut socket, padded(hello("c", &["play"]), 65_536)).await;
    assert_eq!(event(&mut socket).await["event"], "connected");
    let largest = play("general_welcome", "p", &[]);
    say(&mut socket, padded(largest.clone(), 65_536)).await;
    assert_eq!(event(&mut socket).await["event"], "playback_started");
    say(&mut socket, padded(largest, 65_537)).await;
    refused(&mut socket, 1008).await;
    assert_ne!(rig.call("c", "").await["state"], "ended");
}

#[tokio::test]
async fn frames_that_are_no_text_are_refused() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut socket = rig.dial(&token).await.unwrap();
    let binary = hello("c", ALL).to_string().into_bytes();
    socket.send(Message::binary(binary)).await.unwrap();
    refused(&mut socket, 1008).await;

    rig.place("c", json!({})).await;
    let mut socket = rig.control(&token, "c", ALL).await;
    socket.send(Message::binary(vec![0; 10])).await.unwrap();
    let (events, code) = events_until_close(&mut socket).await;
    assert_eq!(
        (events.last().unwrap()["event"].as_str(), code),
        (Some("error"), 1008)
    );
    assert_eq!(rig.call("c", "").await["state"], "orphaned");
}

#[tokio::test]
async fn a_close_is_answered_with_a_close() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let silent = rig.dial(&token).await.unwrap();
    let controller = rig.control(&token, "c", ALL).await;
    for mut socket in [silent, controller] {
        let frame = CloseFrame {
            code: 1000.into(),
            reason: "done".into(),
        };
        socket.close(Some(frame)).await.unwrap();
        // Without the center's half of the handshake the stream ends with an error.
        while let Some(frame) = socket.next().await {
            frame.unwrap();
        }
    }
}

/// Text that is not UTF-8 can't be sent by a well-behaved library, so it is written by hand.
#[tokio::test]
async fn text_that_is_not_utf8_is_refused() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut stream = tokio::net::TcpStream::connect(rig.center.addresses().http)
        .await
        .unwrap();
    let key = BASE64_STANDARD.encode([7; 16]);
    let head = format!(
        "GET /api/v2/callcontrol/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // FIN and text, masked with zeros, two bytes.
    stream
        .write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe])
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.contains(r#""event":"error""#), "{answer}");
}
