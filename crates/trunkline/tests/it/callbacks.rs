//! Callbacks: webhooks to an address that came with a request.

use crate::{
    receiver::Receiver,
    service::Service,
    support::{Center, json, run, stdout, wait_for},
};
use serde_json::{Value, json};
use std::path::Path;
use store::{Commit, EffectKey, Location, Store};
use webhooks::{Secret, Signer, callback};

const BODY: &str = r#"{"eventId":"comp_1","status":"COMPLETED"}"#;

/// Lets the database owe a callback, as another process does it.
#[tokio::main(flavor = "current_thread")]
async fn owe(folder: &Path, url: &str) -> Secret {
    let secret = Secret::generate(&[7; 32]);
    let path = folder.join("trunkline-data/trunkline.db");
    let store = Store::open(&Location::Sqlite(path)).await.unwrap();
    let signer = Signer::keep(&store, &secret).await.unwrap();
    let effect = EffectKey {
        source: "compile".into(),
        event: "comp_1".into(),
        step: "callback".into(),
    };
    let owed = callback(
        &signer,
        effect,
        Some("comp_1"),
        &url.parse().unwrap(),
        BODY.into(),
    )
    .unwrap();
    let commit = Commit {
        intents: vec![owed],
        ..Commit::default()
    };
    store.commit(commit).await.unwrap();
    store.close().await;
    secret
}

/// Owes a callback, and has it verified with somebody else's implementation.
fn arrives(folder: &Path) {
    let receiver = Receiver::start(|_| 200);
    let secret = owe(folder, &receiver.url());
    let request = receiver.wait_for(1).remove(0);
    assert_eq!(request.body, BODY);
    let verifier = standardwebhooks::Webhook::new(secret.expose()).unwrap();
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, request.header(name).parse().unwrap());
    }
    verifier.verify(request.body.as_bytes(), &headers).unwrap();
}

#[test]
fn a_center_delivers_them_though_nobody_asked_for_completions() {
    arrives(Center::start(&[]).folder.path());
}

#[test]
fn a_service_delivers_them_with_a_platform_and_with_a_center_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    arrives(folder.path());
    service.close();
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with_center(folder.path(), &[]);
    arrives(folder.path());
    service.close();
}

#[test]
fn one_that_was_given_up_is_listed_with_its_address_shown_and_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    let receiver =
        Receiver::answering(|_, before| crate::receiver::Reply::Status(if before == 0 { 410 } else { 204 }));
    owe(folder.path(), &receiver.url());
    let list = |state: &str| -> Vec<Value> {
        let listed = json(folder.path(), &["webhooks", "list", "--state", state]);
        listed["deliveries"].as_array().unwrap().clone()
    };
    let dead = wait_for("a dead letter", || list("dead").pop());
    assert_eq!(dead["callbackUrl"], receiver.url());
    assert_eq!(dead.get("endpoint"), None);
    let id = dead["id"].to_string();
    let shown = json(folder.path(), &["webhooks", "show", &id]);
    assert_eq!(shown["body"], json!({"eventId": "comp_1", "status": "COMPLETED"}));
    let told = stdout(&run(folder.path(), &["webhooks", "show", &id]));
    assert!(
        told.contains(&format!("callback to {}\n", receiver.url())),
        "{told}"
    );
    assert!(
        told.contains("\"status\": \"COMPLETED\"") && !told.contains("signer"),
        "{told}"
    );
    let table = stdout(&run(folder.path(), &["webhooks", "list"]));
    assert!(table.contains(&receiver.url()), "{table}");

    json(folder.path(), &["webhooks", "replay", &id]);
    let done = wait_for("its delivery", || list("done").pop());
    assert_eq!(done["result"], "204");
    service.close();
}
