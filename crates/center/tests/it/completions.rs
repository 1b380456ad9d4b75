//! Completions: told by webhook after calls, on demand, and at a rate; and the endpoint that they go to.

use crate::support::{PATIENCE, Rig, events_until_close, say, send, small_tenant};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use center::{Center, Completions, Destination, Options};
use reqwest::Method;
use serde_json::{Value, json};
use std::{path::Path, slice, time::Instant};
use store::{EntryFilter, ItemFilter, Location, Store};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use url::Url;
use webhooks::{Endpoints, Secret, TOLERANCE, verify};

/// Somebody who takes webhooks.
struct Receiver {
    url: Url,
    received: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
}

impl Receiver {
    async fn start() -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let take = post(async move |headers: HeaderMap, body: Bytes| {
            let _ = sender.send((headers, body));
            StatusCode::OK
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=hunter2", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: url.parse().unwrap(),
            received,
        }
    }

    /// The next webhook, which must be signed with the secret that the center printed.
    async fn next(&mut self, secret: &str) -> Value {
        let next = timeout(PATIENCE, self.received.recv()).await;
        let (headers, body) = next.expect("a webhook").unwrap();
        let secret: Secret = secret.parse().unwrap();
        let now = jiff::Timestamp::now().into();
        verify(&headers, &body, slice::from_ref(&secret), now, TOLERANCE).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

async fn rig_with(completions: Completions) -> Rig {
    Rig::start_with(|options| options.completions = completions).await
}

async fn open(data: &Path) -> Store {
    std::fs::create_dir_all(data).unwrap();
    Store::open(&Location::Sqlite(data.join("trunkline.db")))
        .await
        .unwrap()
}

async fn entries(store: &Store, action: &str) -> Vec<Value> {
    let filter = EntryFilter {
        action_prefix: Some(action.to_owned()),
        ..EntryFilter::default()
    };
    let entries = store.entries(&filter, 10_000).await.unwrap();
    entries
        .iter()
        .map(|entry| serde_json::from_str(entry.leaf.as_ref().unwrap()).unwrap())
        .collect()
}

async fn on_demand(rig: &Rig, body: Value) -> crate::support::Answer {
    send(
        rig.admin(Method::POST, "/center/v1/completions")
            .body(body.to_string()),
    )
    .await
}

#[tokio::test]
async fn the_end_of_a_call_is_told_once_and_signed() {
    let mut receiver = Receiver::start().await;
    let rig = rig_with(Completions {
        to: Some(receiver.url.clone().into()),
        deliver: true,
        ..Completions::default()
    })
    .await;
    let (token, secret) = (rig.token().await, rig.env("TRUNKLINE_WEBHOOK_SECRET"));
    let mut agents = Vec::new();
    for (call, more) in [
        ("a", json!({})),
        ("b", json!({})),
        ("c", json!({"agentId": "agent-7"})),
    ] {
        rig.place(call, more).await;
        let mut socket = rig.control(&token, call, &["hangup"]).await;
        say(&mut socket, json!({"action": "hangup"})).await;
        events_until_close(&mut socket).await;
        let record = rig.ended(call).await;
        let told = receiver.next(&secret).await;
        assert_eq!(told["interactionId"], record["interactionId"]);
        assert_eq!(told["callId"], call);
        assert!(
            told["eventId"].is_string() && told["completedAt"].is_string(),
            "{told}"
        );
        agents.push(told["agentId"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        agents,
        ["agent-1", "agent-2", "agent-7"],
        "by turns unless it is said"
    );
    rig.place("unanswered", json!({})).await;
    send(rig.admin(Method::DELETE, "/center/v1/calls/unanswered")).await;
    rig.ended("unanswered").await;

    let data = rig.folder.path().join("data");
    rig.center.close().await;
    let store = open(&data).await;
    let completed = entries(&store, "interaction.completed").await;
    assert_eq!(completed.len(), 3, "{completed:?}");
    assert_eq!(completed[2]["actor"], "center");
    assert_eq!(completed[2]["detail"]["agentId"], "agent-7");
    assert_eq!(store.items(&ItemFilter::default(), 10).await.unwrap().len(), 3);
    assert!(receiver.received.try_recv().is_err());
}

#[tokio::test]
async fn a_service_at_the_centers_own_address_gets_them_though_the_port_is_made_up() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let take = post(async move |body: Bytes| {
        let _ = sender.send(body);
        StatusCode::OK
    });
    let rig = Rig::start_with(|options| {
        options.beside = Some(Router::new().route("/webhooks/done", take));
        options.completions.to = Some(Destination::Here("/webhooks/done".into()));
        options.completions.deliver = true;
    })
    .await;
    let answer = on_demand(&rig, json!({"interactionId": "int-1", "agentId": "a"})).await;
    assert_eq!(answer.body["to"], json!([rig.url("/webhooks/done")]));
    let body = timeout(PATIENCE, received.recv()).await.unwrap().unwrap();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["eventId"], answer.body["eventId"]);
    rig.center.close().await;
}

#[tokio::test]
async fn the_administrator_sends_completions_on_demand() {
    let mut receiver = Receiver::start().await;
    let rig = rig_with(Completions {
        to: Some(receiver.url.clone().into()),
        deliver: true,
        ..Completions::default()
    })
    .await;
    let secret = rig.env("TRUNKLINE_WEBHOOK_SECRET");
    let mut events = Vec::new();
    for _ in 0..2 {
        let answer = on_demand(
            &rig,
            json!({"interactionId": "int-unknown", "agentId": "agent-1"}),
        )
        .await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.body["interactionId"], "int-unknown");
        assert_eq!(answer.body["to"], json!([receiver.url.as_str()]));
        let told = receiver.next(&secret).await;
        assert_eq!(told["eventId"], answer.body["eventId"]);
        assert_eq!(
            (&told["interactionId"], &told["agentId"]),
            (&json!("int-unknown"), &json!("agent-1"))
        );
        events.push(told["eventId"].clone());
    }
    assert_ne!(events[0], events[1]);

    let faulty = on_demand(&rig, json!({"agentId": 7})).await;
    assert_eq!(
        faulty.refused(400, "bad_request").body["errors"],
        json!([
            "interactionId is missing",
            "agentId must be a text, not the number 7"
        ])
    );
    let stranger = rig.request(Method::POST, "/center/v1/completions").body("{}");
    send(stranger).await.refused(401, "unauthorized");
    rig.center.close().await;
}

#[tokio::test]
async fn completions_that_would_go_nowhere_are_refused() {
    let rig = rig_with(Completions::default()).await;
    let refused = on_demand(&rig, json!({"interactionId": "int-1", "agentId": "agent-1"})).await;
    refused.refused(409, "conflict").mentions("--completions-to");
}

#[tokio::test]
async fn completions_to_an_endpoint_that_is_disabled_are_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let to = Destination::Url("https://a.example/hook".parse().unwrap());
    let (given, id) = (store.clone(), to.endpoint());
    let rig = Rig::start_with(|options| {
        options.store = Some(given);
        options.completions.to = Some(to);
    })
    .await;
    let endpoints = Endpoints::new(store.clone());
    endpoints.disable(&id, "it answered 410").await.unwrap();
    let refused = on_demand(&rig, json!({"interactionId": "int-1", "agentId": "agent-1"})).await;
    refused
        .refused(409, "conflict")
        .mentions(&format!("the endpoint {id} is disabled (it answered 410)"));
}

