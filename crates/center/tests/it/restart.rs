//! Starting, starting again, and not starting.

use crate::support::{Rig, send, small_tenant};
use center::{Center, Options, StartError, Tenant};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_restart_keeps_secrets_and_refuses_old_tokens() {
    let rig = Rig::start_with(|options| options.tenant = Tenant::demo().unwrap()).await;
    let secrets = ["CLIENT_ID", "CLIENT_SECRET", "TRUNKLINE_ADMIN_TOKEN"].map(|name| rig.env(name));
    let ask = async |rig: &Rig| {
        let form = crate::support::form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &secrets[0]),
            ("client_secret", &secrets[1]),
        ]);
        let answer = send(rig.request(Method::POST, "/oauth/token").body(form)).await;
        answer.body["access_token"].as_str().unwrap().to_owned()
    };
    let read = async |rig: &Rig, token: &str| {
        let path = "/api/v2/profiles/external/CRM-USER-98765";
        send(rig.request(Method::GET, path).bearer_auth(token)).await
    };
    let old = ask(&rig).await;
    assert_eq!(read(&rig, &old).await.status, 200);
    rig.center.close().await;

    let options = Options::local(rig.folder.path().join("data"), Tenant::demo().unwrap());
    let center = Center::start(options).await.unwrap();
    let rig = Rig {
        base: center.addresses().base_url(),
        center,
        ..rig
    };
    assert_eq!(
        secrets,
        ["CLIENT_ID", "CLIENT_SECRET", "TRUNKLINE_ADMIN_TOKEN"].map(|name| rig.env(name))
    );
    read(&rig, &old).await.refused(401, "unauthorized");
    let new = ask(&rig).await;
    assert_eq!(read(&rig, &new).await.status, 200);
}

#[tokio::test]
async fn a_port_in_use_is_said_clearly() {
    let rig = Rig::start().await;
    let listen = rig.center.addresses().http;
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        listen,
        ..Options::local(folder.path().to_owned(), small_tenant())
    };
    let error = Center::start(options).await.err().unwrap();
    assert!(matches!(error, StartError::Listen { address, .. } if address == listen));
    let message = error.to_string();
    assert!(message.contains(&format!("port {}", listen.port())), "{message}");
    assert!(message.contains("in use"), "{message}");

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Center::start(Options::local(file, small_tenant()))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StartError::DataDir { .. }), "{error}");
}

#[tokio::test]
async fn recordings_of_two_runs_lie_side_by_side() {
    let rig = Rig::start().await;
    let data = rig.folder.path().join("data");
    let token = rig.token().await;
    rig.place("c", json!({"record": true})).await;
    rig.control(&token, "c", &["hangup"]).await;
    rig.center.close().await;
    let center = Center::start(Options::local(data.clone(), small_tenant()))
        .await
        .unwrap();
    let rig = Rig {
        base: center.addresses().base_url(),
        center,
        ..rig
    };
    let token = rig.token().await;
    rig.place("c", json!({"record": true})).await;
    rig.control(&token, "c", &["hangup"]).await;
    rig.center.close().await;
    assert_eq!(std::fs::read_dir(data.join("recordings")).unwrap().count(), 2);
}
