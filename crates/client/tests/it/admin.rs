//! The center's admin interface.

use crate::support::{Watch, seconds};
use client::{
    Admin, Endpoint, SetupError,
    testing::{Reply, ScriptedHttp},
};
use http::Method;
use std::sync::Arc;
use wire::calls::{CallState, PlaceCall};

fn record(state: &str) -> String {
    serde_json::json!({
        "id": "call-1", "ani": "+1555", "dnis": "+1800", "state": state,
        "placedAt": "2026-11-21T09:30:00.000Z", "timeline": []
    })
    .to_string()
}

fn admin(
    script: impl FnMut(&http::Request<bytes::Bytes>) -> Reply + Send + 'static,
) -> (Arc<ScriptedHttp>, Admin) {
    let http = Arc::new(ScriptedHttp::new(script));
    let endpoint = Endpoint::new("http://127.0.0.1:8080").unwrap();
    (
        http.clone(),
        Admin::new(http, endpoint, "admin-token".into()).unwrap(),
    )
}

#[tokio::test(start_paused = true)]
async fn calls_are_placed_read_and_ended() {
    let (http, admin) = admin(|request| match (request.method(), request.uri().path()) {
        (&Method::POST, "/center/v1/calls") => Reply::answer(201, record("ringing")),
        (&Method::GET, "/center/v1/calls/call-1") => Reply::answer(200, record("controlled")),
        (&Method::GET, "/center/v1/calls/call-1/recording") => Reply::answer(200, "RIFF"),
        (&Method::DELETE, "/center/v1/calls/call-1") => Reply::answer(204, ""),
        _ => Reply::answer(404, ""),
    });
    let call = PlaceCall::parse(r#"{"ani":"+1555","dnis":"+1800"}"#).unwrap();
    let id = admin.place_call(&call).await.unwrap().id;
    assert_eq!(admin.call(&id).await.unwrap().state, CallState::Controlled);
    assert_eq!(admin.recording(&id).await.unwrap(), "RIFF");
    admin.end_call(&id).await.unwrap();
    let seen = http.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.header("authorization") == "Bearer admin-token")
    );
    assert_eq!(
        PlaceCall::parse(std::str::from_utf8(seen[0].request.body()).unwrap()).unwrap(),
        call
    );
    assert!(!seen[0].header("idempotency-key").is_empty());
    assert_eq!(seen[0].header("content-type"), "application/json");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_is_waited_for() {
    let mut polls = 0;
    let (http, admin) = admin(move |_| {
        polls += 1;
        match polls {
            1 | 2 => Reply::answer(200, record("controlled")).after(seconds(30)),
            _ => Reply::answer(200, record("ended")).after(seconds(4)),
        }
    });
    let watch = Watch::start();
    let ended = admin
        .wait_for_end(&"call-1".parse().unwrap(), seconds(80))
        .await
        .unwrap();
    assert_eq!(ended.state, CallState::Ended);
    assert!((64_000..64_010).contains(&watch.ms()), "{}", watch.ms());
    let waits: Vec<_> = http
        .seen()
        .iter()
        .map(|seen| seen.request.uri().query().unwrap().to_owned())
        .collect();
    assert_eq!(waits, ["wait=30", "wait=30", "wait=20"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_end_is_given_back_as_it_is() {
    // This center does not know `wait`.
    let (http, admin) = admin(|_| Reply::answer(200, record("ringing")));
    let watch = Watch::start();
    let record = admin
        .wait_for_end(&"call-1".parse().unwrap(), seconds(3))
        .await
        .unwrap();
    assert_eq!(record.state, CallState::Ringing);
    assert!((3000..=3002).contains(&watch.ms()), "{}", watch.ms());
    assert!(http.seen().len() <= 14, "{}", http.seen().len());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_admin_token_is_not_tried_again() {
    let (http, admin) = admin(|_| Reply::answer(401, "no"));
    let error = admin.call(&"call-1".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.status(), http.seen().len()), (Some(401), 1));
}

#[test]
fn a_token_with_a_line_end_is_named() {
    let endpoint = Endpoint::new("http://127.0.0.1:8080").unwrap();
    let http = Arc::new(ScriptedHttp::new(|_| Reply::nothing()));
    let error = Admin::new(http, endpoint, "hunter2\n".into()).err().unwrap();
    assert_eq!(error, SetupError::Token);
    assert!(!error.to_string().contains("hunter2"));
}
