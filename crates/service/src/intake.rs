//! Events in: `POST /webhooks/{source}`.

use crate::{StartError, completions};
use audit::{Actor, Entry, Outcome};
use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use jobs::follow_up::{RECEIVED, Rush};
use serde_json::{Map, Value};
use server::{Refusal, bounded};
use std::sync::{Arc, PoisonError, RwLock};
use store::{Commit, Committed, Event, Store};
use webhooks::{
    Endpoints, Incoming, LARGEST_INCOMING, OutEvent, Refused, Secret, Source, Subscribers, is_event_type,
};
use wire::{Faults, UtcTime, ids::CorrelationId};

/// When to come again while the database can't be reached.
const RETRY_AFTER_S: u64 = 5;
/// Where an event may say what it is about; the first that is there counts.
const SUBJECTS: [&str; 5] = [
    "subject",
    "interactionId",
    "conversationId",
    "sessionId",
    "callId",
];

/// Takes events in, and has them durable before it answers.
#[derive(Clone)]
pub struct Intake(Arc<Parts>);

/// What every request can reach.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) sources: Vec<Source>,
    completions: RwLock<Source>,
    pub(crate) rush: Rush,
    subscribers: Subscribers,
}

impl Intake {
    /// Takes events from these sources, and completions.
    pub fn new(store: Store, sources: Vec<Source>, completions: Source) -> Result<Self, StartError> {
        check_sources(&sources)?;
        Ok(Self(Arc::new(Parts {
            subscribers: Subscribers::new(Endpoints::new(store.clone())),
            store,
            sources,
            completions: RwLock::new(completions),
            rush: Rush::default(),
        })))
    }

    /// The routes, for a server that has more of them. It brings correlation ids and the one shape of refusals.
    pub fn routes(&self) -> Router {
        let up_to = |most: usize, routes: Router<Arc<Parts>>| {
            let routes = routes.layer(DefaultBodyLimit::max(most));
            routes.layer(from_fn_with_state(most, bounded))
        };
        let completions = Router::new().route(&self.completions_path(), post(completions::take));
        let others = Router::new().route("/webhooks/{source}", post(take));
        up_to(completions::LARGEST, completions)
            .merge(up_to(LARGEST_INCOMING, others))
            .with_state(self.0.clone())
    }

    /// Where completions must be signed, those that are signed by this secret are taken too: by the center in this process.
    pub fn trust(&self, secret: Secret) {
        let mut completions = self.0.completions.write().unwrap_or_else(PoisonError::into_inner);
        if !completions.secrets.is_empty() {
            completions.secrets.push(secret);
        }
    }

    /// How many completions wait for their acknowledgement.
    pub fn rush(&self) -> Rush {
        self.0.rush.clone()
    }

    /// The names of those who may send events, completions aside.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.0.sources.iter().map(|source| source.name.as_str())
    }

    /// The path that completions come to.
    pub fn completions_path(&self) -> String {
        format!("/webhooks/{}", self.0.completions().name)
    }
}

