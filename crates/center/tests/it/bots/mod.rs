//! The bots of a tenant: files with call-outs, and other people's webhooks, over real sockets.

mod calling;
mod failing;
mod files;
mod telling;

use crate::{
    conversations::{PATH, Talker},
    support::{PATIENCE, Rig, send, tenant_with},
};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};
use center::Limits;
use serde_json::{Value, json};
use std::{pin::Pin, sync::Arc};
use store::{EntryFilter, Location, Store};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// The secret that the center and the webhook bot share.
const SECRET: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// What is said instead of an answer that is not there.
const FALLBACK: &str = "Something is wrong.";

/// A request that somebody else's server got.
#[derive(Debug)]
struct Got {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Somebody else's server.
struct Theirs {
    url: String,
    got: mpsc::UnboundedReceiver<Got>,
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Theirs {
    /// It answers the nth request (from 1) as `answer` says.
    async fn start(answer: impl Fn(usize) -> Answering + Send + Sync + 'static) -> Self {
        let (sender, got) = mpsc::unbounded_channel();
        let (answer, count) = (Arc::new(answer), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
        let take = move |method, uri, headers, body| {
            let nth = 1 + count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let _ = sender.send(Got {
                method,
                uri,
                headers,
                body,
            });
            answer(nth)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
        Self { url, got }
    }

    /// The next request.
    async fn next(&mut self) -> Got {
        timeout(PATIENCE, self.got.recv()).await.unwrap().unwrap()
    }
}

/// An answer that is there at once.
fn at_once(answer: impl IntoResponse) -> Answering {
    let answer = answer.into_response();
    Box::pin(async move { answer })
}

/// An answer that never comes.
fn never() -> Answering {
    Box::pin(std::future::pending())
}

/// A center with a webhook bot `theirs` at `url`.
async fn rig_with_webhook(url: &str, timeout_ms: u64) -> Rig {
    let bot = webhook_bot(url, timeout_ms);
    rig_with(&bot).await
}

fn webhook_bot(url: &str, timeout_ms: u64) -> String {
    format!(
        "[[bot]]\nid = \"theirs\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\ntimeoutMs = {timeout_ms}\nfallback = \"{FALLBACK}\"\n"
    )
}

/// A center with these bots, and a conversation `c` for tests to talk in.
async fn rig_with(bots: &str) -> Rig {
    let tenant = tenant_with(bots);
    Rig::start_with(|options| {
        options.tenant = tenant;
        options.limits = Limits::OFF;
    })
    .await
}

/// A conversation with a bot.
fn with_bot(id: &str, bot: &str) -> Value {
    json!({"id": id, "type": "webchat", "state": "active", "participants": [
            {"id": "user-1", "channel": "webchat", "direction": "inbound", "profile": {"firstName": "Ada"}},
            {"id": format!("bot-{bot}"), "direction": "outbound", "profile": {"name": "Bot", "botInstanceId": bot}}],
        "context": {"botSession": {}, "metadata": {"source": "test"}}})
}

/// Says something, and gives the answers to it once there are so many.
async fn answers(talker: &Talker<'_>, id: &str, text: &str, count: usize) -> Vec<Value> {
    let posted = talker.say(id, text).await;
    assert_eq!(posted.status, 201, "{}", posted.text);
    let mut found: Vec<Value> = Vec::new();
    let mut after = posted.body["sequence"].as_u64().unwrap();
    while found.len() < count {
        let heard = talker
            .heard(id, &format!("?after={after}&wait=20&limit=100"))
            .await;
        assert!(!heard.is_empty(), "no answer to {text:?} after {found:?}");
        after = heard.last().unwrap()["sequence"].as_u64().unwrap();
        found.extend(heard);
    }
    assert!(
        found.iter().all(|one| one["inReplyTo"] == posted.body["id"]),
        "{found:?}"
    );
    found
}

fn texts(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|one| one["text"].as_str().unwrap()).collect()
}

async fn conversation(talker: &Talker<'_>, id: &str) -> Value {
    talker.get(&format!("{PATH}/{id}")).await.body
}

/// The audit entries of an action.
async fn audited(rig: &Rig, action: &str) -> Vec<Value> {
    let database = rig.folder.path().join("data/trunkline.db");
    let store = Store::open(&Location::Sqlite(database)).await.unwrap();
    let filter = EntryFilter {
        action_prefix: Some(action.to_owned()),
        ..EntryFilter::default()
    };
    let entries = store.entries(&filter, 100).await.unwrap();
    let leaves = entries
        .iter()
        .map(|entry| serde_json::from_str(entry.leaf.as_ref().unwrap()).unwrap());
    leaves.collect()
}

async fn shown(rig: &Rig, id: &str) -> crate::support::Answer {
    send(rig.admin(reqwest::Method::GET, &format!("/center/v1/bots/{id}"))).await
}
