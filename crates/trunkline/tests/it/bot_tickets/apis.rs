//! Servers that answer as the APIs of ticketing systems do: they want to know who asks, are busy at times, fail at times after they did
//! what was asked, and make a second ticket or comment of whatever comes a second time.

use crate::receiver::{Receiver, Reply, Request};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, mpsc},
};

/// The write that is put off.
const BUSY: u64 = 2;
/// The write that is carried out, and answered with 500.
const BROKEN: u64 = 4;
/// Comments on a page.
const PAGE: usize = 2;

/// A system, and how it is reached.
#[derive(Clone, Copy)]
pub(super) struct System {
    /// Its template in `demo/sync`.
    pub(super) template: &'static str,
    /// What the template wants to know.
    pub(super) environment: &'static [(&'static str, &'static str)],
    authorization: &'static str,
    /// What it calls a conversation that is closed.
    pub(super) closed: &'static str,
    answer: fn(&mut State, &Asked) -> (u16, Value),
}

/// Tickets are found by an external id; comments come by updates, pages lead to the next; a creation knows repeats by their key.
pub(super) const ZENDESK: System = System {
    template: "zendesk.toml",
    environment: &[
        ("ZENDESK_USER", "agent@acme.example/token"),
        ("ZENDESK_TOKEN", "s3cret"),
    ],
    authorization: "Basic YWdlbnRAYWNtZS5leGFtcGxlL3Rva2VuOnMzY3JldA==",
    closed: "solved",
    answer: zendesk,
};

/// Issues are found by a label; nothing knows repeats.
pub(super) const JIRA: System = System {
    template: "jira.toml",
    environment: &[("JIRA_TOKEN", "s3cret")],
    authorization: "Bearer s3cret",
    closed: "31",
    answer: jira,
};

#[derive(Debug, Clone, Default)]
pub(super) struct Ticket {
    pub(super) external: String,
    pub(super) status: String,
    pub(super) comments: Vec<String>,
}

/// What a system has, and what came.
#[derive(Default)]
pub(super) struct State {
    pub(super) tickets: BTreeMap<u64, Ticket>,
    keys: BTreeMap<String, u64>,
    pub(super) requests: u64,
    writes: u64,
    /// The request that is carried out and never answered.
    pub(super) hangs_at: Option<u64>,
    /// What was refused.
    pub(super) refused: Vec<String>,
}

/// A system that runs.
pub(super) struct Desk {
    receiver: Receiver,
    state: Arc<Mutex<State>>,
    /// Hears of the request that is not answered.
    pub(super) hangs: mpsc::Receiver<()>,
}

/// A request, taken apart.
struct Asked {
    method: String,
    /// The parts of the path.
    path: Vec<String>,
    query: BTreeMap<String, String>,
    key: String,
    host: String,
    body: Value,
}

