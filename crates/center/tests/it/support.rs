//! What the tests share: a center with a small tenant, an HTTP client, and call-control connections.

use center::{Center, Options, Tenant};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

/// Longest wait for anything that is expected: far more than it takes, far less than forever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Every scope that call control needs.
pub(crate) const CALL_CONTROL: &str = "callcontrol:inbound callcontrol:media";
pub(crate) const ALICE: (&str, &str) = ("alice", "alice-secret-1");
pub(crate) const BOB: (&str, &str) = ("bob", "bob+secret &%=2");

const TENANT: &str = r#"
    name = "test"
    [[client]]
    id = "alice"
    secret = "alice-secret-1"
    scopes = "all"
    [[client]]
    id = "bob"
    secret = "bob+secret &%=2"
    scopes = "profile:read callcontrol:inbound callcontrol:media"
    tokenLifetimeS = 1
    [announcements]
    apology = "confirmed"
    operator = "ext:operator"
    operatorGreeting = "invalid"
    agentGreeting = "invalid"
    [[profile]]
    id = "p-1"
    externalId = "CRM-1"
    attributes = { membership_level = "premium", open_tickets = 2 }
    dateModified = "2026-11-02T08:00:00.000Z"
    [[profile]]
    id = "p-2"
    externalId = "Zoë/Müller 50%"
    dateModified = "2026-11-02T08:00:00.000Z"
    [[call]]
    id = "call-12345-abcde"
    ani = "+15550123456"
    dnis = "+18005550100"
    script = [{ when = { nthPrompt = 2, delayMs = 100, latestMs = 5500 }, do = { press = "permitted" } }]
    [[agent]]
    id = "agent-1"
    name = "Ada"
    [[agent]]
    id = "agent-2"
    [[agent]]
    id = "agent-9"
    active = false
"#;

pub(crate) fn demo_prompts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/prompts")
}

/// A tenant with two clients and few prompts, so that it is loaded fast.
pub(crate) fn small_tenant() -> Tenant {
    tenant_with("")
}

/// The small tenant, and what else its file says.
pub(crate) fn tenant_with(more: &str) -> Tenant {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("prompts")).unwrap();
        for file in [
            "confirmed.wav",
            "invalid.wav",
            "general_welcome.wav",
            "general_welcome.mp3",
            "general_support.wav",
        ] {
            fs::copy(
                demo_prompts().join(file),
                folder.path().join("prompts").join(file),
            )
            .unwrap();
        }
        folder
    });
    tenant_in(folder.path(), more)
}

/// The small tenant with the prompts that are in a folder, and what else its file says.
pub(crate) fn tenant_in(folder: &Path, more: &str) -> Tenant {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = folder.join(format!("tenant-{number}.toml"));
    fs::write(&file, format!("{TENANT}\n{more}")).unwrap();
    Tenant::load(&file).unwrap()
}

