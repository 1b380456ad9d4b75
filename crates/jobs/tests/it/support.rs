//! What the tests share: a platform that gives calls, whose lines the test plays by hand.

use client::{
    BoxStream, CallControl, Endpoint, Platform, Profiles, Tokens, Transport,
    testing::{Reply, ScriptedHttp},
};
use flow::menu::{self, KnownPrompts};
use futures_util::{SinkExt, StreamExt};
use jobs::{
    audit::{AuditLog, MemoryLog},
    menu::{Left, MenuError, MenuJob},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::{AbortHandle, JoinHandle},
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, Role},
    },
};
use wire::{
    callcontrol::{Command, CommandFrame, Hello},
    ids::{CallId, ExternalId},
    oauth::Credentials,
};

const MENU: &str = include_str!("menu.toml");
/// The caller that the tests look up.
pub(crate) const CALLER: &str = "CRM-1";
pub(crate) const PREMIUM: &str = r#"{"id":"p1","externalId":"CRM-1","dateModified":"2026-11-21T09:30:00.000Z",
    "attributes":{"membership_level":"premium"}}"#;
/// Longer than any call of the tests; only a job that waits for ever gets there.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// A platform and the job that leads its calls.
pub(crate) struct Rig {
    pub(crate) http: Arc<ScriptedHttp>,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) job: MenuJob,
    streams: UnboundedReceiver<DuplexStream>,
    /// What `connected` says of the caller.
    pub(crate) known_as: Option<&'static str>,
    zero: Instant,
}

/// How a call was left, once it was.
pub(crate) type Leading = JoinHandle<Result<Left, MenuError>>;

impl Rig {
    /// A platform that answers every request for a profile by `profile`.
    pub(crate) fn new(profile: impl FnMut() -> Reply + Send + 'static) -> Self {
        Self::with_handshakes(profile, |_| None)
    }

    /// A platform that knows no caller.
    pub(crate) fn without_profiles() -> Self {
        Self::new(|| Reply::answer(404, ""))
    }

    /// The same, which answers the handshake of that number (from 1) by `handshake`, or switches where that has no answer.
    pub(crate) fn with_handshakes(
        profile: impl FnMut() -> Reply + Send + 'static,
        handshake: impl FnMut(usize) -> Option<Reply> + Send + 'static,
    ) -> Self {
        let log = Arc::new(MemoryLog::default());
        Self::with_log(profile, handshake, log.clone(), log)
    }

    /// A platform without profiles, whose job notes what it does in `audit`.
    pub(crate) fn audited(audit: Arc<dyn AuditLog>) -> Self {
        Self::with_log(|| Reply::answer(404, ""), |_| None, audit, Arc::default())
    }

    fn with_log(
        mut profile: impl FnMut() -> Reply + Send + 'static,
        mut handshake: impl FnMut(usize) -> Option<Reply> + Send + 'static,
        audit: Arc<dyn AuditLog>,
        log: Arc<MemoryLog>,
    ) -> Self {
        let (sender, streams) = mpsc::unbounded_channel();
        let mut handshakes = 0;
        let http = Arc::new(ScriptedHttp::new(move |request| match request.uri().path() {
            "/oauth/token" => Reply::token("token", 3600),
            "/api/v2/callcontrol/websocket" => {
                handshakes += 1;
                handshake(handshakes).unwrap_or_else(|| {
                    let (ours, theirs) = duplex(64 * 1024);
                    sender.send(ours).unwrap();
                    Reply::switch(Box::new(theirs) as BoxStream)
                })
            }
            path => {
                assert!(path.starts_with("/api/v2/profiles/external/"), "{path}");
                profile()
            }
        }));
        let credentials = Credentials {
            client_id: "demo".parse().unwrap(),
            client_secret: "hunter2".into(),
        };
        let platform = Platform::new(Endpoint::new("https://platform.example").unwrap(), credentials);
        let transport = Transport::new(http.clone(), Tokens::new(http.clone()), platform);
        let menu = menu::parse(MENU, KnownPrompts::Any).unwrap_or_else(|faults| panic!("{faults:?}"));
        let job = MenuJob::new(
            Arc::new(menu),
            CallControl::new(transport.clone()),
            Profiles::new(transport),
            audit,
        );
        Self {
            http,
            log,
            job,
            streams,
            known_as: None,
            zero: Instant::now(),
        }
    }

    /// The job takes a call of [`CALLER`].
    pub(crate) fn lead(&self) -> Leading {
        self.lead_call("call-1", Some(CALLER))
    }

    pub(crate) fn lead_call(&self, call: &str, external_id: Option<&str>) -> Leading {
        let (job, call) = (self.job.clone(), call.parse::<CallId>().unwrap());
        let external_id = external_id.map(|id| id.parse::<ExternalId>().unwrap());
        tokio::spawn(async move { job.run(&call, external_id).await })
    }

    /// The job takes a call of [`CALLER`], and the platform gives it.
    pub(crate) async fn led(&mut self) -> (Leading, Peer) {
        let leading = self.lead();
        (leading, self.answer().await)
    }

    /// The platform's side of the next connection, after `connected`.
    pub(crate) async fn answer(&mut self) -> Peer {
        let (hello, mut socket) = self.accept().await;
        let connected = json!({"event": "connected", "callControlId": hello.call, "session": {
            "ani": "+15550100", "dnis": "+18005550100", "codec": "PCMU", "startedAt": "2026-11-21T09:30:00.000Z",
            "externalId": self.known_as}});
        socket.send(Message::text(connected.to_string())).await.unwrap();
        Peer::start(hello.call, socket)
    }

