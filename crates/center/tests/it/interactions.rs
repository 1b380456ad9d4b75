//! Interactions: those of the tenant's past, and those that calls were.

use crate::support::{BOB, Rig, events_until_close, say, send, tenant_with};
use center::erase_caller;
use reqwest::Method;
use serde_json::{Value, json};
use store::{Location, Store};

const PAST: &str = r#"
    [[interaction]]
    id = "int-1001"
    agentId = "agent-1"
    responses = [{ fieldName = "overall_satisfaction", value = "1" }]
    [[interaction]]
    id = "int-1006"
    agentId = "agent-2"
"#;

async fn rig() -> Rig {
    Rig::start_with(|options| options.tenant = tenant_with(PAST)).await
}

async fn form(rig: &Rig, token: &str, interaction: &str) -> crate::support::Answer {
    let path = format!("/api/v2/interactions/{interaction}/postinteractionforms");
    send(rig.request(Method::GET, &path).bearer_auth(token)).await
}

/// Answers a call, and hangs up.
async fn lead(rig: &Rig, token: &str, call: &str) -> Value {
    let mut socket = rig.control(token, call, &["hangup"]).await;
    say(&mut socket, json!({"action": "hangup"})).await;
    events_until_close(&mut socket).await;
    rig.ended(call).await
}

#[tokio::test]
async fn the_forms_of_the_past_are_served() {
    let rig = rig().await;
    let token = rig.token().await;
    let found = form(&rig, &token, "int-1001").await;
    assert_eq!(
        (found.status, found.body),
        (
            200,
            json!({"interactionId": "int-1001",
                "responses": [{"fieldName": "overall_satisfaction", "value": "1"}]})
        )
    );
    let none = form(&rig, &token, "int-1006").await;
    none.refused(404, "not_found")
        .mentions("the interaction \"int-1006\" has no form");
    let unknown = form(&rig, &token, "int-7").await;
    unknown
        .refused(404, "not_found")
        .mentions("there is no interaction \"int-7\"");
    form(&rig, &token, &"x".repeat(200))
        .await
        .refused(400, "bad_request");
    let lacking = rig.token_of(BOB, "").await;
    form(&rig, &lacking, "int-1001")
        .await
        .refused(403, "forbidden")
        .mentions("interaction:read");
}

#[tokio::test]
async fn a_call_that_was_answered_is_an_interaction_with_the_form_it_was_given() {
    let rig = rig().await;
    let token = rig.token().await;
    let responses = json!([{"fieldName": "overall_satisfaction", "value": "2"}]);
    rig.place("with", json!({"form": responses, "agentId": "agent-7"}))
        .await;
    let with = lead(&rig, &token, "with").await;
    let id = with["interactionId"].as_str().unwrap();
    assert!(id.starts_with("int-"), "{id}");
    let found = form(&rig, &token, id).await;
    assert_eq!(found.body, json!({"interactionId": id, "responses": responses}));

    rig.place("without", json!({})).await;
    let without = lead(&rig, &token, "without").await;
    form(&rig, &token, without["interactionId"].as_str().unwrap())
        .await
        .refused(404, "not_found")
        .mentions("has no form");

    rig.place("unanswered", json!({"form": responses})).await;
    send(rig.admin(Method::DELETE, "/center/v1/calls/unanswered")).await;
    let unanswered = rig.ended("unanswered").await;
    assert!(unanswered.get("interactionId").is_none(), "{unanswered}");
}

#[tokio::test]
async fn a_caller_who_is_erased_takes_the_answers_along() {
    let rig = rig().await;
    let token = rig.token().await;
    let responses = json!([{"fieldName": "comment", "value": "my name is Dana"}]);
    rig.place("c", json!({"form": responses, "ani": "+15550100"}))
        .await;
    let call = lead(&rig, &token, "c").await;
    let id = call["interactionId"].as_str().unwrap();

    let data = rig.folder.path().join("data");
    let store = Store::open(&Location::Sqlite(data.join("trunkline.db")))
        .await
        .unwrap();
    let erased = erase_caller(&store, &data, "+15550100").await.unwrap();
    assert_eq!(erased.records, 1);
    let kept = store.record("interaction", id).await.unwrap().unwrap();
    assert!(!kept.body.contains("Dana"), "{}", kept.body);
    store.close().await;
    form(&rig, &token, id)
        .await
        .refused(404, "not_found")
        .mentions("has no form");
}
