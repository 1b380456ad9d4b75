//! A platform with a bot that a test makes up, without sockets, on tokio's paused clock.

use bytes::Bytes;
use client::{
    Conversations, Endpoint, Platform as At, Tokens, Transport,
    testing::{Reply, ScriptedHttp},
};
use jobs::conversations::Platform;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;
use wire::oauth::Credentials;

/// What the bot answers to a message: after how many milliseconds, and what.
type Answers = dyn FnMut(&Memory, &str) -> Vec<(u64, String)> + Send;
/// What a request is answered with instead of what it should be.
type Trouble = dyn FnMut(&str, &str) -> Option<Reply> + Send;

/// What was said in a conversation so far.
pub(crate) struct Memory {
    pub(crate) said: Vec<String>,
    /// How many conversations were made before.
    pub(crate) earlier: usize,
}

struct Kept {
    body: Value,
    /// When it is there.
    from: Instant,
    version: u64,
    interactions: Vec<(Instant, Value)>,
    memory: Memory,
}

#[derive(Default)]
struct State {
    conversations: HashMap<String, Kept>,
    bodies: Vec<(String, Value)>,
}

pub(crate) struct Made {
    state: Mutex<State>,
    answers: Mutex<Box<Answers>>,
    trouble: Mutex<Box<Trouble>>,
    /// Whether what is in trouble was done all the same.
    loses_answers: bool,
    /// How long it takes to make a conversation.
    creates_after: Mutex<Duration>,
    /// What was said under which key.
    keys: Mutex<HashMap<String, String>>,
}

impl Made {
    pub(crate) fn up(answers: impl FnMut(&Memory, &str) -> Vec<(u64, String)> + Send + 'static) -> Arc<Self> {
        Self::with_trouble(answers, |_, _| None)
    }

    /// `trouble` is asked with the method and the path first.
    pub(crate) fn with_trouble(
        answers: impl FnMut(&Memory, &str) -> Vec<(u64, String)> + Send + 'static,
        trouble: impl FnMut(&str, &str) -> Option<Reply> + Send + 'static,
    ) -> Arc<Self> {
        Self::with(answers, trouble, false)
    }

    /// The same, but what `trouble` answers instead was done: its true answer is lost. Keys are honoured for messages.
    pub(crate) fn with_lost_answers(
        answers: impl FnMut(&Memory, &str) -> Vec<(u64, String)> + Send + 'static,
        trouble: impl FnMut(&str, &str) -> Option<Reply> + Send + 'static,
    ) -> Arc<Self> {
        Self::with(answers, trouble, true)
    }

    fn with(
        answers: impl FnMut(&Memory, &str) -> Vec<(u64, String)> + Send + 'static,
        trouble: impl FnMut(&str, &str) -> Option<Reply> + Send + 'static,
        loses_answers: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            answers: Mutex::new(Box::new(answers)),
            trouble: Mutex::new(Box::new(trouble)),
            loses_answers,
            creates_after: Mutex::default(),
            keys: Mutex::default(),
        })
    }

    /// From now on, it takes so long until a conversation is made.
    pub(crate) fn creates_after(&self, time: Duration) {
        *self.creates_after.lock().unwrap() = time;
    }

    /// What was said in all conversations.
    pub(crate) fn said(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let said = state.conversations.values().flat_map(|kept| &kept.memory.said);
        said.cloned().collect()
    }

    pub(crate) fn platform(self: &Arc<Self>) -> Platform {
        let made = self.clone();
        let http = Arc::new(ScriptedHttp::new(move |request| made.answer(request)));
        let at = At::new(
            Endpoint::new("https://platform.example").unwrap(),
            Credentials {
                client_id: "demo".parse().unwrap(),
                client_secret: "the secret".into(),
            },
        );
        Platform::new(Conversations::new(&Transport::new(
            http.clone(),
            Tokens::new(http),
            at,
        )))
    }

    /// The states of all conversations.
    pub(crate) fn states(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let states = state
            .conversations
            .values()
            .map(|kept| kept.body["state"].as_str().unwrap().to_owned());
        states.collect()
    }

    /// The bodies of requests with this method and end of the path.
    pub(crate) fn bodies(&self, of: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        let those = state.bodies.iter().filter(|(what, _)| what == of);
        those.map(|(_, body)| body.clone()).collect()
    }

    /// Changes a conversation as somebody else would.
    pub(crate) fn meddle(&self) {
        for kept in self.state.lock().unwrap().conversations.values_mut() {
            kept.version += 1;
        }
    }

    fn answer(&self, request: &http::Request<Bytes>) -> Reply {
        let (method, path) = (request.method().as_str(), request.uri().path());
        if path == "/oauth/token" {
            return Reply::token("t-1", 3600);
        }
        let trouble = (self.trouble.lock().unwrap())(method, path);
        match trouble {
            // Nothing is done that says so.
            Some(trouble) if !self.loses_answers || trouble.status() == Some(429) => trouble,
            Some(trouble) => {
                self.known(request, method, path);
                trouble
            }
            None => self.known(request, method, path),
        }
    }

    /// What is said under a key is said once.
    fn known(&self, request: &http::Request<Bytes>, method: &str, path: &str) -> Reply {
        let key = request
            .headers()
            .get("idempotency-key")
            .filter(|_| path.ends_with("/interactions"));
        let Some(key) = key.map(|key| key.to_str().unwrap().to_owned()) else {
            return self.done(request, method, path);
        };
        if let Some(body) = self.keys.lock().unwrap().get(&key) {
            return Reply::answer(201, body.clone());
        }
        let reply = self.done(request, method, path);
        if let Some(body) = reply.body() {
            self.keys.lock().unwrap().insert(key, body);
        }
        reply
    }

    fn done(&self, request: &http::Request<Bytes>, method: &str, path: &str) -> Reply {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let parts: Vec<&str> = path
            .trim_start_matches("/api/v2/conversations")
            .split('/')
            .collect();
        let state = &mut *self.state.lock().unwrap();
        let what = format!("{method} {}", parts.get(2).unwrap_or(&""));
        state.bodies.push((what.trim_end().to_owned(), body.clone()));
        match (method, parts.as_slice()) {
            ("POST", [""]) => state.create(body, *self.creates_after.lock().unwrap()),
            (_, ["", id]) => match state
                .conversations
                .get_mut(*id)
                .filter(|kept| kept.from <= Instant::now())
            {
                None => Reply::answer(404, ""),
                Some(kept) if method == "GET" => Reply::answer(200, kept.view().to_string()),
                Some(kept) => kept.change(request, &body),
            },
            ("POST", ["", id, _]) => match state.conversations.get_mut(*id) {
                Some(kept) => kept.say(&body, &mut self.answers.lock().unwrap()),
                None => Reply::answer(404, ""),
            },
            ("GET", ["", id, _]) => {
                let after = request.uri().query().unwrap_or_default();
                let after = after
                    .split('&')
                    .find_map(|pair| pair.strip_prefix("after="))
                    .unwrap_or("0");
                match state.conversations.get(*id) {
                    Some(kept) => kept.since(after.parse().unwrap()),
                    None => Reply::answer(404, ""),
                }
            }
            _ => Reply::answer(404, ""),
        }
    }
}