#[tokio::test]
async fn centers_of_other_data_folders_leave_an_endpoint_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let start = async |data: &str, to: Option<Destination>| {
        let mut options = Options::local(folder.path().join(data), small_tenant());
        options.store = Some(store.clone());
        options.completions.to = to;
        Center::start(options).await.unwrap().close().await;
    };
    let to = || Destination::Url("https://a.example/hook".parse().unwrap());
    let endpoints = Endpoints::new(store.clone());
    let is_there = async || endpoints.get(&to().endpoint()).await.is_ok();
    start("one", Some(to())).await;
    start("two", Some(Destination::Here("/hook".into()))).await;
    assert!(is_there().await);
    start("one", Some(Destination::Here("/hook".into()))).await;
    assert!(!is_there().await);
    store.close().await;
}

#[tokio::test]
async fn the_endpoint_is_as_the_options_say_at_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let to = |url: &str| Some(Destination::Url(url.parse().unwrap()));
    let here = || Some(Destination::Here("/hook".into()));
    let elsewhere_id = to("https://a.example/").unwrap().endpoint();
    let here_id = here().unwrap().endpoint();
    let start = async |to, deliver| {
        let options = Options {
            completions: Completions {
                to,
                rate: None,
                deliver,
            },
            ..Options::local(data.clone(), small_tenant())
        };
        Center::start(options).await
    };
    let store = open(&data).await;
    let endpoints = Endpoints::new(store.clone());
    // The endpoints' URLs after a start.
    let restarted = async |to, deliver| {
        start(to, deliver).await.unwrap().close().await;
        let url = async |id| {
            let endpoint = endpoints
                .get(id)
                .await
                .ok()
                .filter(|endpoint| endpoint.is_enabled())?;
            Some(endpoint.url.to_string())
        };
        (url(&elsewhere_id).await, url(&here_id).await.is_some())
    };
    let named = |url: &str| Some(url.to_owned());
    let (a, b) = ("https://a.example/hook", "https://b.example/hook");

    assert_eq!(restarted(to(a), true).await, (named(a), false));
    endpoints.disable(&elsewhere_id, "410").await.unwrap();
    assert_eq!(restarted(to(b), false).await, (named(b), false));
    // For a call or two, which others deliver.
    assert_eq!(restarted(None, false).await, (named(b), false));
    assert_eq!(restarted(None, true).await, (None, false));
    assert_eq!(restarted(here(), false).await, (None, true));
    assert_eq!(restarted(to(a), true).await, (named(a), false));

    // While another center runs, its endpoint is left to it.
    let other = start(here(), false).await.unwrap();
    assert_eq!(restarted(None, true).await, (None, true));
    assert_eq!(restarted(to(b), true).await, (named(b), true));
    other.close().await;
    assert_eq!(restarted(None, true).await, (None, false));

    let refused = start(to("ftp://a.example/"), true).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        "completions can't go there: url: it must begin with http:// or https://"
    );
}

