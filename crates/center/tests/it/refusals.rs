//! Every refusal has one shape, those of the framework too; and correlation ids.

use crate::support::{Rig, send};
use reqwest::Method;

#[tokio::test]
async fn refusals_of_the_framework_have_the_shape_too() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for path in [
        "/",
        "/nothing",
        "/api/v2/nothing",
        "/center/v1/nothing",
        "/audio/",
    ] {
        send(rig.admin(Method::GET, path)).await.refused(404, "not_found");
    }
    send(rig.request(Method::GET, "/audio/nothing.mp3"))
        .await
        .refused(404, "not_found")
        .mentions("nothing.mp3");

    let wrong_method = send(rig.request(Method::GET, "/oauth/token")).await;
    wrong_method.refused(405, "method_not_allowed");
    // RFC 9110, 15.5.6: a 405 names the methods that are allowed.
    assert_eq!(wrong_method.header("allow"), "POST");
    let put = send(rig.admin(Method::PUT, "/center/v1/calls")).await;
    assert_eq!(put.refused(405, "method_not_allowed").header("allow"), "POST");
    let post = rig
        .request(Method::POST, "/api/v2/profiles/external/CRM-1")
        .bearer_auth(&token);
    send(post).await.refused(405, "method_not_allowed");

    let broken = send(rig.admin(Method::POST, "/center/v1/calls").body("{\"ani\":")).await;
    broken.refused(400, "bad_request").mentions("JSON");
    let list = send(rig.admin(Method::POST, "/center/v1/calls").body("[]")).await;
    list.refused(400, "bad_request");
    let binary = rig.admin(Method::POST, "/center/v1/calls").body(&b"\xff\xfe"[..]);
    send(binary).await.refused(400, "bad_request");
    let query = send(rig.admin(Method::GET, "/center/v1/calls/x?wait=soon")).await;
    query.refused(400, "bad_request");
    let percent = send(rig.admin(Method::GET, "/center/v1/calls/%ff")).await;
    percent.refused(400, "bad_request");
    let faults = send(
        rig.admin(Method::POST, "/center/v1/calls")
            .body(r#"{"ani":"","codec":"OPUS"}"#),
    )
    .await;
    faults.refused(400, "bad_request");
    assert_eq!(faults.body["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_413() {
    let rig = Rig::start().await;
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    let plain = rig.admin(Method::POST, "/center/v1/calls").body(large.clone());
    send(plain).await.refused(413, "too_large");
    let with_key = rig
        .admin(Method::POST, "/center/v1/calls")
        .header("idempotency-key", "k");
    send(with_key.body(large.clone())).await.refused(413, "too_large");
    send(rig.request(Method::POST, "/oauth/token").body(large))
        .await
        .refused(413, "too_large");
}

#[tokio::test]
async fn a_websocket_path_without_an_upgrade_says_so() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let path = "/api/v2/callcontrol/websocket";
    let plain = send(rig.request(Method::GET, path).bearer_auth(&token)).await;
    assert!([400, 426].contains(&plain.status), "{}", plain.text);
    plain.refused(plain.status, plain.body["code"].as_str().unwrap());
    let half = rig
        .request(Method::GET, path)
        .bearer_auth(&token)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "12");
    let half = send(half).await;
    half.refused(half.status, "bad_request");
    send(rig.request(Method::POST, path).bearer_auth(&token))
        .await
        .refused(405, "method_not_allowed");
}

#[tokio::test]
async fn a_correlation_id_is_taken_or_made_and_always_given_back() {
    let rig = Rig::start().await;
    let ask = async |id: Option<&[u8]>| {
        let request = rig.request(Method::GET, "/health");
        let request = match id {
            Some(id) => request.header("x-correlation-id", id),
            None => request,
        };
        send(request).await.header("x-correlation-id").to_owned()
    };
    assert_eq!(ask(Some(b"my request 7")).await, "my request 7");
    let longest = "x".repeat(128);
    assert_eq!(ask(Some(longest.as_bytes())).await, longest);
    let (made, other) = (ask(None).await, ask(None).await);
    assert!(made.len() >= 32 && made != other, "{made} {other}");
    for bad in [&b""[..], "x".repeat(129).as_bytes(), b"\xff\xfe", b"tab\there"] {
        let replaced = ask(Some(bad)).await;
        assert!(replaced.len() >= 32 && replaced.len() <= 40, "{replaced}");
    }
    let refusal = rig
        .request(Method::GET, "/nothing")
        .header("x-correlation-id", "corr-1");
    let refusal = send(refusal).await;
    assert_eq!(refusal.refused(404, "not_found").body["correlationId"], "corr-1");
}
