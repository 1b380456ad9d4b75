//! Completions in, tasks and notifications out, through `trunkline serve` with the center that is in it.

use crate::{
    postgres::Database,
    service::{Answer, Service, exchange, head, quick_tenant},
    support::{json, run, stderr, stdout, wait_for},
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use std::{
    fs,
    path::Path,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

const SOURCE: &str = "interaction-completed";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLlow";

fn complete(service: &Service, interaction: &str) -> Answer {
    service.send(
        SOURCE,
        &json!({"interactionId": interaction, "agentId": "agent-1"}),
    )
}

/// What `tasks show` says once the interaction is in this state.
fn story(folder: &Path, more: &[&str], interaction: &str, state: &str) -> Value {
    wait_for(&format!("{interaction}: {state}"), || {
        let output = run(
            folder,
            &[&["--json", "tasks", "show", interaction], more].concat(),
        );
        let story: Value = serde_json::from_str(&stdout(&output)).ok()?;
        (story["state"] == state).then_some(story)
    })
}

/// The tasks of an interaction, by the platform's own interface.
fn tasks(service: &Service, interaction: &str) -> Vec<Value> {
    let token = token(service);
    let path = format!("/api/v2/workflows/tasks?interactionId={interaction}");
    let head = head("GET", &path, &[("Authorization", &format!("Bearer {token}"))]);
    let answer = exchange(&service.address, &head, b"");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page: Value = serde_json::from_str(&answer.body).unwrap();
    page["entities"].as_array().unwrap().clone()
}

fn token(service: &Service) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        service.environment["CLIENT_ID"], service.environment["CLIENT_SECRET"]
    );
    let length = form.len().to_string();
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", &length),
    ];
    let answer = exchange(
        &service.address,
        &head("POST", "/oauth/token", &headers),
        form.as_bytes(),
    );
    let token: Value = serde_json::from_str(&answer.body).unwrap();
    token["access_token"].as_str().unwrap().to_owned()
}

/// What an agent's desktop shows.
fn desk(service: &Service, agent: &str) -> Value {
    let head = format!(
        "GET /agent/{agent}/desk HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        service.address
    );
    let answer = exchange(&service.address, &head, b"");
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn every_score(folder: &Path, more: &[&str]) {
    let service = Service::start_with_center(folder, more);
    for number in 1001..=1006 {
        let answer = complete(&service, &format!("int-{number}"));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"received":true}"#)
        );
    }
    let database = more;
    for (interaction, state, priority) in [
        ("int-1001", "done", Some("High")),
        ("int-1002", "done", Some("High")),
        ("int-1003", "done", Some("Medium")),
        ("int-1004", "no_task", None),
        ("int-1005", "no_task", None),
        ("int-1006", "no_form", None),
    ] {
        story(folder, database, interaction, state);
        let tasks = tasks(&service, interaction);
        let priorities: Vec<&str> = tasks
            .iter()
            .map(|task| task["priority"].as_str().unwrap())
            .collect();
        assert_eq!(
            priorities,
            priority.into_iter().collect::<Vec<_>>(),
            "{interaction}"
        );
    }
    let desk = desk(&service, "agent-1");
    assert_eq!(desk["tasks"].as_array().unwrap().len(), 3, "{desk}");
    assert_eq!(desk["notifications"].as_array().unwrap().len(), 3, "{desk}");

    // The same interactions again, also by another event: nothing happens.
    let again = json!({"interactionId": "int-1001", "agentId": "agent-2", "eventId": "another"});
    service.accept(SOURCE, &again);
    assert_eq!(tasks(&service, "int-1001").len(), 1);

    let listed = run(folder, &[&["--json", "tasks", "list"], database].concat());
    let listed: Value = serde_json::from_str(&stdout(&listed)).unwrap();
    assert_eq!(listed["interactions"].as_array().unwrap().len(), 6);
    service.close();
    let verified = run(folder, &[&["audit", "verify"], database].concat());
    assert!(
        verified.status.success(),
        "{}{}",
        stdout(&verified),
        stderr(&verified)
    );
}

#[test]
fn every_score_of_the_demo_tenant_is_followed_up() {
    let folder = tempfile::tempdir().unwrap();
    every_score(folder.path(), &[]);
}

#[test]
fn every_score_is_followed_up_on_postgresql() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    every_score(folder.path(), &["--database", database.url()]);
}

