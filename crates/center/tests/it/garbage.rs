//! Random frames never end a session, and never the center.

use crate::support::{Rig, event, events_until_close, say};
use futures_util::SinkExt;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// Below what a controller may send at once.
const FRAMES: usize = 120;

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "play",
            "stop",
            "transfer",
            "hangup",
            "record",
            "start",
            "1",
            "#",
            "invalid",
            "number",
            "http://127.0.0.1:1/x",
            "file:///etc/passwd",
            "c",
        ])
        .prop_map(Value::from),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(field(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    let known = vec![
        "action",
        "audio",
        "dtmf",
        "enabled",
        "keys",
        "interruptible",
        "target",
        "type",
        "state",
        "commandId",
        "callControlId",
        "capabilities",
        "media",
    ];
    prop_oneof![
        4 => proptest::sample::select(known).prop_map(str::to_owned),
        1 => ".{0,5}",
    ]
}

fn command() -> impl Strategy<Value = String> {
    let fields = proptest::collection::hash_map(field(), tree(), 0..7);
    let object = fields
        .prop_map(|fields| Value::Object(fields.into_iter().collect()).to_string())
        .boxed();
    prop_oneof![
        4 => object.clone(),
        1 => tree().prop_map(|value| value.to_string()),
        // Cut off somewhere, or with bytes that do not belong.
        1 => (object, 0usize..200).prop_map(|(text, at)| text.chars().take(at).collect()),
        1 => proptest::collection::vec(any::<u8>(), 0..60)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

fn some<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

#[tokio::test]
async fn random_commands_never_end_a_session() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut runner = TestRunner::deterministic();
    let command = command();
    for at in 0..10 {
        let id = format!("c{at}");
        rig.place(&id, json!({})).await;
        // Without the capabilities for them, commands that would end the call are refused.
        let mut socket = rig.control(&token, &id, &["play"]).await;
        for _ in 0..FRAMES {
            let frame = some(&command, &mut runner);
            socket.send(Message::text(frame)).await.unwrap();
        }
        say(&mut socket, json!({"commandId": "probe", "action": "?"})).await;
        loop {
            let event = event(&mut socket).await;
            if event["commandId"] == "probe" {
                assert_eq!(event["event"], "error");
                break;
            }
        }
        assert_eq!(rig.call(&id, "").await["state"], "controlled");
    }
}

#[tokio::test]
async fn random_first_frames_are_refused_properly() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let token = rig.token().await;
    let mut runner = TestRunner::deterministic();
    let frame = command();
    for _ in 0..100 {
        let mut socket = rig.dial(&token).await.unwrap();
        socket
            .send(Message::text(some(&frame, &mut runner)))
            .await
            .unwrap();
        let (events, code) = events_until_close(&mut socket).await;
        assert_eq!(
            (events.len(), events[0]["event"].as_str(), code),
            (1, Some("error"), 1008)
        );
    }
}
