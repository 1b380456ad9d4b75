//! Completions in: `POST /webhooks/interaction-completed` (contract section 7).

use crate::intake::{Parts, json, kept, not_from_a_page, refuse};
use axum::{Extension, body::Bytes, extract::State, response::Response};
use http::HeaderMap;
use jobs::follow_up::{RECEIVED, accepted};
use serde_json::{Map, Value};
use server::Refusal;
use std::sync::Arc;
use store::Committed;
use webhooks::{Incoming, Refused, Source};
use wire::{Faults, UtcTime, completion::Completion, ids::CorrelationId};

/// Takes a completion: 200 once it is durable, together with what is owed for it.
pub(crate) async fn take(
    state: State<Arc<Parts>>,
    correlation: Extension<CorrelationId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    accept(state, correlation, &headers, &body)
        .await
        .map_err(Refusal::with_error)
}

async fn accept(
    State(parts): State<Arc<Parts>>,
    Extension(correlation): Extension<CorrelationId>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Refusal> {
    let now: UtcTime = jiff::Timestamp::now().into();
    let source = parts.completions();
    not_from_a_page(&source, headers)?;
    let _waiting = parts.rush.came();
    let (completion, members) = read(&source, headers, body, now).map_err(|why| refuse(&source.name, why))?;
    let commit = accepted(&completion, members, now, correlation);
    match kept(parts.store.commit(commit).await)? {
        // The interaction is known: what it led to stays as it is.
        Committed::Duplicate { answer } => Ok(json(answer)),
        _ => Ok(json(RECEIVED.to_owned())),
    }
}

fn read(
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
    now: UtcTime,
) -> Result<(Completion, Map<String, Value>), Refused> {
    // The id of the interaction is the event's: what else could be its id, such as `eventId`, is told but does not count.
    let Incoming { body, .. } = webhooks::receive(source, headers, body, now)?;
    let completion = Completion::parse(&body).map_err(Refused::Malformed)?;
    if matches!(completion.interaction_id.as_str(), "." | "..") {
        let fault = "interactionId can't stand in an address; use another one";
        return Err(Refused::Malformed(Faults::one(fault)));
    }
    Ok((completion, body))
}