#[test]
fn what_is_no_completion_is_refused_with_every_fault() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    let error = |body: &str| {
        let answer = service.post(SOURCE, &[], body.as_bytes());
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["error"], body["message"]);
        assert!(body["correlationId"].is_string());
        answer.errors()
    };
    assert_eq!(error("{}"), ["interactionId is missing", "agentId is missing"]);
    assert_eq!(error(r#"{"interactionId":"int-1"}"#), ["agentId is missing"]);
    assert_eq!(
        error(r#"{"interactionId":7,"agentId":["a"],"completedAt":"noon","eventId":""}"#),
        [
            "eventId must be 1 to 128 bytes long, without control characters",
            "interactionId must be a text, not the number 7",
            "agentId must be a text, not a list",
            "completedAt must be a time such as 2026-11-21T09:30:00.000Z, not \"noon\"",
        ]
    );
    assert_eq!(
        error(r#"{"interactionId":"","agentId":"a"}"#),
        ["interactionId must not be empty"]
    );
    assert_eq!(
        error(r#"{"interactionId":"..","agentId":"a"}"#),
        ["interactionId can't stand in an address; use another one"]
    );
    assert_eq!(error("[]"), ["the body must be a JSON object, not a list"]);
    assert_eq!(
        error("score=2"),
        ["the body must be a JSON object, not the number 2"]
    );
    assert!(error("score: 2")[0].starts_with("the body is not JSON"));
    let deep = format!(
        r#"{{"interactionId":"i","agentId":"a","x":{}1{}}}"#,
        "[".repeat(100),
        "]".repeat(100)
    );
    assert_eq!(error(&deep), ["the body is nested more than 64 deep"]);
    let deeper = format!(
        r#"{{"interactionId":"i","agentId":"a","x":{}"#,
        "[".repeat(100_000)
    );
    assert!(error(&deeper)[0].starts_with("the body is not JSON"));
    let large = service.post(SOURCE, &[], &vec![b' '; 10 * 1024 * 1024]);
    assert_eq!(large.status, 413, "{}", large.body);
    assert_eq!(json(folder.path(), &["tasks", "list"])["interactions"], json!([]));
}

#[test]
fn json_is_taken_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    for (number, kind) in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(r#"{{"interactionId":"int-{number}","agentId":"agent-1"}}"#);
        let answer = service.post(SOURCE, &[("Content-Type", kind)], body.as_bytes());
        assert_eq!(answer.status, 200, "{kind}: {}", answer.body);
    }
}

#[test]
fn completions_must_be_signed_once_secrets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[serve.completions]\nsecrets = ['{SECRET}']\n");
    fs::write(folder.path().join("trunkline.toml"), text).unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    let body = br#"{"interactionId":"int-1001","agentId":"agent-1"}"#;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let signed = |at: i64| {
        let signature = Webhook::new(SECRET).unwrap().sign("msg_1", at, body).unwrap();
        let at = at.to_string();
        let headers = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        service.post(SOURCE, &headers, body).status
    };
    assert_eq!(service.post(SOURCE, &[], body).status, 401);
    assert_eq!(signed(now - 3600), 401, "an old signature");
    assert_eq!(signed(now), 200);
    story(folder.path(), &[], "int-1001", "done");
}

#[test]
fn pages_in_a_browser_can_not_send_completions() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    let body = br#"{"interactionId":"int-1001","agentId":"agent-1"}"#;
    for header in [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = service.post(SOURCE, &[header, ("Content-Type", "text/plain")], body);
        assert_eq!(answer.status, 403, "{header:?}");
    }
    assert_eq!(json(folder.path(), &["tasks", "list"])["interactions"], json!([]));
}

/// Has the center fail at a path, until it is told otherwise.
fn fault(service: &Service, fault: &Value) {
    admin(service, "POST", "/center/v1/faults", &fault.to_string());
}

fn admin(service: &Service, method: &str, path: &str, body: &str) {
    let authorization = format!("Bearer {}", service.environment["TRUNKLINE_ADMIN_TOKEN"]);
    let length = body.len().to_string();
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Length", &length),
    ];
    let answer = exchange(&service.address, &head(method, path, &headers), body.as_bytes());
    assert!((200..300).contains(&answer.status), "{}", answer.body);
}

const QUICK: &str = "[serve]\nschedule = '50ms, 50ms, 100ms'\n";

#[test]
fn while_the_forms_fail_they_are_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("trunkline.toml"),
        QUICK.replace("100ms", "10s"),
    )
    .unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    fault(
        &service,
        &json!({"path": "/api/v2/interactions", "status": 500, "times": 2}),
    );
    complete(&service, "int-1001");
    let failing = story(folder.path(), &[], "int-1001", "retrying");
    assert!(
        failing["form"]["error"].as_str().unwrap().contains("500"),
        "{failing}"
    );
    admin(&service, "DELETE", "/center/v1/faults", "");
    story(folder.path(), &[], "int-1001", "done");
    assert_eq!(tasks(&service, "int-1001").len(), 1);
}

