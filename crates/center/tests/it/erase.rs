//! Erasing a caller: what came of the call goes, too.

use crate::{
    desktop::{TASKS, new_task},
    support::{Rig, hello, say, send},
};
use center::erase_caller;
use reqwest::Method;
use serde_json::{Value, json};
use store::{EntryFilter, Location, Store};

const NOTIFICATIONS: &str = "/api/v2/notifications/agents";

/// All that desktops, the API and the audit log say.
async fn everything(rig: &Rig, store: &Store, token: &str) -> String {
    let mut all = String::new();
    for agent in ["agent-1", "agent-2"] {
        all += &rig.desk(agent).await.to_string();
    }
    all += &rig.api(token, Method::GET, TASKS, &Value::Null).await.text;
    for kind in ["task", "desk-event", "notification"] {
        let records = store.records(kind, 1000).await.unwrap();
        all.extend(records.into_iter().map(|record| record.body));
    }
    let entries = store.entries(&EntryFilter::default(), 1000).await.unwrap();
    let texts = entries.into_iter().flat_map(|entry| entry.texts);
    all.extend(texts.map(|text| text.value));
    all
}

#[tokio::test]
async fn what_came_of_a_call_is_erased_with_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("shared.db"));
    let store = Store::open(&location).await.unwrap();
    let given = store.clone();
    let rig = Rig::start_with(|options| options.store = Some(given)).await;
    let token = rig.token().await;
    rig.place("c-1", json!({"ani": "+15550100"})).await;
    let mut socket = rig.dial(&token).await.unwrap();
    say(&mut socket, hello("c-1", &["play"])).await;
    drop(socket);
    let ended = send(rig.admin(Method::DELETE, "/center/v1/calls/c-1")).await;
    assert!(ended.status < 300, "{}", ended.text);
    let call = rig.ended("c-1").await;
    let interaction = call["interactionId"].as_str().expect("it was answered");

    let fields = json!([{"id": "interaction_id_link", "value": interaction}, {"id": "rule", "value": "unhappy"},
                        {"id": "comment", "value": "Dana was rude to"}]);
    let mut task = new_task("agent-1", json!({"customFields": fields}));
    task["subject"] = json!("Call Dana back");
    task["description"] = json!("Dana waited for an hour");
    let id = rig.create(&token, &task).await;
    rig.deed("agent-1", &id, "accept", Value::Null).await;
    rig.patch(&token, &id, json!({"note": "Dana hung up"})).await;
    let tell = |message: &str| json!({"agentId": "agent-1", "message": message, "type": "desktop"});
    let about = tell("New task, priority High: Call Dana back");
    rig.api(&token, Method::POST, NOTIFICATIONS, &about).await;
    let other = tell("The canteen is closed");
    rig.api(&token, Method::POST, NOTIFICATIONS, &other).await;
    let other = new_task("agent-2", json!({"subject": "Call Kim back"}));
    rig.create(&token, &other).await;
    assert!(everything(&rig, &store, &token).await.contains("Dana"));

    let data = rig.folder.path().join("data");
    let erased = erase_caller(&store, &data, "+15550100").await.unwrap();
    assert_eq!((erased.records, erased.tasks, erased.notifications), (1, 1, 1));
    let left = everything(&rig, &store, &token).await;
    assert!(!left.contains("Dana"), "{left}");
    assert!(
        left.contains("Call Kim back") && left.contains("The canteen is closed"),
        "{left}"
    );
    // The agent still has the task, and can close it.
    let done = rig
        .deed("agent-1", &id, "complete", json!({"note": "of no use any more"}))
        .await;
    assert_eq!((done.status, &done.body["subject"]), (200, &json!("erased")));
    rig.center.close().await;
    store.close().await;
}
