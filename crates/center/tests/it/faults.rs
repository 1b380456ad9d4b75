//! Faults on demand.

use crate::support::{Answer, Rig, send};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn ask_for(rig: &Rig, fault: Value) -> Answer {
    send(
        rig.admin(Method::POST, "/center/v1/faults")
            .body(fault.to_string()),
    )
    .await
}

#[tokio::test]
async fn a_fault_strikes_as_often_as_it_was_asked_for() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let profile = async || {
        let path = "/api/v2/profiles/external/CRM-1";
        send(rig.request(Method::GET, path).bearer_auth(&token)).await
    };
    let fault = json!({"path": "/api/v2/profiles", "status": 503, "retryAfterS": 2, "times": 2});
    assert_eq!(ask_for(&rig, fault).await.status, 204);
    let listed = send(rig.admin(Method::GET, "/center/v1/faults")).await;
    assert_eq!(listed.body["faults"][0]["status"], 503);
    for _ in 0..2 {
        let answer = profile().await;
        assert_eq!(answer.refused(503, "unavailable").header("retry-after"), "2");
    }
    assert_eq!(profile().await.status, 200);

    ask_for(&rig, json!({"path": "/api/v2/profiles", "delayMs": 150})).await;
    let begun = Instant::now();
    assert_eq!(profile().await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));

    // All paths, but never those of the administrator, who could not end it otherwise.
    ask_for(&rig, json!({"path": "/", "status": 500, "times": 100})).await;
    profile().await.refused(500, "internal_error");
    let handshake = rig.dial(&token).await.unwrap_err();
    assert!(handshake.to_string().contains("500"), "{handshake}");
    assert_eq!(
        send(rig.admin(Method::DELETE, "/center/v1/faults")).await.status,
        204
    );
    assert_eq!(profile().await.status, 200);
}

#[tokio::test]
async fn a_faulty_fault_is_refused() {
    let rig = Rig::start().await;
    let answer = ask_for(&rig, json!({"status": 200, "delayMs": 60_001, "times": 0})).await;
    answer.refused(400, "bad_request");
    assert_eq!(
        answer.body["errors"].as_array().unwrap().len(),
        4,
        "{}",
        answer.text
    );
    for _ in 0..100 {
        assert_eq!(
            ask_for(&rig, json!({"path": "/x", "status": 500})).await.status,
            204
        );
    }
    ask_for(&rig, json!({"path": "/x", "status": 500}))
        .await
        .refused(409, "conflict");
}