impl Desk {
    pub(super) fn start(system: System) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let (told, hangs) = mpsc::channel();
        let has = state.clone();
        let receiver = Receiver::answering(move |request, _| {
            let mut state = has.lock().unwrap();
            let hangs = state.hangs_at == Some(state.requests + 1);
            let reply = state.answer(system, request);
            if hangs {
                told.send(()).unwrap();
                return Reply::Nothing;
            }
            reply
        });
        Self {
            receiver,
            state,
            hangs,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.receiver.port())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Asked {
    fn of(request: &Request) -> Self {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        Self {
            method: request.method.clone(),
            path: path.trim_matches('/').split('/').map(str::to_owned).collect(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            key: request.header("idempotency-key").to_owned(),
            host: request.header("host").to_owned(),
            body: serde_json::from_str(&request.body).unwrap_or_default(),
        }
    }

    fn parts(&self) -> (&str, Vec<&str>) {
        (&self.method, self.path.iter().map(String::as_str).collect())
    }
}

impl State {
    fn answer(&mut self, system: System, request: &Request) -> Reply {
        self.requests += 1;
        if request.header("authorization") != system.authorization {
            return Reply::Json(401, json!({"error": "Couldn't authenticate you"}));
        }
        self.writes += u64::from(request.method != "GET");
        if request.method != "GET" && self.writes == BUSY {
            return Reply::With(429, "Retry-After: 1".into(), "");
        }
        let (status, body) = (system.answer)(self, &Asked::of(request));
        if status >= 400 {
            self.refused.push(format!(
                "{} {} {}: {status}",
                request.method, request.path, request.body
            ));
        }
        match request.method != "GET" && self.writes == BROKEN {
            true => Reply::Json(500, json!({"error": "InternalServerError"})),
            false => Reply::Json(status, body),
        }
    }

    fn add(&mut self, external: &str, status: &str) -> u64 {
        let id = 101 + self.tickets.len() as u64;
        let ticket = Ticket {
            external: external.to_owned(),
            status: status.to_owned(),
            comments: Vec::new(),
        };
        self.tickets.insert(id, ticket);
        id
    }
}

fn invalid(what: &str) -> (u16, Value) {
    (422, json!({"error": "RecordInvalid", "description": what}))
}

fn zendesk(state: &mut State, asked: &Asked) -> (u16, Value) {
    let (method, path) = asked.parts();
    let ["api", "v2", path @ ..] = path.as_slice() else {
        return (404, json!({"error": "InvalidEndpoint"}));
    };
    match (method, path) {
        ("GET", ["tickets.json"]) => {
            let wanted = &asked.query["external_id"];
            let found = state
                .tickets
                .iter()
                .filter(|(_, ticket)| ticket.external == *wanted);
            let found: Vec<Value> = found
                .map(
                    |(id, ticket)| json!({"id": id, "external_id": ticket.external, "status": ticket.status}),
                )
                .collect();
            (
                200,
                json!({"count": found.len(), "tickets": found, "next_page": null}),
            )
        }
        ("POST", ["tickets.json"]) => {
            let ticket = &asked.body["ticket"];
            let (Some(external), Some(_), Some(first)) = (
                ticket["external_id"].as_str(),
                ticket["subject"].as_str(),
                ticket["comment"]["body"].as_str(),
            ) else {
                return invalid("Description: cannot be blank");
            };
            let id = match state.keys.get(&asked.key) {
                Some(id) => *id,
                None => state.add(external, "new"),
            };
            state.keys.insert(asked.key.clone(), id);
            // The description is the first comment.
            let comments = &mut state.tickets.get_mut(&id).unwrap().comments;
            if comments.is_empty() {
                comments.push(first.to_owned());
            }
            (201, json!({"ticket": {"id": id, "external_id": external}}))
        }
        (method, ["tickets", rest @ ..]) => {
            let id = rest[0]
                .trim_end_matches(".json")
                .parse::<u64>()
                .unwrap_or_default();
            let Some(ticket) = state.tickets.get_mut(&id) else {
                return (404, json!({"error": "RecordNotFound"}));
            };
            match (method, rest) {
                ("GET", [_, "comments.json"]) => zendesk_comments(ticket, id, asked),
                ("PUT", [_]) => zendesk_update(ticket, &asked.body["ticket"]),
                _ => (404, json!({"error": "InvalidEndpoint"})),
            }
        }
        _ => (404, json!({"error": "InvalidEndpoint"})),
    }
}

fn zendesk_comments(ticket: &Ticket, id: u64, asked: &Asked) -> (u16, Value) {
    let page: usize = asked.query.get("page").map_or(1, |page| page.parse().unwrap());
    let comments: Vec<Value> = ticket
        .comments
        .iter()
        .skip((page - 1) * PAGE)
        .take(PAGE)
        .map(|body| json!({"type": "Comment", "body": body}))
        .collect();
    let is_last = page * PAGE >= ticket.comments.len();
    let next = format!(
        "http://{}/api/v2/tickets/{id}/comments.json?page={}",
        asked.host,
        page + 1
    );
    (
        200,
        json!({"comments": comments, "next_page": (!is_last).then_some(next), "count": ticket.comments.len()}),
    )
}

fn zendesk_update(ticket: &mut Ticket, update: &Value) -> (u16, Value) {
    if let Some(status) = update["status"].as_str() {
        if !["open", "pending", "hold", "solved", "new"].contains(&status) {
            return invalid("Status: is not valid");
        }
        ticket.status = status.to_owned();
    }
    if let Some(text) = update["comment"]["body"].as_str() {
        ticket.comments.push(text.to_owned());
    }
    (200, json!({"ticket": {"status": ticket.status}}))
}

fn jira(state: &mut State, asked: &Asked) -> (u16, Value) {
    let (method, path) = asked.parts();
    let ["rest", "api", "2", path @ ..] = path.as_slice() else {
        return (404, json!({"errorMessages": ["null for uri"]}));
    };
    match (method, path) {
        ("GET", ["search"]) => {
            let jql = &asked.query["jql"];
            let Some(label) = jql
                .strip_prefix("labels = \"")
                .and_then(|rest| rest.strip_suffix('"'))
            else {
                return (
                    400,
                    json!({"errorMessages": [format!("Error in the JQL Query: {jql}")]}),
                );
            };
            let found = state
                .tickets
                .iter()
                .filter(|(_, ticket)| ticket.external == label);
            let found: Vec<Value> = found
                .map(|(id, ticket)| json!({"key": format!("SUP-{id}"), "fields": {"status": {"id": ticket.status}}}))
                .collect();
            (200, json!({"total": found.len(), "issues": found}))
        }
        ("POST", ["issue"]) => {
            let fields = &asked.body["fields"];
            let labels: Vec<&str> = fields["labels"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let is_whole = fields["project"]["key"] == "SUP" && fields["issuetype"]["name"].is_string();
            let (true, [.., label], Some(_)) = (is_whole, labels.as_slice(), fields["summary"].as_str())
            else {
                return (
                    400,
                    json!({"errorMessages": [], "errors": {"summary": "You must specify a summary of the issue."}}),
                );
            };
            let id = state.add(label, "11");
            (201, json!({"id": id.to_string(), "key": format!("SUP-{id}")}))
        }
        (method, ["issue", key, below]) => {
            let id = key.strip_prefix("SUP-").and_then(|id| id.parse::<u64>().ok());
            let Some(ticket) = id.and_then(|id| state.tickets.get_mut(&id)) else {
                return (404, json!({"errorMessages": ["Issue Does Not Exist"]}));
            };
            jira_issue(ticket, method, below, &asked.body)
        }
        _ => (404, json!({"errorMessages": ["null for uri"]})),
    }
}

fn jira_issue(ticket: &mut Ticket, method: &str, below: &str, body: &Value) -> (u16, Value) {
    match (method, below) {
        ("GET", "comment") => {
            let comments: Vec<Value> = ticket.comments.iter().map(|body| json!({"body": body})).collect();
            (200, json!({"total": comments.len(), "comments": comments}))
        }
        ("POST", "comment") => match body["body"].as_str().filter(|text| !text.is_empty()) {
            Some(text) => {
                ticket.comments.push(text.to_owned());
                (201, json!({"id": ticket.comments.len().to_string()}))
            }
            None => (
                400,
                json!({"errors": {"comment": "Comment body can not be empty!"}}),
            ),
        },
        ("POST", "transitions") => match body["transition"]["id"].as_str() {
            Some(id @ ("11" | "21" | "31")) => {
                ticket.status = id.to_owned();
                (204, Value::Null)
            }
            _ => (
                400,
                json!({"errorMessages": ["It seems that you have tried to perform an invalid workflow operation."]}),
            ),
        },
        _ => (405, json!({})),
    }
}
