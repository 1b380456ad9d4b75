//! Forms, tasks and notifications.

use crate::support::rig;
use client::{Error, FollowUp, testing::Reply};
use wire::{form::Form, notification::NewNotification, task::NewTask};

const FORM: &str =
    r#"{"interactionId":"int-1","responses":[{"fieldName":"overall_satisfaction","value":"2"}]}"#;
const TASK: &str =
    r#"{"subject":"s","dueDate":"2026-11-23T09:30:00.000Z","priority":"High","assigneeId":"agent-1"}"#;

async fn form(reply: fn() -> Reply) -> Result<Option<Form>, Error> {
    let (_, transport) = rig(move |_, _| reply());
    FollowUp::new(&transport).form(&"int-1".parse().unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_form_is_read() {
    let read = form(|| Reply::answer(200, FORM)).await.unwrap().unwrap();
    assert_eq!(read.value("overall_satisfaction").unwrap().unwrap(), "2");
}

#[tokio::test(start_paused = true)]
async fn no_form_is_no_error() {
    assert_eq!(form(|| Reply::answer(404, "")).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_none_is_told_with_every_fault() {
    let error = form(|| Reply::answer(200, r#"{"responses":[1]}"#))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer of platform.example is not understood: the form has faults: interactionId is missing; responses[0] \
         must be an object, not the number 1; check that the address is a v2 platform's"
    );
    assert!(form(|| Reply::answer(200, "<html>")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn tasks_and_notifications_carry_the_key_that_is_given() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::answer(503, ""),
        _ => Reply::answer(201, r#"{"id":"made-1"}"#),
    });
    let follow_up = FollowUp::new(&transport);
    let task = NewTask::parse(TASK).unwrap();
    let made = follow_up
        .create_task(&task, "key-1".parse().unwrap())
        .await
        .unwrap();
    assert_eq!((made.id.as_str(), made.assignee_id), ("made-1", None));
    let told = NewNotification::parse(r#"{"agentId":"agent-1","message":"m","type":"desktop"}"#).unwrap();
    follow_up.notify(&told, "key-2".parse().unwrap()).await.unwrap();
    let keys = |path| {
        let seen = http.seen_at(path);
        let key = |seen: &client::testing::Seen| {
            seen.request.headers()["idempotency-key"]
                .to_str()
                .unwrap()
                .to_owned()
        };
        seen.iter().map(key).collect::<Vec<_>>()
    };
    assert_eq!(keys("/api/v2/workflows/tasks"), ["key-1", "key-1"]);
    assert_eq!(keys("/api/v2/notifications/agents"), ["key-2"]);
}
