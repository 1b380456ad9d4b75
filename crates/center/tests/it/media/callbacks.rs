//! The webhook of a job: signed, with the body of the GET, and what faults on demand do to it.

use super::{COMPILE, asset, compile, get, over, request, tone, with_flow};
use crate::support::{PATIENCE, Rig, send};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{sync::mpsc, time::timeout};

type Received = (HeaderMap, Bytes);

struct Receiver {
    url: String,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Receiver {
    async fn start() -> Self {
        let (sender, received) = mpsc::unbounded_channel::<Received>();
        let receive =
            async |State(sender): State<mpsc::UnboundedSender<Received>>, headers: HeaderMap, body: Bytes| {
                sender.send((headers, body)).unwrap();
            };
        let router = Router::new().route("/hook", post(receive)).with_state(sender);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received }
    }

    /// The next callback, whose signature is good.
    async fn next(&mut self, rig: &Rig) -> (String, Value) {
        let (headers, body) = timeout(PATIENCE, self.received.recv()).await.unwrap().unwrap();
        let secret = rig.env("TRUNKLINE_WEBHOOK_SECRET").parse().unwrap();
        let now = jiff::Timestamp::now().into();
        webhooks::verify(&headers, &body, &[secret], now, webhooks::TOLERANCE).unwrap();
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        (id, serde_json::from_slice(&body).unwrap())
    }
}

async fn fault(rig: &Rig, fault: Value) {
    let asked = send(
        rig.admin(Method::POST, "/center/v1/faults")
            .body(fault.to_string()),
    )
    .await;
    assert_eq!(asked.status, 204, "{}", asked.text);
}

async fn with_hook(rig: &Rig, token: &str, receiver: &Receiver) -> Value {
    let asset = asset(rig, token, &tone(440.0, 8000, 250)).await;
    let mut body = request(&[(&asset, "n"), (&asset, "m")]);
    body["webhookUrl"] = json!(receiver.url);
    body["jobId"] = json!("build-7");
    body
}

#[tokio::test]
async fn a_callback_says_what_the_get_says() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let mut receiver = Receiver::start().await;
    let body = with_hook(&rig, &token, &receiver).await;
    let id = compile(&rig, &token, &body).await;
    let (_, told) = receiver.next(&rig).await;
    assert_eq!(
        (&told["id"], &told["jobId"], &told["status"]),
        (&json!(id), &json!("build-7"), &json!("COMPLETED"))
    );
    assert_eq!(told, get(&rig, &token, &format!("{COMPILE}/{id}")).await.body);
}

#[tokio::test]
async fn an_asset_fails_and_callbacks_go_wrong_as_often_as_asked() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let mut receiver = Receiver::start().await;
    let body = with_hook(&rig, &token, &receiver).await;

    fault(&rig, json!({"asset": "n"})).await;
    let failed = compile(&rig, &token, &body).await;
    let (_, told) = receiver.next(&rig).await;
    let states: Vec<_> = told["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        (told["id"].as_str(), states),
        (Some(&*failed), vec!["FAILED", "READY"])
    );

    fault(&rig, json!({"asset": body["media"][0]["assetId"], "times": 2})).await;
    let all = compile(&rig, &token, &body).await;
    assert_eq!(receiver.next(&rig).await.1["status"], "FAILED");
    assert_eq!(over(&rig, &token, &all).await["status"], "FAILED");

    fault(&rig, json!({"callback": "lost"})).await;
    let lost = compile(&rig, &token, &body).await;
    over(&rig, &token, &lost).await;
    fault(&rig, json!({"callback": "twice"})).await;
    let twice = compile(&rig, &token, &body).await;
    let (one, first) = receiver.next(&rig).await;
    let (other, second) = receiver.next(&rig).await;
    assert_eq!(
        (&first["id"], &first),
        (&json!(twice), &second),
        "and not the lost one"
    );
    assert_ne!(one, other);

    fault(&rig, json!({"callback": "early"})).await;
    let early = compile(&rig, &token, &body).await;
    let (_, told) = receiver.received.try_recv().map(|(_, body)| ((), body)).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&told).unwrap()["id"],
        json!(early)
    );

    fault(&rig, json!({"callback": "late", "delayMs": 1500})).await;
    let clock = Instant::now();
    let late = compile(&rig, &token, &body).await;
    assert_eq!(receiver.next(&rig).await.1["id"], json!(late));
    assert!(clock.elapsed() >= Duration::from_millis(1500));
    let left = send(rig.admin(Method::GET, "/center/v1/faults")).await;
    assert_eq!(left.body["faults"], json!([]));
}

#[tokio::test]
async fn a_job_is_over_though_a_center_was_started_again_meanwhile() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let mut receiver = Receiver::start().await;
    let mut body = with_hook(&rig, &token, &receiver).await;
    let first = body["media"][0]["assetId"].clone();
    let bytes = tone(600.0, 8000, 250);
    let last = asset(&rig, &token, &bytes).await;
    let entry = |at: usize| match at {
        99 => json!({"assetId": last, "nodeId": "last"}),
        at => json!({"assetId": first, "nodeId": format!("node-{at}")}),
    };
    body["media"] = (0..100).map(entry).collect();
    // The last one's file can't be read for now.
    let media = std::fs::read_dir(rig.folder.path().join("data/media")).unwrap();
    let own = media.map(|own| own.unwrap().path()).next().unwrap();
    let file = own.join("assets").join(wire::media::sha256_hex(&bytes));
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let id = compile(&rig, &token, &body).await;
    let path = format!("{COMPILE}/{id}");
    let others = async {
        while get(&rig, &token, &path).await.body["results"]
            .as_array()
            .unwrap()
            .len()
            < 99
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, others).await.unwrap();
    let told = get(&rig, &token, &path).await;
    assert_eq!(told.body["status"], "RUNNING");
    // Between the two centers, it can be read again.
    let mend = |options: &mut _| {
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        with_flow(options);
    };
    let rig = rig.restarted(mend).await;
    let (_, told) = receiver.next(&rig).await;
    assert_eq!((&told["id"], &told["status"]), (&json!(id), &json!("COMPLETED")));
    assert_eq!(told["results"].as_array().unwrap().len(), 100);
}
