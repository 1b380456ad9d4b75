//! Creating, reading and changing conversations.

use super::{PATH, Talker, new_conversation};
use crate::support::{BOB, Rig};
use reqwest::Method;
use serde_json::{Value, json};

const STATES: [&str; 5] = ["queued", "pending", "active", "closed", "ended"];

#[tokio::test]
async fn a_conversation_is_created_and_read_as_the_contract_says() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    let mut new = new_conversation("conv-1");
    let answer = talker.ask(Method::POST, PATH, &new).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("location"), format!("{PATH}/conv-1"));
    assert_eq!(answer.header("etag"), "\"1\"");
    let view = &answer.body;
    for member in ["id", "type", "state", "participants", "context"] {
        assert_eq!(view[member], new[member], "{member}");
    }
    assert_eq!(
        (&view["botId"], &view["resolved"], &view["version"]),
        (&json!("nobody"), &json!(false), &json!(1))
    );
    assert_eq!(view["createdDate"], view["updatedDate"]);
    let read = talker.get(&format!("{PATH}/conv-1")).await;
    assert_eq!((read.status, &read.body), (200, view));

    new["state"] = json!("queued");
    let again = talker.ask(Method::POST, PATH, &new).await;
    again.refused(409, "conflict").mentions("in the state active");
    talker
        .get(&format!("{PATH}/conv-2"))
        .await
        .refused(404, "not_found")
        .mentions("conv-2");
    talker
        .get(&format!("{PATH}/a%2Fb"))
        .await
        .refused(400, "bad_request");
    let wrong = talker
        .ask(Method::POST, PATH, &json!({"id": "x", "state": "ended"}))
        .await;
    assert_eq!(
        wrong.refused(400, "bad_request").body["errors"]
            .as_array()
            .unwrap()
            .len(),
        3,
        "{}",
        wrong.text
    );
}

#[tokio::test]
async fn a_key_makes_a_creation_repeatable_also_after_a_restart() {
    let rig = Rig::start().await;
    let new = new_conversation("conv-1");
    let key = [("idempotency-key", "k-1")];
    let talker = Talker::new(&rig).await;
    let first = talker.ask_with(Method::POST, PATH, &new, &key).await;
    assert_eq!(first.status, 201);
    let rig = rig.restarted(|_| {}).await;
    let talker = Talker::new(&rig).await;
    talker.said("conv-1", "hello").await;
    talker
        .put("conv-1", json!({"state": "closed", "context": {"n": 1}}))
        .await;
    let again = talker.ask_with(Method::POST, PATH, &new, &key).await;
    assert_eq!(
        (again.status, &again.body),
        (201, &first.body),
        "it is what was answered then"
    );
    assert_eq!(
        (again.header("idempotency-replayed"), again.header("etag")),
        ("true", "\"1\"")
    );
    for other in [("state", "pending"), ("id", "conv-2")] {
        let mut new = new.clone();
        new[other.0] = json!(other.1);
        talker
            .ask_with(Method::POST, PATH, &new, &key)
            .await
            .refused(422, "unprocessable");
    }
    talker
        .get(&format!("{PATH}/conv-2"))
        .await
        .refused(404, "not_found");
    talker
        .ask_with(Method::POST, PATH, &new, &[("idempotency-key", "k-2")])
        .await
        .refused(409, "conflict");
}

#[tokio::test]
async fn of_creations_with_one_key_at_once_one_is_made() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    let key = [("idempotency-key", "k-1")];
    let bodies: Vec<Value> = (0..12)
        .map(|nth| new_conversation(&format!("c-{}", nth % 3)))
        .collect();
    let asked = bodies
        .iter()
        .map(|new| talker.ask_with(Method::POST, PATH, new, &key));
    let answers = futures_util::future::join_all(asked).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 4, "one is created and replayed three times");
    assert!(made.iter().all(|answer| answer.body == made[0].body));
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 8);
}

#[tokio::test]
async fn a_key_is_honoured_on_every_post() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker.said("c", "hello").await;
    let id = talker.heard("c", "").await[0]["id"].as_str().unwrap().to_owned();
    let query = |to: &str| json!({"dateFrom": "2020-01-01T00:00:00Z", "dateTo": to});
    let read = format!("{PATH}/c/interactions/{id}/read");
    let details = "/api/v2/analytics/conversations/details/query".to_owned();
    for (path, body, other) in [
        (read, json!({}), json!({"n": 1})),
        (
            details,
            query("2998-01-01T00:00:00Z"),
            query("2999-01-01T00:00:00Z"),
        ),
    ] {
        let post = async |body: &Value| {
            let key = [("idempotency-key", "k-1")];
            talker.ask_with(Method::POST, &path, body, &key).await
        };
        let (first, again) = (post(&body).await, post(&body).await);
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{path}");
        assert_eq!(again.header("idempotency-replayed"), "true");
        post(&other).await.refused(422, "unprocessable");
    }
}

