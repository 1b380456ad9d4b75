//! Endpoints: who gets what, and who no longer.

use super::{actions, add, deliveries, delivery, endpoints, event, event_of, folder};
use crate::{
    receiver::Receiver,
    service::Service,
    support::{json, redact, run, stderr, stdout, wait_for},
};
use serde_json::json;
use standardwebhooks::Webhook;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

#[test]
fn an_endpoint_is_added_listed_rotated_disabled_enabled_and_removed() {
    let folder = folder();
    let folder = folder.path();
    let mut added = json(
        folder,
        &[
            "webhooks",
            "endpoints",
            "add",
            "https://crm.example/hooks",
            "--event",
            "order.paid",
            "--event",
            "call.ended",
            "--description",
            "the CRM",
        ],
    );
    let id = added["id"].as_str().unwrap().to_owned();
    let secret = added["secret"].as_str().unwrap().to_owned();
    assert!(Webhook::new(&secret).is_ok() && secret.starts_with("whsec_"));
    redact(&mut added, &["id", "secret", "createdAt"]);
    insta::assert_snapshot!(format!("{added:#}"), @r#"
    {
      "createdAt": "[createdAt]",
      "description": "the CRM",
      "disabled": null,
      "enabled": true,
      "events": [
        "call.ended",
        "order.paid"
      ],
      "id": "[id]",
      "rotating": false,
      "secret": "[secret]",
      "url": "https://crm.example/hooks"
    }
    "#);

    let mut rotated = json(folder, &["webhooks", "endpoints", "rotate", &id]);
    assert_ne!(rotated["secret"], secret.as_str());
    assert_eq!(rotated["rotating"], true);
    rotated["secret"].take();

    let disabled = json(folder, &["webhooks", "endpoints", "disable", &id]);
    assert_eq!(disabled["enabled"], false);
    let mut listed = endpoints(folder);
    redact(&mut listed, &["id", "at", "createdAt"]);
    insta::assert_snapshot!(format!("{listed:#}"), @r#"
    [
      {
        "createdAt": "[createdAt]",
        "description": "the CRM",
        "disabled": {
          "at": "[at]",
          "why": "at the command line"
        },
        "enabled": false,
        "events": [
          "call.ended",
          "order.paid"
        ],
        "id": "[id]",
        "rotating": true,
        "url": "https://crm.example/hooks"
      }
    ]
    "#);
    let shown = stdout(&run(folder, &["webhooks", "endpoints", "list"]));
    assert!(shown.contains("disabled: at the command line"), "{shown}");
    assert!(!shown.contains("whsec_"), "{shown}");

    let enabled = json(folder, &["webhooks", "endpoints", "enable", &id]);
    assert_eq!(enabled["enabled"], true);
    json(folder, &["webhooks", "endpoints", "remove", &id]);
    assert_eq!(endpoints(folder), json!([]));
    let unknown = run(folder, &["webhooks", "endpoints", "rotate", &id]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        stderr(&unknown).contains("there is no endpoint ep_"),
        "{}",
        stderr(&unknown)
    );
    assert_eq!(
        actions(folder, "endpoint"),
        [
            "endpoint.added",
            "endpoint.rotated",
            "endpoint.disabled",
            "endpoint.enabled",
            "endpoint.removed"
        ]
    );
    let log = stdout(&run(folder, &["audit", "export"]));
    assert!(
        !log.contains("whsec_") && !log.contains(&secret["whsec_".len()..]),
        "{log}"
    );
}

#[test]
fn a_faulty_endpoint_is_refused_with_all_its_faults() {
    let folder = folder();
    let args = [
        "webhooks",
        "endpoints",
        "add",
        "ftp://crm.example/",
        "--event",
        "no type",
        "--event",
        "*",
    ];
    let refused = run(folder.path(), &args);
    assert_eq!(refused.status.code(), Some(1));
    for fault in [
        "url: it must begin with http:// or https://",
        "events: * means all",
    ] {
        assert!(stderr(&refused).contains(fault), "{}", stderr(&refused));
    }
    assert!(!folder.path().join("trunkline-data").exists());
}

#[test]
fn an_endpoint_gets_the_types_it_asked_for() {
    let folder = folder();
    let (paid, all) = (Receiver::start(|_| 200), Receiver::start(|_| 200));
    add(folder.path(), &paid.url(), &["--event", "order.paid"]);
    add(folder.path(), &all.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &json!({"eventId": "e-1", "type": "order.lost"}));
    service.accept("crm", &json!({"eventId": "e-2", "eventType": "order.paid"}));
    service.accept("crm", &json!({"eventId": "e-3"}));
    assert_eq!(service.settled()["done"], 4);
    assert_eq!(paid.events(), ["e-2"]);
    assert_eq!(all.requests().len(), 3);
    let ids = |receiver: &Receiver| receiver.seen()["e-2"].keys().next().cloned();
    assert_ne!(ids(&paid), ids(&all), "each endpoint has its own webhook-id");
}

#[test]
fn gone_disables_the_endpoint_until_somebody_enables_it() {
    let folder = folder();
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = gone.clone();
    let receiver = Receiver::start(move |_| if is_gone.load(Ordering::SeqCst) { 410 } else { 200 });
    let (id, _) = add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event_of("order-1", "e-1"));
    let dead = delivery(folder.path(), "dead");
    assert_eq!(dead["error"], "the receiver says that it is gone (410)");
    let endpoint = &endpoints(folder.path())[0];
    assert_eq!(endpoint["enabled"], false);
    assert_eq!(
        endpoint["disabled"]["why"],
        "the receiver says that it is gone (410)"
    );
    assert_eq!(actions(folder.path(), "endpoint.disabled").len(), 1);

    gone.store(false, Ordering::SeqCst);
    json(folder.path(), &["webhooks", "replay", "--dead"]);
    json(folder.path(), &["webhooks", "endpoints", "enable", &id]);
    receiver.wait_for(2);
    assert_eq!(service.settled()["done"], 1);
    assert_eq!(receiver.events(), ["e-1", "e-1"]);
}

#[test]
fn what_waits_for_a_disabled_endpoint_stays_and_what_comes_meanwhile_is_not_for_it() {
    let folder = folder();
    let mut receiver = Receiver::start(|_| 200);
    receiver.go_down();
    fs::write(
        folder.path().join("trunkline.toml"),
        "[serve]\nschedule = '24h'\n[[serve.source]]\nname = 'crm'\n",
    )
    .unwrap();
    let (id, _) = add(folder.path(), &receiver.url(), &[]);
    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event("e-1"));
    wait_for("the first failure", || {
        (deliveries(folder.path(), &[])[0]["failures"] == 1).then_some(())
    });
    json(folder.path(), &["webhooks", "endpoints", "disable", &id]);
    service.close();

    let service = Service::start(folder.path(), &[]);
    service.accept("crm", &event("e-2"));
    let waiting = deliveries(folder.path(), &[]);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(
        (&waiting[0]["event"], &waiting[0]["state"]),
        (&json!("e-1"), &json!("waiting"))
    );
    // Removed, what is owed to it is given up once it is due; until then it is there to be looked at.
    json(folder.path(), &["webhooks", "endpoints", "remove", &id]);
    assert_eq!(deliveries(folder.path(), &["--endpoint", &id]).len(), 1);
}