pub(crate) type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A running center.
pub(crate) struct Rig {
    pub(crate) center: Center,
    pub(crate) folder: TempDir,
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::local(folder.path().join("data"), small_tenant());
        change(&mut options);
        let center = Center::start(options).await.unwrap();
        Self {
            base: center.addresses().base_url(),
            http: http_client().build().unwrap(),
            center,
            folder,
        }
    }

    /// The same center started again on its folder.
    pub(crate) async fn restarted(self, change: impl FnOnce(&mut Options)) -> Self {
        self.center.close().await;
        let mut options = Options::local(self.folder.path().join("data"), small_tenant());
        change(&mut options);
        let center = Center::start(options).await.unwrap();
        Self {
            base: center.addresses().base_url(),
            center,
            ..self
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn env(&self, name: &str) -> String {
        self.center
            .environment()
            .get(name)
            .unwrap()
            .expose_secret()
            .to_owned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).timeout(PATIENCE)
    }

    /// A request of the administrator.
    pub(crate) fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .bearer_auth(self.env("TRUNKLINE_ADMIN_TOKEN"))
    }

    pub(crate) async fn token_of(&self, (id, secret): (&str, &str), scope: &str) -> String {
        let form = form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", scope),
        ]);
        let answer = send(self.request(Method::POST, "/oauth/token").body(form)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn token(&self) -> String {
        self.token_of(ALICE, "").await
    }

    /// Places a call; `more` is merged into the request.
    pub(crate) async fn place(&self, id: &str, more: Value) {
        let mut body = json!({"id": id, "ani": "+1555", "dnis": "+1800"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = send(
            self.admin(Method::POST, "/center/v1/calls")
                .body(body.to_string()),
        )
        .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    /// A call when it is over.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        let call = self.call(id, "?wait=15").await;
        assert_eq!(call["state"], "ended", "{call}");
        call
    }

    pub(crate) async fn call(&self, id: &str, query: &str) -> Value {
        let answer = send(self.admin(Method::GET, &format!("/center/v1/calls/{id}{query}"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    }

    pub(crate) async fn status(&self) -> Value {
        send(self.admin(Method::GET, "/center/v1/status")).await.body
    }

    pub(crate) async fn dial(&self, token: &str) -> Result<Ws, tungstenite::Error> {
        let url = self
            .url("/api/v2/callcontrol/websocket")
            .replacen("http", "ws", 1);
        let mut request = url.into_client_request()?;
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        connect_async(request).await.map(|(socket, _)| socket)
    }

    /// Dials, says hello, and waits until the call is there.
    pub(crate) async fn control(&self, token: &str, call: &str, capabilities: &[&str]) -> Ws {
        let mut socket = self.dial(token).await.unwrap();
        say(&mut socket, hello(call, capabilities)).await;
        assert_eq!(event(&mut socket).await["event"], "connected");
        socket
    }
}

pub(crate) fn http_client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .for_each(|(name, value)| {
            form.append_pair(name, value);
        });
    form.finish()
}

/// An answer that was read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// `null` when the text is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a refusal in the one shape of all refusals.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["status"], status, "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        assert!(
            !self.body["message"].as_str().unwrap().is_empty(),
            "{}",
            self.text
        );
        let errors = self.body["errors"].as_array().unwrap();
        assert!(
            !errors.is_empty() && errors.iter().all(Value::is_string),
            "{}",
            self.text
        );
        assert_eq!(self.body["correlationId"], self.header("x-correlation-id"));
        assert_eq!(self.header("content-type"), "application/json");
        self
    }

    #[track_caller]
    pub(crate) fn mentions(&self, text: &str) {
        assert!(
            self.body["message"].as_str().unwrap().contains(text),
            "{}",
            self.text
        );
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

pub(crate) fn hello(call: &str, capabilities: &[&str]) -> Value {
    json!({"callControlId": call, "media": "audio", "capabilities": capabilities})
}

pub(crate) fn play(audio: &str, id: &str, keys: &[&str]) -> Value {
    json!({"action": "play", "audio": audio, "commandId": id,
           "dtmf": {"enabled": !keys.is_empty(), "keys": keys}})
}

pub(crate) async fn say(socket: &mut Ws, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

/// The next event.
#[track_caller]
pub(crate) fn event(socket: &mut Ws) -> impl Future<Output = Value> {
    let from = std::panic::Location::caller();
    let next = async move {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no event but {other:?} for {from}"),
            }
        }
    };
    // The center's pings must not prolong it, so the time is that of the whole.
    async move {
        timeout(PATIENCE, next)
            .await
            .unwrap_or_else(|_| panic!("no event for {from}"))
    }
}

/// Events up to the first one of that name, which is the last of the answer.
pub(crate) async fn events_until(socket: &mut Ws, name: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        events.push(event(socket).await);
        if events.last().unwrap()["event"] == name {
            return events;
        }
    }
}

/// The first event of that name; what comes before it is passed over.
pub(crate) async fn event_named(socket: &mut Ws, name: &str) -> Value {
    events_until(socket, name).await.pop().unwrap()
}

/// All events until the close frame, and its code.
pub(crate) async fn events_until_close(socket: &mut Ws) -> (Vec<Value>, u16) {
    let mut events = Vec::new();
    let until_close = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => events.push(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?} after {events:?}"),
            }
        }
    };
    let code = timeout(PATIENCE, until_close).await;
    (events, code.expect("the center does not close"))
}

/// Waits until a condition on the center's status holds.
pub(crate) async fn status_where(rig: &Rig, holds: impl Fn(&Value) -> bool) -> Value {
    let attempt = async {
        loop {
            let status = rig.status().await;
            if holds(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, attempt)
        .await
        .expect("the status does not come to what is expected")
}