#[test]
fn while_notifications_are_down_the_task_stands_and_the_agent_is_told_later() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("trunkline.toml"), QUICK).unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    fault(
        &service,
        &json!({"path": "/api/v2/notifications", "status": 500, "times": 4}),
    );
    complete(&service, "int-1001");
    let failed = story(folder.path(), &[], "int-1001", "failed");
    let notification = &failed["tasks"][0]["notification"];
    assert_eq!(
        (&notification["state"], &notification["failures"]),
        (&json!("dead"), &json!(4))
    );
    assert_eq!(tasks(&service, "int-1001").len(), 1);
    admin(&service, "DELETE", "/center/v1/faults", "");
    assert_eq!(
        json(folder.path(), &["tasks", "replay", "int-1001"])["replayed"],
        1
    );
    story(folder.path(), &[], "int-1001", "done");
    assert_eq!(
        desk(&service, "agent-1")["notifications"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(tasks(&service, "int-1001").len(), 1);
}

#[test]
fn rules_that_change_under_a_running_service_hold_unless_they_have_faults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let rules = "name = 'x'\n[field.score]\nform = 'overall_satisfaction'\nkind = 'number'\n\
        [[rule]]\nname = 'all'\n[[rule.task]]\ndue = '4 hours'\nsubject = 'First'\n";
    fs::write(&file, rules).unwrap();
    let service = Service::start_with_center(folder.path(), &["--rules", "rules.toml"]);
    let noted = |action: &str| {
        wait_for(action, || {
            let listed = json(folder.path(), &["audit", "list", "--action", action]);
            let entries = listed["entries"].as_array().unwrap().clone();
            (!entries.is_empty()).then_some(entries)
        })
    };
    fs::write(
        &file,
        rules.replace("'number'", "'nomber'").replace("4 hours", "4 ours"),
    )
    .unwrap();
    let why = noted("rules.refused")[0]["detail"]["why"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        why.contains("rules.toml:4:") && why.contains("rules.toml:8:"),
        "{why}"
    );
    complete(&service, "int-1001");
    story(folder.path(), &[], "int-1001", "done");
    assert_eq!(tasks(&service, "int-1001")[0]["subject"], "First");

    fs::write(&file, rules.replace("First", "Second")).unwrap();
    noted("rules.loaded");
    complete(&service, "int-1002");
    story(folder.path(), &[], "int-1002", "done");
    assert_eq!(tasks(&service, "int-1002")[0]["subject"], "Second");
}

fn a_thousand_times(folder: &Path, more: &[&str]) {
    let service = Service::start_with_center(folder, more);
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(complete(&service, "int-1002").status, 200);
                }
            });
        }
    });
    story(folder, more, "int-1002", "done");
    assert_eq!(tasks(&service, "int-1002").len(), 1);
    assert_eq!(
        desk(&service, "agent-1")["notifications"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_thousand_times_the_same_at_once_is_one_task_and_one_notification() {
    let folder = tempfile::tempdir().unwrap();
    a_thousand_times(folder.path(), &[]);
}

#[test]
fn a_thousand_times_the_same_at_once_is_one_task_on_postgresql() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    a_thousand_times(folder.path(), &["--database", database.url()]);
}

#[test]
fn rules_of_a_file_hold_and_those_with_faults_do_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "name = 'x'\n[field.score]\nform = 'overall_satisfaction'\nkind = 'number'\n\
        [[rule]]\nname = 'all'\n[[rule.task]]\ndue = '4 hours'\npriority = 'Critical'\nsubject = 'Call {interaction_id}'\n";
    fs::write(folder.path().join("rules.toml"), rules).unwrap();
    let service = Service::start_with_center(folder.path(), &["--rules", "rules.toml"]);
    complete(&service, "int-1005");
    story(folder.path(), &[], "int-1005", "done");
    let task = tasks(&service, "int-1005").pop().unwrap();
    assert_eq!(
        (&task["priority"], &task["subject"]),
        (&json!("Critical"), &json!("Call int-1005"))
    );
    service.close();

    fs::write(
        folder.path().join("rules.toml"),
        rules.replace("{interaction_id}", "{interaktion}"),
    )
    .unwrap();
    let refused = run(
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0", "--rules", "rules.toml"],
    );
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("rules.toml:10:"),
        "{}",
        stderr(&refused)
    );
}

fn failed_for_good(folder: &Path, more: &[&str]) {
    fs::write(folder.join("trunkline.toml"), QUICK).unwrap();
    let service = Service::start_with_center(folder, more);
    // agent-9 is not active, and the rules name nobody else.
    let body = json!({"interactionId": "int-1001", "agentId": "agent-9"});
    service.accept(SOURCE, &body);
    let failed = story(folder, more, "int-1001", "failed");
    let why = failed["tasks"][0]["creation"]["error"].as_str().unwrap();
    assert!(why.contains("agent-9"), "{why}");
    let listed = json(folder, &[&["tasks", "list", "--failed"], more].concat());
    assert_eq!(listed["interactions"][0]["interactionId"], "int-1001");
    service.close();

    // Somebody mends it, and has it done again.
    let tenant = quick_tenant(folder).replace("active = false", "active = true");
    fs::write(folder.join("tenant.toml"), tenant).unwrap();
    let service = Service::start_with_center(folder, more);
    let replayed = json(folder, &[&["tasks", "replay", "--failed"], more].concat());
    assert_eq!(replayed["replayed"], 1);
    story(folder, more, "int-1001", "done");
    assert_eq!(tasks(&service, "int-1001")[0]["assigneeId"], "agent-9");
    let nothing = run(folder, &[&["tasks", "replay", "int-1006"], more].concat());
    assert_eq!(nothing.status.code(), Some(1));
}

#[test]
fn what_failed_for_good_is_listed_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    failed_for_good(folder.path(), &[]);
}

#[test]
fn what_failed_for_good_is_listed_and_can_be_done_again_on_postgresql() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    failed_for_good(folder.path(), &["--database", database.url()]);
}
