//! A platform with conversations that a test changes.

use client::{
    Endpoint, Tokens, Transport,
    testing::{Reply, ScriptedHttp},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};
use wire::{UtcTime, oauth::Credentials};

const LIST: &str = "/api/v2/conversations";

/// What a test may change.
#[derive(Default)]
pub(super) struct State {
    conversations: BTreeMap<String, Conversation>,
    /// How many changes there were: each comes so long after the one before.
    changes: u32,
    pub(super) step: Duration,
    /// Whether it counts the changes of a conversation.
    pub(super) versions: bool,
    /// Whether `expand` is known.
    pub(super) expands: bool,
    /// Conversations that are listed and not there.
    pub(super) gone: Vec<String>,
    /// A link that each page has instead of its own.
    pub(super) link: Option<String>,
    /// What lists are answered with instead.
    pub(super) status: Option<u16>,
    /// How often a list is answered with 500.
    pub(super) failures: u32,
}

#[derive(Clone)]
struct Conversation {
    version: u64,
    updated: UtcTime,
    state: String,
    texts: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Platform(Arc<Mutex<State>>);

impl Default for Platform {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            expands: true,
            step: Duration::from_secs(1),
            versions: true,
            ..State::default()
        })))
    }
}

impl Platform {
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    /// Adds texts to a conversation, which is made if it is not there.
    pub(super) fn say(&self, id: &str, texts: &[&str]) {
        self.update(id, |conversation| {
            conversation.texts.extend(texts.iter().map(ToString::to_string))
        });
    }

    /// Moves a conversation to a state.
    pub(super) fn to_state(&self, id: &str, state: &str) {
        self.update(id, |conversation| conversation.state = state.to_owned());
    }

    fn update(&self, id: &str, change: impl FnOnce(&mut Conversation)) {
        let mut state = self.0.lock().unwrap();
        state.changes += 1;
        let start: UtcTime = "2026-11-21T09:00:00Z".parse().unwrap();
        let updated = start.after(state.step * state.changes);
        let conversation = state
            .conversations
            .entry(id.to_owned())
            .or_insert_with(|| Conversation {
                version: 0,
                updated,
                state: "active".into(),
                texts: Vec::new(),
            });
        change(conversation);
        conversation.version += 1;
        conversation.updated = updated;
    }

    pub(super) fn updated(&self, id: &str) -> UtcTime {
        self.0.lock().unwrap().conversations[id].updated
    }

    pub(super) fn transport(&self) -> Transport {
        let state = self.0.clone();
        let http = Arc::new(ScriptedHttp::new(move |request| {
            let uri = request.uri();
            let query: HashMap<String, String> =
                url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                    .into_owned()
                    .collect();
            match uri.path() {
                "/oauth/token" => Reply::token("t", 3600),
                LIST => state.lock().unwrap().list(&query),
                path => state.lock().unwrap().one(path, &query),
            }
        }));
        let credentials = Credentials {
            client_id: "demo".parse().unwrap(),
            client_secret: "a client secret".into(),
        };
        let endpoint = Endpoint::new("https://platform.example").unwrap();
        let platform = client::Platform::new(endpoint, credentials);
        Transport::new(http.clone(), Tokens::new(http), platform)
    }
}

impl State {
    fn list(&mut self, query: &HashMap<String, String>) -> Reply {
        if self.failures > 0 {
            self.failures -= 1;
            return Reply::answer(500, "");
        }
        if let Some(status) = self.status {
            return Reply::answer(status, "");
        }
        let size: usize = query["pageSize"].parse().unwrap();
        let since: Option<UtcTime> = query.get("updatedDateGte").map(|since| since.parse().unwrap());
        let skip: usize = query.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
        let mut listed: Vec<(&String, &Conversation)> = self
            .conversations
            .iter()
            .filter(|(_, one)| since.is_none_or(|since| one.updated >= since))
            .collect();
        listed.sort_by_key(|(id, one)| (one.updated, (*id).clone()));
        let page: Vec<Value> = listed
            .iter()
            .skip(skip)
            .take(size)
            .map(|(id, one)| self.summary(id, one, query))
            .collect();
        let mut answer = json!({"entities": page});
        let mut own = format!("{LIST}?cursor={}&pageSize={size}&expand=all", skip + size);
        if let Some(since) = since {
            own.push_str(&format!("&updatedDateGte={since}"));
        }
        if self.link.is_some() || listed.len() > skip + size {
            answer["nextUri"] = self.link.clone().unwrap_or(own).into();
        }
        let far = "Sat, 21 Nov 2037 09:30:00 GMT";
        Reply::answer(200, answer.to_string()).with_header("date", far)
    }

    fn summary(&self, id: &str, one: &Conversation, query: &HashMap<String, String>) -> Value {
        let mut summary = json!({"id": id, "state": one.state, "updatedDate": one.updated,
            "lastSequence": one.texts.len()});
        if self.versions {
            summary["version"] = one.version.into();
        }
        if self.expands && query.contains_key("expand") {
            summary["expanded"] = json!({"conversation": whole(id, one), "interactions": said(id, one).into_iter().take(100).collect::<Vec<_>>()});
        }
        summary
    }

    fn one(&self, path: &str, query: &HashMap<String, String>) -> Reply {
        let rest = path.strip_prefix("/api/v2/conversations/").unwrap();
        let (id, below) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(one) = self
            .conversations
            .get(id)
            .filter(|_| !self.gone.iter().any(|gone| gone == id))
        else {
            return Reply::answer(404, "");
        };
        match below {
            "" => Reply::answer(200, whole(id, one).to_string()),
            _ => {
                let after: usize = query.get("after").map_or(0, |after| after.parse().unwrap());
                let limit: usize = query["limit"].parse().unwrap();
                let said: Vec<Value> = said(id, one).into_iter().skip(after).take(limit).collect();
                Reply::answer(200, Value::from(said).to_string())
            }
        }
    }
}

fn whole(id: &str, one: &Conversation) -> Value {
    json!({"id": id, "type": "webchat", "state": one.state, "version": one.version, "updatedDate": one.updated,
        "createdDate": "2026-11-21T08:00:00.000Z", "context": {"metadata": {"source": "web"}},
        "participants": [
            {"id": "bot-b", "direction": "outbound", "profile": {"name": "Bot"}},
            {"id": "user-1", "direction": "inbound", "profile": {"firstName": "Ann", "email": "ann@example.com"}}]})
}

fn said(id: &str, one: &Conversation) -> Vec<Value> {
    let said = one.texts.iter().enumerate().map(|(at, text)| {
        let direction = if at % 2 == 0 { "inbound" } else { "outbound" };
        json!({"id": format!("{id}-{}", at + 1), "sequence": at + 1, "direction": direction, "type": "message", "text": text,
            "read": false, "createdDate": "2026-11-21T08:00:00.000Z", "inReplyTo": null, "participantId": "user-1"})
    });
    said.collect()
}