#[tokio::test]
async fn completions_are_made_up_at_the_rate_with_forms_that_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let begun = Instant::now();
    let given = store.clone();
    let rig = Rig::start_with(|options| {
        options.store = Some(given);
        options.completions.to = Some(Destination::Url("https://a.example/hook".parse().unwrap()));
        options.completions.rate = Some("200/s".parse().unwrap());
    })
    .await;
    let enough = async {
        while store.counts().await.unwrap().waiting < 200 {
            store.work().await;
        }
    };
    timeout(PATIENCE, enough).await.unwrap();
    let token = rig.token().await;
    let made_up = store.records("made-up-interaction", 1000).await.unwrap();
    let mut without = 0;
    for record in &made_up[..100] {
        let path = format!("/api/v2/interactions/{}/postinteractionforms", record.id);
        let form = send(rig.request(Method::GET, &path).bearer_auth(&token)).await;
        match form.status {
            404 => without += 1,
            _ => {
                let score = form.body["responses"][0]["value"].as_str().unwrap();
                assert!(("1"..="5").contains(&score), "{score}");
            }
        }
    }
    assert!((1..20).contains(&without), "{without}");
    rig.center.close().await;

    let most = begun.elapsed().as_secs_f64() * 200.0 + 1.0;
    let told = store.counts().await.unwrap().waiting;
    assert!((200.0..most).contains(&(told as f64)), "{told} of {most}");
    assert_eq!(entries(&store, "interaction.completed").await.len() as u64, told);
    let kept = store.records("made-up-interaction", 10_000).await.unwrap();
    assert_eq!(kept.len() as u64, told);
    let of = |agent: &str| kept.iter().filter(|record| record.body.contains(agent)).count();
    assert!(of("agent-1").abs_diff(of("agent-2")) <= 1, "by turns");
}
