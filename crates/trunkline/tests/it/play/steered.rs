//! Playing on a center beside it: stops, limits, and webhooks.

use super::{PROMPT, quick_folder};
use crate::{
    receiver::{Receiver, Reply},
    service::{exchange, head},
    support::{Center, stderr, stdout, wait_for},
};
use serde_json::{Value, json};
use std::{
    fs,
    process::{Child, Command, Output, Stdio},
};

/// A center with few prompts.
fn center(config: &str) -> Center {
    let folder = quick_folder();
    fs::write(folder.path().join("trunkline.toml"), config).unwrap();
    Center::start_in(folder, &["--tenant", "tenant.toml"])
}

/// A playback on it that goes on beside the test.
fn spawn(center: &Center, more: &[&str]) -> Child {
    let mut command = center.client(&[&["play", PROMPT, "--data-dir", "of-the-player"], more].concat());
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn play(center: &Center, more: &[&str]) -> Output {
    spawn(center, more).wait_with_output().unwrap()
}

/// A request to the center with a token of its client; gives the answer's body.
fn ask(center: &Center, method: &str, path: &str, body: &Value) -> Value {
    let address = center.environment["TRUNKLINE_URL"]
        .strip_prefix("http://")
        .unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        center.environment["CLIENT_ID"], center.environment["CLIENT_SECRET"]
    );
    let send = |method, path, kind: (&str, &str), body: &str| -> Value {
        let length = body.len().to_string();
        let headers = [
            kind,
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", &length),
        ];
        let answer = exchange(address, &head(method, path, &headers), body.as_bytes());
        assert!((200..300).contains(&answer.status), "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    };
    let token = send("POST", "/oauth/token", ("Accept", "application/json"), &form);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(method, path, ("Authorization", &bearer), &body)
}

/// How many sessions the center has that are not over.
fn active(center: &Center) -> u64 {
    let page = ask(
        center,
        "GET",
        "/api/v2/media/sessions?status=active",
        &Value::Null,
    );
    page["totalCount"].as_u64().unwrap()
}

/// A session that is held, and so is not over before somebody stops it.
fn hold(center: &Center) {
    let directive = stdout(&play(center, &["--dry-run"]));
    let session = ask(
        center,
        "POST",
        "/api/v2/media/sessions",
        &serde_json::from_str(&directive).unwrap(),
    );
    let control = format!(
        "/api/v2/media/sessions/{}/control",
        session["id"].as_str().unwrap()
    );
    let held = ask(center, "POST", &control, &json!({"action": "pause"}));
    assert_eq!(held["playbackState"], "paused");
}

fn begun(center: &Center) {
    wait_for("the start of the playback", || {
        (active(center) == 1).then_some(())
    });
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn who_is_interrupted_leaves_no_stream_behind() {
    let center = center("");
    let playing = spawn(&center, &[]);
    begun(&center);
    interrupt(&playing);
    let output = playing.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("stopped; "), "{}", stdout(&output));
    assert_eq!(active(&center), 0);
}

#[test]
fn one_more_than_the_limit_is_a_clear_error() {
    let center = center("");
    hold(&center);
    let refused = play(&center, &["--max-streams", "1"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(
        said.contains("1 of at most 1 streams are active already"),
        "{said}"
    );
    assert!(play(&center, &["--max-streams", "2"]).status.success());
}

#[test]
fn a_webhook_tells_of_the_start_and_the_end_signed_and_in_order() {
    let center = center("");
    let receiver = Receiver::start(|_| 204);
    let output = play(&center, &["--json", "--webhook", &receiver.url()]);
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["webhooks"]["delivered"], 2, "{told:#}");
    let requests = receiver.requests();
    let secret = &center.environment["TRUNKLINE_WEBHOOK_SECRET"];
    let verifier = standardwebhooks::Webhook::new(secret).unwrap();
    for (request, state) in requests.iter().zip(["playing", "completed"]) {
        let mut headers = http::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, request.header(name).parse().unwrap());
        }
        verifier.verify(request.body.as_bytes(), &headers).unwrap();
        let event: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(event["eventType"], "IVR_PLAYBACK_CONTROL");
        assert_eq!(event["sessionId"], told["session"]["id"]);
        assert_eq!(event["metrics"]["playbackState"], state);
        assert_eq!(event["metrics"]["latencyMs"], told["session"]["latencyMs"]);
    }
}

#[test]
fn a_webhook_that_fails_is_tried_again_and_the_playback_is_fine() {
    let center = center("[serve]\nschedule = '200ms, 200ms, 200ms'\n");
    let receiver = Receiver::answering(|_, before| Reply::Status(if before == 0 { 503 } else { 204 }));
    let output = play(&center, &["--json", "--webhook", &receiver.url()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["outcome"], "completed");
    // That of the start was delivered meanwhile; nobody waits for that of the end.
    let webhooks = &told["webhooks"];
    assert_eq!(
        (&webhooks["delivered"], &webhooks["owed"]),
        (&1.into(), &1.into()),
        "{told:#}"
    );
    assert!(webhooks["why"].as_str().unwrap().contains("503"), "{told:#}");

    let again = play(&center, &["--webhook", &receiver.url()]);
    assert!(again.status.success(), "{}", stderr(&again));
    let session = told["session"]["id"].as_str().unwrap();
    let requests = receiver.requests().into_iter();
    let of_first: Vec<_> = requests
        .filter(|request| request.body.contains(session))
        .collect();
    assert_eq!(of_first.len(), 4, "each is refused once and taken once");
    assert!(of_first[3].body.contains("completed"));
}
