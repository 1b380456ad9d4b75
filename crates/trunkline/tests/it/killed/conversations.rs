//! A center that is killed while its bot types: what was accepted is there, and what was owed is said.

use crate::{
    service::{exchange, head},
    support::Center,
};
use serde_json::{Value, json};
use std::{thread, time::Duration};

/// Kills, each right after a message was accepted, or a little later.
const KILLS: u64 = 6;
/// The second answer is typed for 300 ms: some kills come before it, some after.
const APART_MS: u64 = 70;

fn ask(center: &Center, token: &str, method: &str, path: &str, body: &Value) -> Value {
    let address = center.environment["TRUNKLINE_URL"]
        .strip_prefix("http://")
        .unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (length, bearer) = (body.len().to_string(), format!("Bearer {token}"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Length", &length)];
    let answer = exchange(address, &head(method, path, &headers), body.as_bytes());
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn token(center: &Center) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        center.environment["CLIENT_ID"], center.environment["CLIENT_SECRET"]
    );
    let length = form.len().to_string();
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", length.as_str()),
    ];
    let address = center.environment["TRUNKLINE_URL"]
        .strip_prefix("http://")
        .unwrap();
    let answer = exchange(address, &head("POST", "/oauth/token", &headers), form.as_bytes());
    let token: Value = serde_json::from_str(&answer.body).unwrap();
    token["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_killed_center_says_what_its_bot_owed_once_when_it_starts_again() {
    let mut center = Center::start(&[]);
    let mut accepted = Vec::new();
    for kill in 0..KILLS {
        let (token, id) = (token(&center), format!("killed-{kill}"));
        let new = json!({"id": id, "type": "webchat", "participants": [{"id": "user-1", "direction": "inbound"},
            {"id": "bot-your-bot-instance-id", "direction": "outbound", "profile": {"botInstanceId": "your-bot-instance-id"}}]});
        ask(&center, &token, "POST", "/api/v2/conversations", &new);
        let path = format!("/api/v2/conversations/{id}/interactions");
        let message =
            json!({"participantId": "user-1", "type": "message", "text": "What are your store hours?"});
        let posted = ask(&center, &token, "POST", &path, &message);
        accepted.push((id, posted));
        thread::sleep(Duration::from_millis(kill * APART_MS));
        center = center.killed_and_started(|_| {});
    }
    let token = token(&center);
    for (id, posted) in accepted {
        let path = format!("/api/v2/conversations/{id}/interactions?limit=100");
        let all = |query: &str| ask(&center, &token, "GET", &format!("{path}{query}"), &Value::Null);
        // The message has its number; two answers follow, the second by now or soon.
        let last = posted["sequence"].as_u64().unwrap() + 2;
        all(&format!("&after={}&wait=20", last - 1));
        let heard = all("");
        let heard = heard.as_array().unwrap();
        assert!(
            heard
                .iter()
                .any(|one| one["id"] == posted["id"] && one["sequence"] == posted["sequence"])
        );
        let answers: Vec<&Value> = heard
            .iter()
            .filter(|one| one["inReplyTo"] == posted["id"])
            .collect();
        assert_eq!(answers.len(), 2, "{id}: {heard:?}");
        assert!(
            answers[0]["text"].as_str().unwrap().contains("9:00"),
            "{answers:?}"
        );
        assert_eq!(answers[1]["sequence"], last, "{answers:?}");
        let numbers: Vec<u64> = heard
            .iter()
            .map(|one| one["sequence"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "each once, without gaps");
    }
}
