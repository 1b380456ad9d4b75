//! HTTPS and wss with certificates of the center's own authority (contract section 9).

use crate::support::{ALICE, PATIENCE, Rig, form, hello, http_client, send, small_tenant};
use center::{Center, Options, StartError, TlsOptions};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const NAME: &str = "acme.api.cxone.com";

fn tls(names: &[&str]) -> Option<TlsOptions> {
    Some(TlsOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    })
}

async fn rig() -> Rig {
    Rig::start_with(|options| options.tls = tls(&[NAME, "other.example"])).await
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_alone_reaches_every_name() {
    let rig = rig().await;
    let (address, name) = rig.center.addresses().https.clone().unwrap();
    assert_eq!(name, NAME);
    let base = format!("https://{NAME}:{}", address.port());
    assert_eq!(
        (rig.env("CXONE_HOST"), rig.env("CXONE_ORG_URL")),
        (base.clone(), base.clone())
    );
    assert_eq!(rig.env("CXONE_ORG"), "acme");
    assert_eq!(rig.env("GENESYS_BASE_URL"), rig.base);

    let ca = std::fs::read(rig.env("TRUNKLINE_CA")).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let client = http_client()
        .tls_certs_only([ca])
        .resolve(NAME, address)
        .resolve("other.example", address)
        .resolve("stranger.example", address)
        .build()
        .unwrap();
    let body = form(&[
        ("grant_type", "client_credentials"),
        ("client_id", ALICE.0),
        ("client_secret", ALICE.1),
    ]);
    let answer = send(client.post(format!("{base}/oauth/token")).body(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for name in ["other.example", "localhost", "127.0.0.1"] {
        let health = client.get(format!("https://{name}:{}/health", address.port()));
        assert_eq!(send(health).await.status, 200);
    }
    let stranger = client.get(format!("https://stranger.example:{}/health", address.port()));
    assert!(stranger.send().await.is_err());
    // Who does not trust the authority gets nowhere.
    let trusting_none = http_client()
        .tls_certs_only([])
        .resolve(NAME, address)
        .build()
        .unwrap();
    assert!(trusting_none.get(format!("{base}/health")).send().await.is_err());
    // Plain HTTP is served beside it.
    assert_eq!(
        send(rig.request(reqwest::Method::GET, "/health")).await.status,
        200
    );
}

#[tokio::test]
async fn desktops_are_linked_over_https_and_their_keys_stay_there() {
    let rig = Rig::start_with(|options| {
        options.tls = tls(&[NAME]);
        options.listen = "0.0.0.0:0".parse().unwrap();
    })
    .await;
    let (address, _) = rig.center.addresses().https.clone().unwrap();
    let links = send(rig.admin(Method::GET, "/center/v1/agents")).await;
    let link = links.body["agents"][0]["desktop"].as_str().unwrap();
    let origin = format!("https://{NAME}:{}", address.port());
    let path = link.strip_prefix(&origin).expect(link);

    let ca = std::fs::read(rig.env("TRUNKLINE_CA")).unwrap();
    let client = http_client()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .resolve(NAME, address)
        .build()
        .unwrap();
    let opened = send(client.get(link)).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert!(opened.header("set-cookie").ends_with("; Secure"));
    let plain = send(rig.request(Method::GET, path)).await;
    assert_eq!(plain.status, 200);
    assert!(plain.header("set-cookie").ends_with("/agent/agent-1"));
}

#[tokio::test]
async fn call_control_works_over_wss() {
    let rig = rig().await;
    let token = rig.token().await;
    rig.place("c", json!({})).await;
    let (address, _) = rig.center.addresses().https.clone().unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(rig.env("TRUNKLINE_CA")).unwrap())
        .unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let tls = connector
        .connect(ServerName::try_from(NAME).unwrap(), tcp)
        .await
        .unwrap();
    let url = format!("wss://{NAME}:{}/api/v2/callcontrol/websocket", address.port());
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let (mut socket, _) = client_async(request, tls).await.unwrap();
    let first = Message::text(hello("c", &["play"]).to_string());
    socket.send(first).await.unwrap();
    let event = tokio::time::timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let event: Value = serde_json::from_str(event.to_text().unwrap()).unwrap();
    assert_eq!(event["event"], "connected");
}

#[tokio::test]
async fn a_wildcard_is_for_the_certificate_and_never_printed() {
    for (names, host, org) in [
        (
            &["*.api.cxone.com", "Acme.API.cxone.com"][..],
            "acme.api.cxone.com",
            "acme",
        ),
        (&["*.api.cxone.com"], "localhost", "demo"),
        (&["10.1.2.3"], "10.1.2.3", "demo"),
        (&["fd00::1"], "[fd00::1]", "demo"),
    ] {
        let rig = Rig::start_with(|options| options.tls = tls(names)).await;
        let (address, _) = rig.center.addresses().https.clone().unwrap();
        assert_eq!(
            rig.env("CXONE_HOST"),
            format!("https://{host}:{}", address.port())
        );
        assert_eq!(rig.env("CXONE_ORG"), org);
    }
    let rig = Rig::start_with(|options| options.tls = tls(&["*.api.cxone.com"])).await;
    let (address, _) = rig.center.addresses().https.clone().unwrap();
    let ca = std::fs::read(rig.env("TRUNKLINE_CA")).unwrap();
    let client = http_client()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .resolve(NAME, address)
        .build()
        .unwrap();
    let health = client.get(format!("https://{NAME}:{}/health", address.port()));
    assert_eq!(send(health).await.status, 200);
}

#[tokio::test]
async fn names_that_are_none_are_refused_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::local(folder.path().join("data"), small_tenant());
    options.tls = tls(&["bad name", "fine.example", "a.*.example", "https://x"]);
    let error = Center::start(options).await.err().unwrap();
    assert!(matches!(error, StartError::Tls(_)), "{error}");
    let text = error.to_string();
    for part in ["bad name", "a.*.example", "https://x", "--tls-name"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("fine"), "{text}");
}