    /// The next connection, up to its first frame.
    pub(crate) async fn accept(&mut self) -> (Hello, WebSocketStream<DuplexStream>) {
        let stream = timeout(FOR_EVER, self.streams.recv()).await;
        let stream = stream.expect("nobody connects").unwrap();
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let hello = socket.next().await.unwrap().unwrap().into_text().unwrap();
        (Hello::parse(&hello).unwrap(), socket)
    }

    /// How many profiles were asked for.
    pub(crate) fn lookups(&self) -> usize {
        self.seen("/api/v2/profiles/external/")
    }

    /// How many connections were asked for.
    pub(crate) fn handshakes(&self) -> usize {
        self.seen("/api/v2/callcontrol/websocket")
    }

    fn seen(&self, path: &str) -> usize {
        let seen = self.http.seen();
        seen.iter()
            .filter(|seen| seen.request.uri().path().starts_with(path))
            .count()
    }

    /// What the audit log's entries of this kind say, their reasons included.
    pub(crate) fn audit(&self, what: &str) -> Vec<Value> {
        let action = format!("menu.{what}");
        let entries = self.log.entries().into_iter();
        let told = entries.filter(|entry| entry.action == action).map(|entry| {
            let mut told = entry.detail;
            told.extend(
                entry
                    .personal
                    .into_iter()
                    .map(|(field, text)| (field, text.into())),
            );
            Value::Object(told)
        });
        told.collect()
    }

    /// Virtual time since the rig was made.
    pub(crate) fn ms(&self) -> u128 {
        self.zero.elapsed().as_millis()
    }
}

/// How the call was left; a job that never comes to an end fails the test.
pub(crate) async fn end_of(leading: Leading) -> Result<Left, MenuError> {
    timeout(FOR_EVER, leading)
        .await
        .expect("the job never ends")
        .unwrap()
}

/// The platform's side of a connection. It answers pings by itself; dropping it breaks the connection.
pub(crate) struct Peer {
    pub(crate) call: CallId,
    commands: UnboundedReceiver<CommandFrame>,
    out: UnboundedSender<Message>,
    task: AbortHandle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    fn start(call: CallId, mut socket: WebSocketStream<DuplexStream>) -> Self {
        let (out, mut messages) = mpsc::unbounded_channel();
        let (sender, commands) = mpsc::unbounded_channel();
        let id = call.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(message) = messages.recv() => socket.send(message).await.unwrap(),
                    message = socket.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let _ = sender.send(CommandFrame::parse(&text, &id).unwrap());
                        }
                        Some(Ok(_)) => {}
                        _ => return,
                    },
                }
            }
        });
        Self {
            call,
            commands,
            out,
            task: task.abort_handle(),
        }
    }

    /// The next command; `None` once the connection is closed.
    pub(crate) async fn command(&mut self) -> Option<CommandFrame> {
        timeout(FOR_EVER, self.commands.recv())
            .await
            .expect("no command comes")
    }

    /// Whether no command is waiting.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.commands.try_recv().is_err()
    }

    /// The next command is to play this; its name.
    pub(crate) async fn asked_to_play(&mut self, prompt: &str) -> String {
        match self.command().await {
            Some(CommandFrame {
                command_id: Some(id),
                command: Command::Play(play),
            }) if play.audio.to_string() == prompt => id.to_string(),
            other => panic!("not a play of {prompt}: {other:?}"),
        }
    }

    /// The next commands are to play these, and they are heard to their ends.
    pub(crate) async fn plays(&mut self, prompts: &[&str]) {
        for prompt in prompts {
            let play = self.asked_to_play(prompt).await;
            self.say(json!({"event": "playback_started", "commandId": play, "audio": prompt}));
            self.finished(&play, "completed");
        }
    }

    pub(crate) fn started(&self, play: &str) {
        self.say(json!({"event": "playback_started", "commandId": play, "audio": "x"}));
    }

    /// The next command is this one; its name.
    pub(crate) async fn asked(&mut self, wanted: Command) -> String {
        let frame = self.command().await.expect("the connection is closed");
        assert_eq!(frame.command, wanted);
        frame.command_id.expect("every command has a name").to_string()
    }

    pub(crate) async fn asked_to_transfer(&mut self, target: &str) -> String {
        self.asked(Command::Transfer(target.parse().unwrap())).await
    }

    /// The next command is this transfer, and it works.
    pub(crate) async fn transfers(&mut self, target: &str) {
        self.asked_to_transfer(target).await;
        self.say(json!({"event": "transferred", "target": target}));
    }

    pub(crate) fn finished(&self, play: &str, reason: &str) {
        self.say(json!({"event": "playback_finished", "commandId": play, "audio": "x", "reason": reason}));
    }

    pub(crate) fn press(&self, keys: &str) {
        for key in keys.chars() {
            self.say(json!({"event": "dtmf", "digit": key.to_string(), "durationMs": 80}));
        }
    }

    pub(crate) fn refuse(&self, command: Option<&str>, message: &str) {
        self.say(json!({"event": "error", "commandId": command, "message": message}));
    }

    pub(crate) fn hang_up(&self, cause: &str) {
        self.say(json!({"event": "hangup", "cause": cause}));
    }

    pub(crate) fn say(&self, event: Value) {
        self.out.send(Message::text(event.to_string())).unwrap();
    }

    pub(crate) fn close(&self, code: u16, reason: &'static str) {
        self.out.send(close(code, reason)).unwrap();
    }
}

pub(crate) fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame {
        code: code.into(),
        reason: reason.into(),
    }))
}

pub(crate) fn transferred(target: &str) -> Left {
    Left::Transferred(target.parse().unwrap())
}
