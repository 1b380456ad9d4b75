//! What the tests share: a store of their own, and receivers of webhooks that do as they are told.

use bytes::Bytes;
use client::{ReqwestHttp, any_host_config, guard::Guard};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Commit, Committed, EffectKey, EntryFilter, Item, ItemState, Location, Store};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::{timeout, timeout_at},
};
use webhooks::{
    Deliveries, DeliveryOptions, Endpoint, Endpoints, NewEndpoint, OutEvent, Secret, SignatureError,
    TOLERANCE, Verified, intents, verify,
};

/// How long anything that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A store, and what it has to do with webhooks.
pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) endpoints: Endpoints,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trunkline.db");
        let store = Store::open(&Location::Sqlite(path)).await.unwrap();
        Self {
            endpoints: Endpoints::new(store.clone()),
            store,
            _folder: folder,
        }
    }

    pub(crate) async fn endpoint(&self, url: &str) -> Endpoint {
        let new = NewEndpoint::parse(url, "a test", &["*"], None).unwrap();
        self.endpoints.add(new).await.unwrap()
    }

    /// Deliveries that may reach loopback.
    pub(crate) async fn deliver(&self, schedule: &str) -> Deliveries {
        self.deliver_within(schedule, DeliveryOptions::default().timeout)
            .await
    }

    pub(crate) async fn deliver_within(&self, schedule: &str, timeout: Duration) -> Deliveries {
        let guard = Guard {
            loopback: true,
            ..Guard::default()
        };
        self.deliver_guarded(schedule, timeout, guard).await
    }

    pub(crate) async fn deliver_guarded(
        &self,
        schedule: &str,
        timeout: Duration,
        guard: Guard,
    ) -> Deliveries {
        let options = DeliveryOptions {
            schedule: schedule.parse().unwrap(),
            timeout,
            ..DeliveryOptions::default()
        };
        self.deliver_as(options, guard).await
    }

    pub(crate) async fn deliver_as(&self, options: DeliveryOptions, guard: Guard) -> Deliveries {
        let http = ReqwestHttp::guarded(guard, any_host_config(None).unwrap()).unwrap();
        Deliveries::start(self.store.clone(), Arc::new(http), options)
            .await
            .unwrap()
    }

    /// Commits what an event owes to all endpoints; gives the effects.
    pub(crate) async fn emit(&self, id: &str, subject: Option<&str>) -> Vec<EffectKey> {
        let event = OutEvent::new("test", id, "call.ended", subject, body_of(id)).unwrap();
        let endpoints = self.endpoints.list().await.unwrap();
        let intents = intents(&endpoints, &event);
        let effects = intents.iter().map(|intent| intent.effect.clone()).collect();
        let commit = Commit {
            intents,
            ..Commit::default()
        };
        assert_eq!(self.store.commit(commit).await.unwrap(), Committed::Done);
        effects
    }

    pub(crate) async fn item(&self, effect: &EffectKey) -> Item {
        self.store.effect(effect).await.unwrap().unwrap()
    }

    /// Waits until an item is as wanted.
    pub(crate) async fn until(&self, effect: &EffectKey, wanted: impl Fn(&Item) -> bool) -> Item {
        let store = self.store.clone();
        let found = async {
            loop {
                let item = self.item(effect).await;
                if wanted(&item) {
                    return item;
                }
                store.work().await;
            }
        };
        match timeout(PATIENCE, found).await {
            Ok(item) => item,
            Err(_) => panic!("it stays {:?}", self.item(effect).await),
        }
    }

    pub(crate) async fn until_state(&self, effect: &EffectKey, state: ItemState) -> Item {
        self.until(effect, |item| item.state == state).await
    }

    /// The audit log's entries whose action begins like this.
    pub(crate) async fn entries(&self, action: &str) -> Vec<Value> {
        let filter = EntryFilter {
            action_prefix: Some(action.to_owned()),
            ..EntryFilter::default()
        };
        let entries = self.store.entries(&filter, 1000).await.unwrap();
        let leaf = |leaf: &Option<String>| serde_json::from_str(leaf.as_deref().unwrap()).unwrap();
        entries.iter().map(|entry| leaf(&entry.leaf)).collect()
    }

    /// The actions of the audit log in order.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let entries = self.entries("").await;
        entries
            .iter()
            .map(|entry| entry["action"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The body of an event; its spaces show that it is sent byte for byte.
pub(crate) fn body_of(id: &str) -> String {
    format!(r#"{{ "event" : "{id}" }}"#)
}

/// What a receiver does with a request.
pub(crate) enum Answer {
    /// This, and the connection is closed.
    Wire(String),
    /// 200, and then a body that has no end.
    Endless,
    /// Nothing, ever.
    Silence,
    /// 200, when a permit is there.
    When(Arc<Semaphore>),
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::with(status, "")
    }

    /// A status and more header lines, each with its line end.
    pub(crate) fn with(status: u16, headers: &str) -> Self {
        Self::Wire(format!(
            "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n"
        ))
    }
}

/// A request that a receiver got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn id(&self) -> &str {
        self.headers[webhooks::ID].to_str().unwrap()
    }

    pub(crate) fn verify(&self, secret: &Secret) -> Result<Verified, SignatureError> {
        let now = jiff::Timestamp::now().into();
        verify(
            &self.headers,
            &self.body,
            std::slice::from_ref(secret),
            now,
            TOLERANCE,
        )
    }

    /// The event's id by its body.
    pub(crate) fn event(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["event"].as_str().unwrap().to_owned()
    }
}