#[tokio::test]
async fn every_pair_of_states_is_as_the_contract_says() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    let reach = |state: &str| -> &[&str] {
        match state {
            "closed" => &["closed"],
            "ended" => &["ended"],
            _ => &[],
        }
    };
    for from in STATES {
        for to in STATES {
            let id = format!("{from}-{to}");
            let mut new = new_conversation(&id);
            if let "queued" | "pending" = from {
                new["state"] = json!(from);
            }
            talker.created(new).await;
            for step in reach(from) {
                assert_eq!(talker.put(&id, json!({"state": step})).await.status, 200);
            }
            let before = talker.get(&format!("{PATH}/{id}")).await.body;
            let allowed = match from {
                "queued" => to != "closed",
                "pending" | "active" => to != "queued",
                "closed" => matches!(to, "closed" | "active" | "ended"),
                _ => to == "ended",
            };
            let changed = talker.put(&id, json!({"state": to})).await;
            let after = talker.get(&format!("{PATH}/{id}")).await.body;
            if !allowed {
                let sentence = format!("Invalid state transition from {from} to {to}");
                changed.refused(400, "bad_request").mentions(&sentence);
                assert_eq!(before, after);
            } else {
                assert_eq!(
                    (changed.status, &changed.body["state"]),
                    (200, &json!(to)),
                    "{id}"
                );
                let grown = u64::from(from != to);
                assert_eq!(
                    after["version"].as_u64(),
                    before["version"].as_u64().map(|version| version + grown),
                    "{id}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_condition_is_honoured() {
    let rig = Rig::start().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    let path = format!("{PATH}/c");
    let close = json!({"state": "closed"});
    let put = async |tag: &str| {
        talker
            .ask_with(Method::PUT, &path, &close, &[("if-match", tag)])
            .await
    };
    put("\"2\"").await.refused(412, "refused").mentions("version 1");
    put("2").await.refused(400, "bad_request").mentions("If-Match");
    let closed = put("\"1\"").await;
    assert_eq!((closed.status, closed.header("etag")), (200, "\"2\""));
    put("\"1\"").await.refused(412, "refused");
    assert_eq!(put("*").await.status, 200);
}

#[tokio::test]
async fn a_change_is_answered_with_what_it_made_and_not_with_what_came_after_it() {
    let rig = Rig::start_with(|options| options.limits = center::Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    for round in 0..10 {
        let contexts: Vec<Value> = (0..8).map(|nth| json!({"round": round, "nth": nth})).collect();
        let puts = contexts
            .iter()
            .map(|context| talker.put("c", json!({"context": context})));
        let answers = futures_util::future::join_all(puts).await;
        let mut tags = std::collections::HashSet::new();
        for (answer, context) in answers.iter().zip(&contexts) {
            assert_eq!((answer.status, &answer.body["context"]), (200, context));
            assert!(
                tags.insert(answer.header("etag")),
                "each has a version of its own"
            );
        }
    }
}

#[tokio::test]
async fn a_context_is_replaced_and_bounded_in_bytes() {
    let rig = Rig::start().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    let sized = |bytes: usize| {
        let text = "漢".repeat((bytes - 8) / 3) + &"x".repeat((bytes - 8) % 3);
        json!({"context": {"n": text}})
    };
    assert_eq!(talker.put("c", sized(65_536)).await.status, 200);
    let refused = talker.put("c", sized(65_537)).await;
    refused.refused(400, "bad_request").mentions("65537");
    refused.mentions("65536");
    let text = r#"{"context":{"botSession":{"zebra":1,"apple":2},"metadata":{"a":0.1}}}"#;
    let body = rig
        .request(Method::PUT, &format!("{PATH}/c"))
        .bearer_auth(&talker.token)
        .body(text);
    let answer = crate::support::send(body).await;
    assert!(
        answer.text.contains(r#""botSession":{"zebra":1,"apple":2}"#),
        "{}",
        answer.text
    );
    let again = talker.get(&format!("{PATH}/c")).await;
    assert!(
        again.text.contains(r#""botSession":{"zebra":1,"apple":2}"#),
        "the order is kept: {}",
        again.text
    );
    talker.put("c", json!({})).await.refused(400, "bad_request");
    talker
        .put("nobody", json!({"state": "closed"}))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn who_lacks_the_scope_is_refused() {
    let rig = Rig::start().await;
    let token = rig.token_of(BOB, "").await;
    let talker = Talker { rig: &rig, token };
    for (method, path, scope) in [
        (Method::GET, PATH.to_owned(), "conversations:read"),
        (Method::POST, PATH.to_owned(), "conversations:write"),
        (Method::GET, format!("{PATH}/c"), "conversations:read"),
        (Method::PUT, format!("{PATH}/c"), "conversations:write"),
        (
            Method::GET,
            format!("{PATH}/c/interactions"),
            "conversations:read",
        ),
        (
            Method::POST,
            format!("{PATH}/c/interactions"),
            "conversations:write",
        ),
        (
            Method::POST,
            format!("{PATH}/c/interactions/i/read"),
            "conversations:write",
        ),
        (
            Method::POST,
            "/api/v2/analytics/conversations/details/query".into(),
            "analytics:read",
        ),
    ] {
        talker
            .ask(method, &path, &Value::Null)
            .await
            .refused(403, "forbidden")
            .mentions(scope);
    }
}