impl Parts {
    /// Who may send completions.
    pub(crate) fn completions(&self) -> Source {
        self.completions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn check_sources(sources: &[Source]) -> Result<(), StartError> {
    for (at, source) in sources.iter().enumerate() {
        if sources[..at].iter().any(|other| other.name == source.name) {
            return Err(StartError::Twice(source.name.clone()));
        }
    }
    Ok(())
}

/// Takes an event: 200 once it, what follows from it and its audit entry are durable, all together.
pub(crate) async fn take(
    State(parts): State<Arc<Parts>>,
    Path(source): Path<String>,
    Extension(correlation): Extension<CorrelationId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Some(source) = parts.sources.iter().find(|known| known.name == source) else {
        let message = format!("there is no source {source:?}; name it in trunkline.toml, [[serve.source]]");
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    };
    not_from_a_page(source, &headers)?;
    let now: UtcTime = jiff::Timestamp::now().into();
    let incoming =
        webhooks::receive(source, &headers, &body, now).map_err(|why| refuse(&source.name, why))?;
    let kind = kind_of(&incoming, &source.name);
    let event = forwarded(&source.name, &incoming, &kind).map_err(Refusal::faults)?;
    let endpoints = parts
        .subscribers
        .current()
        .await
        .map_err(|error| unavailable(&error))?;
    let commit = Commit {
        intents: webhooks::intents(endpoints.iter(), &event),
        audit: vec![accepted(now, &source.name, &incoming, &kind, correlation)],
        event: Some(Event {
            source: source.name.clone(),
            id: incoming.event_id.clone(),
            body: incoming.text(),
            answer: RECEIVED.to_owned(),
        }),
        ..Commit::default()
    };
    match kept(parts.store.commit(commit).await)? {
        Committed::Duplicate { answer } => Ok(json(answer)),
        _ => Ok(json(RECEIVED.to_owned())),
    }
}

/// What came of the commit of an event, if it is durable.
pub(crate) fn kept(committed: Result<Committed, store::Error>) -> Result<Committed, Refusal> {
    match committed.map_err(|error| not_kept(&error))? {
        kept @ (Committed::Done | Committed::Duplicate { .. }) => Ok(kept),
        other => Err(Refusal::internal(&NotKept(other))),
    }
}

/// Refuses what a page sends that somebody has open in a browser: it can reach a service on this machine, but has no business with
/// it. Where events must be signed, that is enough.
pub(crate) fn not_from_a_page(source: &Source, headers: &HeaderMap) -> Result<(), Refusal> {
    let is_page = headers.contains_key(header::ORIGIN)
        || headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    if is_page && source.secrets.is_empty() {
        let message = "pages in a browser can't send events; let a program send them, or sign them";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    Ok(())
}

/// An event has no lease, no claim and no record that somebody else could hold.
#[derive(Debug, thiserror::Error)]
#[error("the commit of an event came to {0:?}")]
struct NotKept(Committed);

/// The event as its subscribers get it.
fn forwarded(source: &str, incoming: &Incoming, kind: &str) -> Result<OutEvent, Faults> {
    OutEvent::new(
        source,
        &incoming.event_id,
        kind,
        subject(incoming),
        incoming.text(),
    )
}

/// What the event is about, if it says so.
fn subject(incoming: &Incoming) -> Option<&str> {
    let subjects = SUBJECTS.iter().filter_map(|name| incoming.body.get(*name));
    let mut subjects = subjects.filter_map(Value::as_str);
    subjects.find(|subject| !subject.is_empty())
}

/// What the event says that it is, if that is a type; otherwise where it comes from.
fn kind_of(incoming: &Incoming, source: &str) -> String {
    let said = ["type", "eventType"]
        .iter()
        .filter_map(|name| incoming.body.get(*name));
    let said = said.filter_map(Value::as_str).find(|kind| is_event_type(kind));
    said.unwrap_or(source).to_owned()
}

fn accepted(at: UtcTime, source: &str, incoming: &Incoming, kind: &str, correlation: CorrelationId) -> Entry {
    let id = incoming.event_id.as_str();
    let detail = [("source", source), ("type", kind), ("eventId", id)];
    let detail = detail.map(|(name, value)| (name.to_owned(), Value::from(value)));
    Entry {
        at,
        actor: Actor::Service,
        action: "event.accepted".into(),
        // The same as that of its deliveries, so that they are found together.
        subject: Some(subject(incoming).unwrap_or(id).to_owned()),
        correlation: Some(correlation),
        outcome: Outcome::Success,
        detail: Map::from_iter(detail),
        personal: Vec::new(),
    }
}

/// A body that is JSON already.
pub(crate) fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The refusal of a request, noted in the log.
pub(crate) fn refuse(source: &str, why: Refused) -> Refusal {
    tracing::info!(
        source,
        why = &why as &dyn std::error::Error,
        "an event is refused"
    );
    match why {
        Refused::Malformed(faults) => Refusal::faults(faults),
        why => Refusal::new(why.status(), why.to_string()),
    }
}

/// What the store will never take is the sender's to mend; everything else may be better soon.
fn not_kept(error: &store::Error) -> Refusal {
    match error {
        store::Error::TooLarge { .. } | store::Error::ZeroByte { .. } => {
            tracing::info!(error = error as &dyn std::error::Error, "an event is refused");
            Refusal::faults(Faults::one(error.to_string()))
        }
        error => unavailable(error),
    }
}

fn unavailable(error: &store::Error) -> Refusal {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "an event is not accepted"
    );
    Refusal::unavailable(&format!("the event is not accepted: {error}"), RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_never_takes_is_the_senders_fault() {
        let status = |error| not_kept(&error).into_response().status();
        let what = "the body of an event";
        let large = store::Error::TooLarge {
            what,
            length: 2,
            most: 1,
        };
        assert_eq!(status(large), StatusCode::BAD_REQUEST);
        assert_eq!(status(store::Error::ZeroByte { what }), StatusCode::BAD_REQUEST);
        assert_eq!(status(store::Error::Full), StatusCode::SERVICE_UNAVAILABLE);
    }
}