type Script = Box<dyn FnMut(usize, &Received) -> Answer + Send>;

/// An HTTP server on loopback that answers by a script, which is told the request's number from 1.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: mpsc::UnboundedReceiver<Received>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start(script: impl FnMut(usize, &Received) -> Answer + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        script: impl FnMut(usize, &Received) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        let script: Arc<Mutex<(usize, Script)>> = Arc::new(Mutex::new((0, Box::new(script))));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), script.clone()));
            }
        });
        Self {
            address,
            received,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?key=hunter2", self.address)
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Received {
        let next = timeout(PATIENCE, self.received.recv()).await;
        next.expect("no request in time").unwrap()
    }

    /// The next so many requests.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Received> {
        let late = tokio::time::Instant::now() + PATIENCE;
        let mut taken = Vec::new();
        while taken.len() < count {
            let next = timeout_at(late, self.received.recv()).await;
            taken.push(
                next.unwrap_or_else(|_| panic!("{} of {count} requests", taken.len()))
                    .unwrap(),
            );
        }
        taken
    }

    /// The requests so far that were not taken.
    pub(crate) fn taken(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }

    /// Whether there is no request that was not taken.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    sender: mpsc::UnboundedSender<Received>,
    script: Arc<Mutex<(usize, Script)>>,
) {
    let Some(received) = read(&mut stream).await else {
        return;
    };
    let answer = {
        let (count, script) = &mut *script.lock().unwrap();
        *count += 1;
        let answer = script(*count, &received);
        sender.send(received).unwrap();
        answer
    };
    // The other side may be gone; that is what some tests are about.
    match answer {
        Answer::Wire(text) => drop(stream.write_all(text.as_bytes()).await),
        Answer::Endless => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>".to_owned();
            let mut text = head;
            while stream.write_all(text.as_bytes()).await.is_ok() {
                text = "garbage ".repeat(1000);
            }
        }
        Answer::Silence => std::future::pending().await,
        Answer::When(permits) => {
            permits.acquire().await.unwrap().forget();
            let text = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            drop(stream.write_all(text.as_bytes()).await);
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = head {
            let headers = headers(std::str::from_utf8(&bytes[..end]).ok()?);
            let length: usize = headers["content-length"].to_str().ok()?.parse().ok()?;
            if bytes.len() >= end + 4 + length {
                let body = Bytes::copy_from_slice(&bytes[end + 4..]);
                return Some(Received { headers, body });
            }
        }
        let read = stream.read(&mut some).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&some[..read]);
    }
}

fn headers(head: &str) -> HeaderMap {
    let lines = head.split("\r\n").skip(1);
    let header = |line: &str| -> (HeaderName, _) {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse().unwrap(), value.parse().unwrap())
    };
    lines.map(header).collect()
}
