//! Follow-up tasks and notifications (contract section 7).

use crate::{
    desktop::{TASKS, linked, new_task},
    support::{ALICE, Answer, BOB, Rig, send, tenant_with},
};
use futures_util::future::join_all;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};
use store::{Clock, EntryFilter, Location, Settings, Store};

const NOTIFICATIONS: &str = "/api/v2/notifications/agents";

#[tokio::test]
async fn a_task_is_created_found_and_listed_as_the_contract_says() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let task = new_task(
        "agent-1",
        json!({"customFields": [{"id": "interaction_id_link", "value": "int-1"}]}),
    );
    let created = rig.api(&token, Method::POST, TASKS, &task).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.header("location"), format!("{TASKS}/{id}"));
    assert_eq!(
        (&created.body["state"], &created.body["interactionId"]),
        (&json!("offered"), &json!("int-1"))
    );
    let found = rig
        .api(&token, Method::GET, created.header("location"), &Value::Null)
        .await;
    assert_eq!(found.body, created.body);

    rig.create(&token, &new_task("agent-2", json!({}))).await;
    for (query, count) in [
        ("", 2),
        ("?interactionId=int-1", 1),
        ("?interactionId=int-1&assigneeId=&state=&pageSize=&pageNumber=", 1),
        ("?assigneeId=agent-2", 1),
        ("?assigneeId=agent-2&interactionId=int-1", 0),
        ("?state=offered", 2),
        ("?state=completed", 0),
        ("?interactionId=int-1&assigneeId=agent-1&state=offered", 1),
    ] {
        let listed = rig
            .api(&token, Method::GET, &format!("{TASKS}{query}"), &Value::Null)
            .await;
        assert_eq!(listed.body["totalCount"], count, "{query}: {}", listed.text);
        assert_eq!(
            listed.body["entities"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    let none = rig
        .api(&token, Method::GET, &format!("{TASKS}/task-0"), &Value::Null)
        .await;
    none.refused(404, "not_found").mentions("task-0");
}

#[tokio::test]
async fn all_faults_of_a_request_are_told_at_once() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let faults = async |method: Method, path: &str, body: Value| {
        let answer = rig.api(&token, method, path, &body).await;
        answer.refused(400, "bad_request");
        answer.body["errors"].clone()
    };
    let task = new_task("agent-9", json!({"dueDate": "soon", "priority": "urgent"}));
    let told = faults(Method::POST, TASKS, task).await;
    let due = "dueDate must be a time such as 2026-11-21T09:30:00.000Z, not \"soon\"";
    let priority = "priority must be one of Low, Normal, Medium, High, Critical, not \"urgent\"";
    assert_eq!(told, json!([due, priority, "assigneeId: agent-9 is not active"]));
    let told = faults(Method::POST, TASKS, new_task("nobody", json!({}))).await;
    assert_eq!(told, json!(["assigneeId: there is no agent \"nobody\""]));
    let query = format!("{TASKS}?assigneeId=a%00&state=lost&pageSize=0");
    assert_eq!(
        faults(Method::GET, &query, Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let notification = json!({"agentId": "agent-9", "message": "", "type": "desktop"});
    let told = faults(Method::POST, "/api/v2/notifications/agents", notification).await;
    assert_eq!(
        told,
        json!(["agentId: agent-9 is not active", "message must not be empty"])
    );

    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    let path = format!("{TASKS}/{id}");
    let told = faults(Method::PATCH, &path, json!({"assigneeId": "agent-9"})).await;
    assert_eq!(told, json!(["assigneeId: agent-9 is not active"]));
    let past = json!({"state": "snoozed", "snoozedUntil": "2020-01-01T00:00:00Z"});
    assert_eq!(
        faults(Method::PATCH, &path, past).await.as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_token_without_the_scope_is_refused() {
    let rig = Rig::start().await;
    let token = rig.token_of(BOB, "").await;
    for (method, path, scope) in [
        (Method::POST, TASKS, "workflow:task:create"),
        (Method::GET, TASKS, "workflow:task:create"),
        (
            Method::PATCH,
            "/api/v2/workflows/tasks/task-1",
            "workflow:task:create",
        ),
        (Method::POST, "/api/v2/notifications/agents", "notification:write"),
    ] {
        let refused = rig.api(&token, method, path, &json!({})).await;
        refused.refused(403, "forbidden").mentions(scope);
    }
}

#[tokio::test]
async fn pages_lead_to_every_task_newest_first() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(rig.create(&token, &new_task("agent-1", json!({}))).await);
    }
    created.reverse();
    let mut path = Some(format!("{TASKS}?assigneeId=agent-1&pageSize=2"));
    let (mut listed, mut pages) = (Vec::new(), 0);
    while let Some(next) = path {
        let page = rig.api(&token, Method::GET, &next, &Value::Null).await;
        let entities = page.body["entities"].as_array().unwrap().clone();
        listed.extend(
            entities
                .iter()
                .map(|task| task["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        assert_eq!(
            (&page.body["totalCount"], &page.body["pageNumber"]),
            (&json!(5), &json!(pages))
        );
        path = page.body["nextUri"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, 3);
    // Those of one millisecond are in any order.
    assert_eq!(listed.iter().collect::<HashSet<_>>(), created.iter().collect());
    assert_eq!(listed.len(), 5);
}

#[tokio::test]
async fn five_hundred_at_once_for_one_interaction_and_rule_are_one_task() {
    let rig = Rig::start_with(|options| options.limits = "off".parse().unwrap()).await;
    let token = rig.token().await;
    let task = new_task("agent-1", linked("int-1", "unhappy"));
    let answers = join_all((0..500).map(|_| rig.api(&token, Method::POST, TASKS, &task))).await;
    let ids: HashSet<&str> = answers
        .iter()
        .map(|answer| answer.body["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 1);
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((created, given), (1, 499));
    assert_eq!(rig.on_desk("agent-1").await.len(), 1);
    assert_eq!(rig.desk("agent-1").await["cursor"], 1);

    // Another rule, and the same one when the task is closed, are another task.
    let other = rig
        .create(&token, &new_task("agent-1", linked("int-1", "very unhappy")))
        .await;
    let first = answers[0].body["id"].as_str().unwrap();
    assert_ne!(other, first);
    assert_eq!(
        rig.patch(&token, first, json!({"state": "canceled"}))
            .await
            .status,
        200
    );
    let anew = rig.create(&token, &task).await;
    assert!(anew != first && anew != other);
}

#[tokio::test]
async fn a_key_is_remembered_over_a_restart() {
    let rig = Rig::start().await;
    let post = async |rig: &Rig, path: &str, key: &str, body: &Value| {
        let token = rig.token_of(ALICE, "").await;
        let request = rig
            .request(Method::POST, path)
            .bearer_auth(token)
            .header("idempotency-key", key);
        send(request.body(body.to_string())).await
    };
    let told = "/api/v2/notifications/agents";
    let task = new_task("agent-1", linked("int-1", "unhappy"));
    let notification =
        json!({"agentId": "agent-1", "message": "Look!", "type": "desktop", "priority": "high"});
    let first = post(&rig, TASKS, "k", &task).await;
    let notified = post(&rig, told, "k", &notification).await;
    // It was there already, and is given for this key from now on.
    let open = post(&rig, TASKS, "other", &task).await;
    assert_eq!((first.status, notified.status, open.status), (201, 201, 200));
    let id = first.body["id"].as_str().unwrap();

    let rig = rig.restarted(|_| {}).await;
    let token = rig.token().await;
    assert_eq!(
        rig.patch(&token, id, json!({"state": "completed"})).await.status,
        200
    );
    for (key, status) in [("k", 201), ("other", 200)] {
        let again = post(&rig, TASKS, key, &task).await;
        assert_eq!(
            (again.status, &again.body["id"]),
            (status, &first.body["id"]),
            "{}",
            again.text
        );
        assert_eq!(again.body["state"], "completed");
    }
    let again = post(&rig, told, "k", &notification).await;
    assert_eq!((again.status, &again.body), (201, &notified.body));
    assert_eq!(
        rig.desk("agent-1").await["notifications"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let rig = rig.restarted(|_| {}).await;
    let other = new_task("agent-2", json!({}));
    post(&rig, TASKS, "k", &other).await.refused(422, "unprocessable");
    let other = json!({"agentId": "agent-1", "message": "Look again!", "type": "desktop"});
    post(&rig, told, "k", &other).await.refused(422, "unprocessable");
}

#[tokio::test]
async fn a_step_that_the_house_repeats_after_a_restart_is_one_step() {
    let post = async |rig: &Rig| {
        let house = rig.center.house_credentials();
        let secret = house.client_secret.expose_secret();
        let token = rig.token_of((house.client_id.as_str(), secret), "").await;
        let request = rig
            .request(Method::POST, NOTIFICATIONS)
            .bearer_auth(token)
            .header("idempotency-key", "k");
        let body = json!({"agentId": "agent-1", "message": "Look!", "type": "desktop"});
        send(request.body(body.to_string())).await
    };
    let rig = Rig::start().await;
    let first = post(&rig).await;
    let rig = rig.restarted(|_| {}).await;
    let again = post(&rig).await;
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn what_was_refused_can_be_mended_under_its_key() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let post = async |path: &str, body: &Value| {
        let request = rig.request(Method::POST, path).bearer_auth(&token);
        send(request.header("idempotency-key", "k").body(body.to_string())).await
    };
    let task = |agent: &str| new_task(agent, json!({}));
    post(TASKS, &task("agent-9")).await.refused(400, "bad_request");
    assert_eq!(post(TASKS, &task("agent-1")).await.status, 201);
    // What was made counts, whatever is wrong with another body.
    post(TASKS, &task("agent-9")).await.refused(422, "unprocessable");
    let tell = |agent: &str| json!({"agentId": agent, "message": "Look!", "type": "desktop"});
    post(NOTIFICATIONS, &tell("agent-9"))
        .await
        .refused(400, "bad_request");
    assert_eq!(post(NOTIFICATIONS, &tell("agent-1")).await.status, 201);
    post(NOTIFICATIONS, &tell("agent-9"))
        .await
        .refused(422, "unprocessable");

    for bad in ["", "tab\there"] {
        let request = rig.request(Method::POST, TASKS).bearer_auth(&token);
        let request = request.header("idempotency-key", bad);
        let refused = send(request.body(task("agent-1").to_string())).await;
        refused.refused(400, "bad_request").mentions("Idempotency-Key");
    }
}

#[tokio::test]
async fn a_hundred_at_once_with_one_key_are_one_notification() {
    let rig = Rig::start_with(|options| options.limits = "off".parse().unwrap()).await;
    let token = rig.token().await;
    let body = json!({"agentId": "agent-1", "message": "Look!", "type": "desktop"}).to_string();
    let post = || {
        let request = rig.request(Method::POST, NOTIFICATIONS).bearer_auth(&token);
        send(request.header("idempotency-key", "k").body(body.clone()))
    };
    let answers = join_all((0..100).map(|_| post())).await;
    let ids: HashSet<&str> = answers
        .iter()
        .map(|answer| answer.body["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 1);
    let is_first = |answer: &&Answer| answer.header("idempotency-replayed").is_empty();
    assert_eq!(answers.iter().filter(is_first).count(), 1);
    let desk = rig.desk("agent-1").await;
    assert_eq!(desk["notifications"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let clock = Clock::steered(now_ms - 25 * 3_600_000);
    let settings = Settings {
        clock: clock.clone(),
        ..Settings::default()
    };
    let location = Location::Sqlite(folder.path().join("shared.db"));
    let store = Store::open_with(&location, settings).await.unwrap();
    let create = async || {
        let given = store.clone();
        let rig = Rig::start_with(move |options| options.store = Some(given)).await;
        let request = rig.request(Method::POST, TASKS).bearer_auth(rig.token().await);
        let body = new_task("agent-1", json!({})).to_string();
        let answer = send(request.header("idempotency-key", "k").body(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        rig.center.close().await;
        answer.body["id"].as_str().unwrap().to_owned()
    };
    let yesterday = create().await;
    clock.pass(Duration::from_secs(25 * 3600));
    let today = create().await;
    assert_ne!(today, yesterday);
    assert_eq!(create().await, today);
    store.close().await;
}

#[tokio::test]
async fn programs_change_tasks_and_are_told_why_not() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    let moved = rig
        .patch(
            &token,
            &id,
            json!({"assigneeId": "agent-2", "note": "speaks French"}),
        )
        .await;
    assert_eq!(
        (moved.status, &moved.body["assigneeId"]),
        (200, &json!("agent-2")),
        "{}",
        moved.text
    );
    assert!(rig.on_desk("agent-1").await.is_empty());
    assert_eq!(rig.on_desk("agent-2").await, [id.as_str()]);
    let queued = rig.patch(&token, &id, json!({"state": "queued"})).await;
    assert_eq!(queued.body["assigneeId"], Value::Null);
    assert_eq!(rig.on_desk("agent-1").await, [id.as_str()]);
    let done = rig.patch(&token, &id, json!({"state": "completed"})).await;
    assert_eq!(done.status, 200);
    let refused = rig.patch(&token, &id, json!({"state": "accepted"})).await;
    refused
        .refused(409, "conflict")
        .mentions("a task that is completed can't become accepted");
}

#[tokio::test]
async fn two_centers_over_one_store_agree() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Sqlite(folder.path().join("shared.db")))
        .await
        .unwrap();
    let start = async || {
        let store = store.clone();
        Rig::start_with(move |options| {
            options.store = Some(store);
            options.limits = "off".parse().unwrap();
        })
        .await
    };
    let (one, two) = (start().await, start().await);
    let tokens = [one.token().await, two.token().await];
    let rigs = [&one, &two];
    // For another agent each, so that the desktops' numbers are not what decides.
    for round in 0..10 {
        let linked = linked(&format!("int-{round}"), "unhappy");
        let bodies = ["agent-1", "agent-2"].map(|agent| new_task(agent, linked.clone()));
        let create = |at: usize| rigs[at % 2].api(&tokens[at % 2], Method::POST, TASKS, &bodies[at % 2]);
        let answers = join_all((0..8).map(create)).await;
        let ids: HashSet<&str> = answers
            .iter()
            .map(|answer| answer.body["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), 1, "{round}");
    }

    // Each has its own locks: that events are numbered without a gap is the store's doing.
    let tasks = join_all((0..40).map(|at| {
        let (rig, token) = (rigs[at % 2], &tokens[at % 2]);
        async move { rig.create(token, &new_task("agent-2", json!({}))).await }
    }))
    .await;
    let last = two.desk("agent-2").await["cursor"].as_i64().unwrap();
    let mut stream = two.follow("agent-2", last - 40).await;
    let mut told = HashSet::new();
    for number in last - 39..=last {
        let event = stream.next().await.unwrap();
        assert_eq!(event.id, number);
        told.insert(event.data["task"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, tasks.iter().cloned().collect());

    // One accept wins, wherever it is said; the other center's desktop learns of it.
    let mut stream = two.follow("agent-2", last).await;
    for task in &tasks[..2] {
        let both = join_all(rigs.map(|rig| rig.deed("agent-2", task, "accept", Value::Null))).await;
        let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status).collect();
        statuses.sort();
        assert_eq!(statuses, [200, 409], "{} {}", both[0].text, both[1].text);
        let event = stream.next().await.unwrap();
        assert_eq!(
            (&event.data["what"], &event.data["task"]["id"]),
            (&json!("accepted"), &json!(task))
        );
    }
    one.center.close().await;
    two.center.close().await;
    store.close().await;
}

#[tokio::test]
async fn the_audit_log_tells_of_tasks_without_personal_data() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Sqlite(folder.path().join("shared.db")))
        .await
        .unwrap();
    let given = store.clone();
    let rig = Rig::start_with(move |options| options.store = Some(given)).await;
    let token = rig.token().await;
    let mut task = new_task("agent-1", linked("int-1", "unhappy"));
    task["subject"] = json!("Call Dana Premium");
    let id = rig.create(&token, &task).await;
    rig.deed("agent-1", &id, "accept", Value::Null).await;
    let complete = async |note: &str| rig.deed("agent-1", &id, "complete", json!({"note": note})).await;
    complete("Dana is\u{0} happy").await.refused(400, "bad_request");
    assert_eq!(complete("Dana is happy").await.status, 200);
    let notification = json!({"agentId": "agent-1", "message": "Dana waits", "type": "desktop"});
    let sent = rig
        .api(
            &token,
            Method::POST,
            "/api/v2/notifications/agents",
            &notification,
        )
        .await;
    assert_eq!(sent.status, 201);

    let about = async |subject: &str| {
        let filter = EntryFilter {
            subject: Some(subject.into()),
            ..EntryFilter::default()
        };
        store.entries(&filter, 100).await.unwrap()
    };
    let entries = about("int-1").await;
    let leaves: Vec<&str> = entries.iter().filter_map(|entry| entry.leaf.as_deref()).collect();
    let read: Vec<Value> = leaves
        .iter()
        .map(|leaf| serde_json::from_str(leaf).unwrap())
        .collect();
    let actions: Vec<&str> = read
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        ["task.created", "task.offered", "task.accepted", "task.completed"]
    );
    assert!(
        read.iter()
            .all(|entry| entry["detail"]["taskId"] == *id && entry["correlationId"].is_string())
    );
    assert_eq!(read[0]["detail"]["rule"], "unhappy");
    assert!(leaves.iter().all(|leaf| !leaf.contains("Dana")), "{leaves:?}");
    let texts: Vec<&str> = entries
        .iter()
        .flat_map(|entry| &entry.texts)
        .map(|text| text.value.as_str())
        .collect();
    assert_eq!(texts, ["Call Dana Premium", "Dana is happy"]);
    let sent = about(sent.body["id"].as_str().unwrap()).await;
    assert!(sent[0].leaf.as_ref().unwrap().contains("notification.sent"));
    assert_eq!(sent[0].texts[0].value, "Dana waits");
    rig.center.close().await;
    store.close().await;
}

#[tokio::test]
async fn tasks_of_agents_who_are_gone_after_a_restart_are_passed_on() {
    let with_third =
        || tenant_with("[[agent]]\nid = \"agent-3\"\n[[agent]]\nid = \"agent-4\"\nteam = \"sales\"\n");
    let rig = Rig::start_with(|options| options.tenant = with_third()).await;
    let token = rig.token().await;
    let mut ids = Vec::new();
    for agent in ["agent-3", "agent-4"] {
        let id = rig.create(&token, &new_task(agent, json!({}))).await;
        assert_eq!(rig.deed(agent, &id, "accept", Value::Null).await.status, 200);
        ids.push(id);
    }
    let rig = rig.restarted(|_| {}).await;
    let event = rig.follow("agent-1", 0).await.next().await.unwrap();
    assert_eq!(
        (&event.data["task"]["id"], &event.data["what"]),
        (&json!(ids[0]), &json!("offered"))
    );
    // Nobody is in the other's team any more: a program may still give it to somebody.
    let token = rig.token().await;
    let given = rig.patch(&token, &ids[1], json!({"assigneeId": "agent-2"})).await;
    assert_eq!(given.status, 200, "{}", given.text);
}

#[tokio::test]
async fn a_timer_goes_on_after_a_restart() {
    let quick = || tenant_with("[tasks]\nacceptWithinS = 1\n");
    let rig = Rig::start_with(|options| options.tenant = quick()).await;
    let token = rig.token().await;
    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    let rig = rig.restarted(|options| options.tenant = quick()).await;
    let event = rig.follow("agent-2", 0).await.next().await.unwrap();
    assert_eq!(
        (&event.data["task"]["id"], &event.data["what"]),
        (&json!(id), &json!("offered"))
    );
}
