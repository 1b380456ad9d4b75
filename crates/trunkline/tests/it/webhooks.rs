//! Events out: endpoints, and what becomes of deliveries when receivers are as they are.

mod endpoints;

use crate::{
    receiver::{Receiver, Reply, Request},
    service::Service,
    support::{json, redact, run, stderr, stdout, wait_for},
};
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A folder whose service tries twice more, soon.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "[serve]\nschedule = '50ms, 100ms'\n[[serve.source]]\nname = 'crm'\n";
    fs::write(folder.path().join("trunkline.toml"), text).unwrap();
    folder
}

/// Adds an endpoint; gives its id and secret.
fn add(folder: &Path, url: &str, more: &[&str]) -> (String, String) {
    let added = json(folder, &[&["webhooks", "endpoints", "add", url], more].concat());
    let text = |name: &str| added[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn endpoints(folder: &Path) -> Value {
    json(folder, &["webhooks", "endpoints", "list"])["endpoints"].take()
}

fn deliveries(folder: &Path, more: &[&str]) -> Vec<Value> {
    let listed = json(folder, &[&["webhooks", "list"], more].concat());
    listed["deliveries"].as_array().unwrap().clone()
}

/// The one delivery in this state, once there is one.
fn delivery(folder: &Path, state: &str) -> Value {
    wait_for(&format!("a delivery that is {state}"), || {
        deliveries(folder, &["--state", state]).pop()
    })
}

fn actions(folder: &Path, prefix: &str) -> Vec<String> {
    let listed = json(folder, &["audit", "list", "--action", prefix]);
    let entries = listed["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect()
}

fn event(id: &str) -> Value {
    json!({"eventId": id, "type": "order.paid"})
}

fn event_of(subject: &str, id: &str) -> Value {
    json!({"eventId": id, "type": "order.paid", "subject": subject})
}

/// Whether a standard receiver with this secret takes the request.
fn verifies(request: &Request, secret: &str) -> bool {
    let headers: HeaderMap = request
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let webhook = Webhook::new(secret).unwrap();
    webhook.verify(request.body.as_bytes(), &headers).is_ok()
}

#[test]
fn a_delivery_is_signed_and_during_a_rotation_with_both_secrets() {
    let folder = folder();
    let receiver = Receiver::answering(|_, _| Reply::With(200, "Content-Type: text/html".into(), "<garbage"));
    let (id, old) = add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    let sent = json!({"eventId": "e-1", "type": "order.paid", "n": 1.50, "text": "ä\u{1F600}"});
    service.accept("crm", &sent);
    let first = &receiver.wait_for(1)[0];
    assert!(verifies(first, &old));
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(serde_json::from_str::<Value>(&first.body).unwrap(), sent);

    let rotated = json(folder.path(), &["webhooks", "endpoints", "rotate", &id]);
    let new = rotated["secret"].as_str().unwrap();
    assert!(!verifies(first, new));
    // A rotation is heard of within a second.
    let mut number = 1;
    let both = wait_for("a delivery with two signatures", || {
        number += 1;
        service.accept("crm", &event(&format!("e-{number}")));
        let last = receiver.wait_for(number).pop().unwrap();
        (last.header("webhook-signature").split(' ').count() == 2).then_some(last)
    });
    assert!(verifies(&both, &old) && verifies(&both, new));
    assert_eq!(service.settled()["done"], number);
}

#[test]
fn what_fails_once_is_tried_again_with_the_same_id() {
    let folder = folder();
    let receiver = Receiver::answering(|_, before| Reply::Status(if before == 0 { 500 } else { 204 }));
    let (_, secret) = add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event("e-1"));
    let requests = receiver.wait_for(2);
    assert_eq!(service.settled()["done"], 1);
    assert_eq!(requests[0].webhook_id(), requests[1].webhook_id());
    assert!(requests.iter().all(|request| verifies(request, &secret)));
    let done = &deliveries(folder.path(), &[])[0];
    assert_eq!(
        (&done["state"], &done["failures"], &done["result"]),
        (&json!("done"), &json!(1), &json!("204"))
    );
    assert_eq!(
        actions(folder.path(), "webhook"),
        ["webhook.failed", "webhook.delivered"]
    );
}

#[test]
fn what_always_fails_becomes_a_dead_letter_that_can_be_sent_again() {
    let folder = folder();
    let healed = Arc::new(AtomicBool::new(false));
    let is_healed = healed.clone();
    let receiver = Receiver::start(move |_| {
        if is_healed.load(Ordering::SeqCst) {
            200
        } else {
            500
        }
    });
    let (endpoint, _) = add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept(
        "crm",
        &json!({"eventId": "e-1", "type": "order.paid", "subject": "order-7", "sum": 12}),
    );
    let mut dead = delivery(folder.path(), "dead");
    assert_eq!(receiver.requests().len(), 3);
    let webhook_id = dead["webhookId"].as_str().unwrap().to_owned();
    assert!(
        receiver
            .requests()
            .iter()
            .all(|request| request.webhook_id() == webhook_id)
    );
    let id = dead["id"].to_string();
    redact(
        &mut dead,
        &["id", "endpoint", "webhookId", "acceptedAt", "dueAt", "finishedAt"],
    );
    insta::assert_snapshot!(format!("{dead:#}"), @r#"
    {
      "acceptedAt": "[acceptedAt]",
      "dueAt": "[dueAt]",
      "endpoint": "[endpoint]",
      "error": "given up after 3 attempts; at last, it answers 500",
      "event": "e-1",
      "failures": 3,
      "finishedAt": "[finishedAt]",
      "id": "[id]",
      "result": null,
      "source": "crm",
      "state": "dead",
      "subject": "order-7",
      "webhookId": "[webhookId]"
    }
    "#);
    let mut shown = json(folder.path(), &["webhooks", "show", &id]);
    assert_eq!(shown["body"]["sum"], 12);
    shown["body"].take();
    redact(
        &mut shown,
        &["id", "endpoint", "webhookId", "acceptedAt", "dueAt", "finishedAt"],
    );
    dead["body"] = Value::Null;
    assert_eq!(shown, dead);
    let told = stdout(&run(folder.path(), &["webhooks", "show", &id]));
    for part in [
        &webhook_id,
        "e-1 of crm",
        "given up after 3 attempts",
        r#""sum": 12"#,
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }

    healed.store(true, Ordering::SeqCst);
    assert_eq!(
        json(folder.path(), &["webhooks", "replay", &id]),
        json!({"replayed": 1, "refused": []})
    );
    let requests = receiver.wait_for(4);
    assert_eq!(requests[3].webhook_id(), webhook_id);
    assert_eq!(service.settled()["done"], 1);
    // What was done can be sent once more; what is not there can't.
    let again = run(folder.path(), &["--json", "webhooks", "replay", &id, "4711"]);
    assert_eq!(again.status.code(), Some(1));
    let again: Value = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!(again, json!({"replayed": 1, "refused": [4711]}));
    assert_eq!(receiver.wait_for(5)[4].webhook_id(), webhook_id);
    let none = json(
        folder.path(),
        &["webhooks", "replay", "--dead", "--endpoint", &endpoint],
    );
    assert_eq!(none["replayed"], 0);
    let missing = run(folder.path(), &["webhooks", "show", "4711"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("there is no delivery 4711"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn dead_letters_are_sent_again_by_endpoint() {
    let folder = folder();
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = broken.clone();
    let answer = move |_: &str| {
        if is_broken.load(Ordering::SeqCst) {
            400
        } else {
            200
        }
    };
    let (one, other) = (Receiver::start(answer.clone()), Receiver::start(answer));
    let (of_one, _) = add(folder.path(), &one.url(), &[]);
    add(folder.path(), &other.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    for id in ["e-1", "e-2"] {
        service.accept("crm", &event(id));
    }
    assert_eq!(service.settled()["dead"], 4);
    let of_endpoint = deliveries(folder.path(), &["--state", "dead", "--endpoint", &of_one]);
    assert_eq!(of_endpoint.len(), 2);
    broken.store(false, Ordering::SeqCst);
    json(
        folder.path(),
        &["webhooks", "replay", "--dead", "--endpoint", &of_one],
    );
    one.wait_for(8);
    let info = service.settled();
    assert_eq!((&info["done"], &info["dead"]), (&json!(2), &json!(2)));
    assert_eq!(
        json(folder.path(), &["webhooks", "replay", "--dead"])["replayed"],
        2
    );
    other.wait_for(8);
    assert_eq!(service.settled()["done"], 4);
}

#[test]
fn redirects_are_not_followed() {
    let folder = folder();
    let elsewhere = Receiver::start(|_| 200);
    let location = format!("Location: {}", elsewhere.url());
    let receiver = Receiver::answering(move |_, before| {
        Reply::With([301, 307, 308][before as usize % 3], location.clone(), "")
    });
    add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event("e-1"));
    let dead = delivery(folder.path(), "dead");
    assert_eq!(
        dead["error"],
        "given up after 3 attempts; at last, it answers 308; redirects are not followed"
    );
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other() {
    let folder = folder();
    let hanging = Receiver::answering(|_, _| Reply::Nothing);
    let swift = Receiver::start(|_| 200);
    let (stuck, _) = add(folder.path(), &hanging.url(), &[]);
    add(folder.path(), &swift.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    for number in 0..20 {
        service.accept("crm", &event_of("order-1", &format!("e-{number}")));
    }
    swift.wait_for(20);
    let info = wait_for("twenty deliveries", || {
        Some(json(folder.path(), &["store", "info"])).filter(|info| info["done"] == 20)
    });
    assert_eq!((&info["held"], &info["waiting"]), (&json!(1), &json!(19)));
    assert_eq!(hanging.requests().len(), 1, "one at a time of one subject");
    let held = deliveries(folder.path(), &["--state", "held"]);
    assert_eq!(held[0]["endpoint"], stuck.as_str());
}

#[test]
fn a_receiver_that_asks_for_a_pause_gets_it() {
    let folder = folder();
    let receiver = Receiver::answering(|_, before| match before {
        0 => Reply::With(429, "Retry-After: 1".into(), "slowly"),
        _ => Reply::Status(200),
    });
    add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event("e-1"));
    let requests = receiver.wait_for(2);
    let pause = requests[1].at - requests[0].at;
    assert!(pause >= Duration::from_millis(990), "{pause:?}");
    assert_eq!(service.settled()["done"], 1);
}

#[test]
fn events_of_one_subject_come_in_order_though_the_first_fails() {
    let folder = folder();
    try_often(folder.path());
    let other_came = AtomicBool::new(false);
    let receiver = Receiver::answering(move |request, before| match request.event().as_str() {
        "a-1" if before < 2 || !other_came.load(Ordering::SeqCst) => Reply::Status(503),
        "b-1" => {
            other_came.store(true, Ordering::SeqCst);
            Reply::Status(200)
        }
        _ => Reply::Status(200),
    });
    add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    for id in ["a-1", "a-2", "a-3", "a-4"] {
        service.accept("crm", &event_of("order-a", id));
    }
    // Another subject does not wait for the first one, which fails until this one came.
    service.accept("crm", &event_of("order-b", "b-1"));
    assert_eq!(service.settled()["done"], 5);
    let mut events = receiver.events();
    events.retain(|event| event != "b-1");
    assert!(
        events.iter().filter(|event| *event == "a-1").count() >= 3,
        "{events:?}"
    );
    events.dedup();
    assert_eq!(events, ["a-1", "a-2", "a-3", "a-4"]);
}

/// Lets the service of a folder try again for two seconds.
fn try_often(folder: &Path) {
    let waits = ["100ms"; 20].join(", ");
    let text = format!("[serve]\nschedule = '{waits}'\n[[serve.source]]\nname = 'crm'\n");
    fs::write(folder.join("trunkline.toml"), text).unwrap();
}

#[test]
fn a_dead_letter_does_not_block_those_behind_it() {
    let folder = folder();
    let receiver = Receiver::start(|body| if body.contains("poison") { 500 } else { 200 });
    add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event_of("order-1", "poison"));
    service.accept("crm", &event_of("order-1", "e-2"));
    let info = service.settled();
    assert_eq!((&info["dead"], &info["done"]), (&json!(1), &json!(1)));
    assert_eq!(receiver.events(), ["poison", "poison", "poison", "e-2"]);
}

#[test]
fn internal_addresses_are_refused_though_the_service_may_send_to_loopback() {
    let folder = folder();
    for url in [
        "http://10.255.255.1/hooks",
        "http://169.254.169.254/latest",
        "http://[fd00::1]/",
    ] {
        add(folder.path(), url, &[]);
    }
    let service = Service::start(folder.path(), &[]);
    let begun = Instant::now();
    service.accept("crm", &event("e-1"));
    assert_eq!(service.settled()["dead"], 3);
    // A connection that was tried would take much longer.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for dead in deliveries(folder.path(), &["--state", "dead"]) {
        let error = dead["error"].as_str().unwrap();
        assert!(
            error
                .starts_with("given up after 3 attempts; at last, its address is internal and not permitted"),
            "{error}"
        );
    }
}

#[test]
fn a_service_beyond_loopback_does_not_send_there_unless_the_host_is_allowed() {
    let folder = folder();
    let receiver = Receiver::start(|_| 200);
    // The name is refused after it was resolved, the address as it stands.
    let name = format!("http://localhost:{}/", receiver.port());
    for url in [name, receiver.url()] {
        add(folder.path(), &url, &[]);
    }
    let open = ["--listen", "0.0.0.0:0"];
    let service = Service::start(folder.path(), &open);
    service.accept("crm", &event("e-1"));
    assert_eq!(service.settled()["dead"], 2);
    assert!(receiver.requests().is_empty());
    service.close();

    let service = Service::start(
        folder.path(),
        &[&open[..], &["--allow-host", "127.0.0.1"]].concat(),
    );
    service.accept("crm", &event("e-2"));
    let info = service.settled();
    assert_eq!((&info["done"], &info["dead"]), (&json!(1), &json!(3)));
    assert_eq!(receiver.events(), ["e-2"]);
}

#[test]
fn a_receiver_that_was_down_gets_everything_when_it_is_back() {
    let folder = folder();
    try_often(folder.path());
    let mut receiver = Receiver::start(|_| 200);
    add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event_of("order-1", "e-1"));
    receiver.wait_for(1);
    assert_eq!(service.settled()["done"], 1);
    receiver.go_down();
    for id in ["e-2", "e-3"] {
        service.accept("crm", &event_of("order-1", id));
    }
    let failed = wait_for("a failure", || {
        let listed = deliveries(folder.path(), &["--state", "waiting"]);
        listed
            .into_iter()
            .find(|item| item["event"] == "e-2" && !item["error"].is_null())
    });
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.starts_with("it can't be reached") || error.starts_with("the connection broke"),
        "{error}"
    );
    receiver.come_up();
    assert_eq!(service.settled()["done"], 3);
    assert_eq!(receiver.events(), ["e-1", "e-2", "e-3"]);
}
