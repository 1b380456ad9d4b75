//! `Idempotency-Key` (contract section 2).

use crate::support::{Answer, Rig, send};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

async fn place(rig: &Rig, key: &str, ani: &str) -> Answer {
    let body = json!({"ani": ani, "dnis": "+1800"}).to_string();
    let request = rig
        .admin(Method::POST, "/center/v1/calls")
        .header("idempotency-key", key);
    send(request.body(body)).await
}

#[tokio::test]
async fn the_same_key_and_body_do_it_once() {
    let rig = Rig::start().await;
    let first = place(&rig, "k-1", "+1").await;
    assert_eq!(first.status, 201);
    let again = place(&rig, "k-1", "+1").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(rig.status().await["liveCalls"], 1);

    place(&rig, "k-1", "+2").await.refused(422, "unprocessable");
    assert_ne!(place(&rig, "k-2", "+1").await.body["id"], first.body["id"]);
    // A refusal is an answer too, and each repeat has its own correlation id.
    let refused = place(&rig, "k-3", "").await;
    let repeated = place(&rig, "k-3", "").await;
    refused.refused(400, "bad_request");
    repeated.refused(400, "bad_request");
    assert_ne!(refused.body["correlationId"], repeated.body["correlationId"]);
    assert_eq!(rig.status().await["liveCalls"], 2);
}

#[tokio::test]
async fn twenty_at_once_are_one() {
    let rig = Rig::start().await;
    let answers = join_all((0..20).map(|_| place(&rig, "k", "+1"))).await;
    let first = &answers[0].body["id"];
    assert!(first.is_string());
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 201 && answer.body["id"] == *first)
    );
    assert_eq!(rig.status().await["liveCalls"], 1);
}

#[tokio::test]
async fn keys_of_different_paths_are_apart_and_a_bad_key_is_refused() {
    let rig = Rig::start().await;
    assert_eq!(place(&rig, "k", "+1").await.status, 201);
    let fault = rig
        .admin(Method::POST, "/center/v1/faults")
        .header("idempotency-key", "k")
        .body(r#"{"path":"/nowhere","status":500}"#);
    assert_eq!(send(fault).await.status, 204);
    for bad in [String::new(), "x".repeat(129), "tab\there".into()] {
        place(&rig, &bad, "+1").await.refused(400, "bad_request");
    }
    let request = rig
        .admin(Method::POST, "/center/v1/calls")
        .header("idempotency-key", &b"\xff"[..]);
    send(request.body("{}")).await.refused(400, "bad_request");
    // On other methods the header means nothing.
    let get = rig
        .admin(Method::GET, "/center/v1/status")
        .header("idempotency-key", "");
    assert_eq!(send(get).await.status, 200);
    assert_eq!(rig.status().await["liveCalls"], 1);
}
