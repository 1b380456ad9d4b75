//! Ticketing systems that behave like the real ones: what they have, and how they answer.

use client::testing::{Reply, ScriptedHttp};
use http::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// A ticket of either system.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ticket {
    pub(super) external: String,
    pub(super) subject: String,
    pub(super) status: String,
    pub(super) comments: Vec<String>,
}

/// What a system has, and how it is to fail.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) tickets: BTreeMap<u64, Ticket>,
    pub(super) requests: u64,
    /// After so many requests each is done and its answer is lost.
    pub(super) lost_after: Option<u64>,
    /// Every so manieth request is carried out, and answered with 500.
    pub(super) fails_after: Option<u64>,
    /// Requests that it did not understand.
    pub(super) odd: Vec<String>,
}

pub(super) type Shared = Arc<Mutex<Desk>>;

/// An API like that of Zendesk: tickets by `external_id`, comments as parts of updates.
pub(super) fn zendesk(desk: &Shared) -> Arc<ScriptedHttp> {
    serve(desk, |desk, method, path, query, body| {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["api", "v2", "tickets.json"]) => {
                let external = query.strip_prefix("external_id=")?;
                let found = desk
                    .tickets
                    .iter()
                    .filter(|(_, ticket)| ticket.external == external);
                let found: Vec<Value> = found
                    .map(|(id, ticket)| json!({"id": id, "subject": ticket.subject}))
                    .collect();
                Some((200, json!({"tickets": found, "next_page": null})))
            }
            ("POST", ["api", "v2", "tickets.json"]) => {
                let ticket = &body["ticket"];
                let id = desk.add(ticket["external_id"].as_str()?, ticket["subject"].as_str()?);
                desk.tickets.get_mut(&id)?.status = ticket["status"].as_str().unwrap_or("new").to_owned();
                // As there, the description is the first comment.
                ticket["comment"]["body"].as_str()?;
                Some((201, json!({"ticket": {"id": id}})))
            }
            ("GET", ["api", "v2", "tickets", id, "comments.json"]) => {
                let ticket = desk.tickets.get(&id.parse().ok()?)?;
                let comments: Vec<Value> = ticket.comments.iter().map(|body| json!({"body": body})).collect();
                Some((200, json!({"comments": comments, "next_page": null})))
            }
            ("PUT", ["api", "v2", "tickets", id]) => {
                let ticket = desk.tickets.get_mut(&id.strip_suffix(".json")?.parse().ok()?)?;
                if let Some(text) = body["ticket"]["comment"]["body"].as_str() {
                    ticket.comments.push(text.to_owned());
                }
                if let Some(status) = body["ticket"]["status"].as_str() {
                    ["new", "open", "pending", "solved"]
                        .contains(&status)
                        .then_some(())?;
                    ticket.status = status.to_owned();
                }
                Some((200, json!({"ticket": {}})))
            }
            _ => None,
        }
    })
}

/// An API like that of Jira: issues by a label, comments of their own, states by transitions.
pub(super) fn jira(desk: &Shared) -> Arc<ScriptedHttp> {
    serve(desk, |desk, method, path, query, body| {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let [rest, api, two, parts @ ..] = parts.as_slice() else {
            return None;
        };
        ((*rest, *api, *two) == ("rest", "api", "2")).then_some(())?;
        let number = |key: &str| key.strip_prefix("SUP-")?.parse::<u64>().ok();
        match (method, parts) {
            ("GET", ["search"]) => {
                let jql = url::form_urlencoded::parse(query.as_bytes())
                    .find(|(name, _)| name == "jql")?
                    .1
                    .into_owned();
                let label = jql.split('"').nth(1)?;
                let found = desk.tickets.iter().filter(|(_, ticket)| ticket.external == label);
                let found: Vec<Value> = found.map(|(id, _)| json!({"key": format!("SUP-{id}")})).collect();
                Some((200, json!({"issues": found})))
            }
            ("POST", ["issue"]) => {
                let fields = &body["fields"];
                fields["project"]["key"].as_str()?;
                let label = fields["labels"]
                    .as_array()?
                    .iter()
                    .filter_map(Value::as_str)
                    .find(|label| label.starts_with("tl"))?;
                let id = desk.add(label, fields["summary"].as_str()?);
                desk.tickets.get_mut(&id)?.status = "11".to_owned();
                Some((201, json!({"id": id.to_string(), "key": format!("SUP-{id}")})))
            }
            ("GET", ["issue", key, "comment"]) => {
                let ticket = desk.tickets.get(&number(key)?)?;
                let comments: Vec<Value> = ticket.comments.iter().map(|body| json!({"body": body})).collect();
                Some((200, json!({"comments": comments})))
            }
            ("POST", ["issue", key, "comment"]) => {
                let text = body["body"].as_str()?.to_owned();
                desk.tickets.get_mut(&number(key)?)?.comments.push(text);
                Some((201, json!({})))
            }
            ("POST", ["issue", key, "transitions"]) => {
                let status = body["transition"]["id"].as_str()?.to_owned();
                desk.tickets.get_mut(&number(key)?)?.status = status;
                Some((204, Value::Null))
            }
            _ => None,
        }
    })
}

impl Desk {
    fn add(&mut self, external: &str, subject: &str) -> u64 {
        let id = self.tickets.keys().last().map_or(1, |last| last + 1);
        let ticket = Ticket {
            external: external.to_owned(),
            subject: subject.to_owned(),
            ..Ticket::default()
        };
        self.tickets.insert(id, ticket);
        id
    }
}

/// Answers each request as the system does; one that it does not understand is 404, and noted.
fn serve(
    desk: &Shared,
    system: impl Fn(&mut Desk, &str, &str, &str, &Value) -> Option<(u16, Value)> + Send + 'static,
) -> Arc<ScriptedHttp> {
    let desk = desk.clone();
    Arc::new(ScriptedHttp::new(move |request| {
        let mut desk = desk.lock().unwrap();
        desk.requests += 1;
        if request.headers()["authorization"] != "Bearer desk-token" {
            return Reply::answer(401, "");
        }
        let is_keyed = request.headers().contains_key("idempotency-key");
        assert_eq!(is_keyed, request.method() != Method::GET, "{request:?}");
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let answer = system(&mut desk, request.method().as_str(), path, query, &body);
        let Some((status, answer)) = answer else {
            desk.odd
                .push(format!("{} {path}?{query} {body}", request.method()));
            return Reply::answer(404, "");
        };
        if desk.lost_after.is_some_and(|after| desk.requests > after) {
            // Not a failure that is tried again here: the process is gone.
            return Reply::answer(418, "");
        }
        if desk
            .fails_after
            .is_some_and(|every| desk.requests.is_multiple_of(every))
        {
            return Reply::answer(500, "");
        }
        Reply::answer(status, answer.to_string())
    }))
}