impl State {
    fn create(&mut self, body: Value, after: Duration) -> Reply {
        let id = body["id"].as_str().unwrap().to_owned();
        if let Some(kept) = self.conversations.get(&id) {
            return Reply::answer(201, kept.view().to_string());
        }
        let memory = Memory {
            said: vec![],
            earlier: self.conversations.len(),
        };
        let kept = Kept {
            body,
            from: Instant::now() + after,
            version: 1,
            interactions: vec![],
            memory,
        };
        let view = kept.view();
        self.conversations.insert(id, kept);
        Reply::answer(201, view.to_string()).after(after)
    }
}

impl Kept {
    fn view(&self) -> Value {
        let mut view = self.body.clone();
        view["version"] = json!(self.version);
        view["createdDate"] = json!("2026-11-21T09:30:00.000Z");
        view["updatedDate"] = json!("2026-11-21T09:30:00.000Z");
        view
    }

    fn change(&mut self, request: &http::Request<Bytes>, body: &Value) -> Reply {
        let asked = request
            .headers()
            .get("if-match")
            .map(|value| value.to_str().unwrap().to_owned());
        if asked.is_some_and(|asked| asked != format!("\"{}\"", self.version)) {
            return Reply::answer(412, "");
        }
        for field in ["state", "context"] {
            if !body[field].is_null() {
                self.body[field] = body[field].clone();
            }
        }
        self.version += 1;
        Reply::answer(200, self.view().to_string())
    }

    fn say(&mut self, body: &Value, answers: &mut Box<Answers>) -> Reply {
        let text = body["text"].as_str().unwrap().to_owned();
        let id = self.push(Instant::now(), "inbound", &text, None);
        let sequence = self.interactions.len();
        for (after, answer) in answers(&self.memory, &text) {
            self.push(
                Instant::now() + Duration::from_millis(after),
                "outbound",
                &answer,
                Some(&id),
            );
        }
        self.memory.said.push(text);
        Reply::answer(201, json!({"id": id, "sequence": sequence}).to_string())
    }

    fn push(&mut self, at: Instant, direction: &str, text: &str, in_reply_to: Option<&str>) -> String {
        let sequence = self.interactions.len() + 1;
        let id = format!("i-{sequence}");
        self.interactions.push((
            at,
            json!({"id": id, "sequence": sequence, "direction": direction, "type": "message", "text": text, "read": false,
                "createdDate": "2026-11-21T09:30:00.000Z", "inReplyTo": in_reply_to, "participantId": direction}),
        ));
        id
    }

    /// What is there by now; it holds no request for long, as a simple platform would.
    fn since(&self, after: u64) -> Reply {
        let now = Instant::now();
        let those = self.interactions.iter().take_while(|(at, _)| *at <= now);
        let newer: Vec<&Value> = those
            .map(|(_, interaction)| interaction)
            .filter(|interaction| interaction["sequence"].as_u64().unwrap() > after)
            .collect();
        let pause = if newer.is_empty() { 10 } else { 0 };
        Reply::answer(200, json!(newer).to_string()).after(Duration::from_millis(pause))
    }
}
