//! Completions in: `POST /webhooks/interaction-completed` (contract section 7).

use crate::intake::{Parts, json, kept, not_from_a_page, refuse};
use axum::{Extension, body::Bytes, extract::State, response::Response};
use http::HeaderMap;
use jobs::follow_up::{RECEIVED, accepted};
use serde_json::{Map, Value};
use server::Refusal;
use std::sync::Arc;
use store::Committed;
use webhooks::{Incoming, LARGEST_INCOMING, Refused, Source};
use wire::{Faults, UtcTime, completion::Completion, ids::CorrelationId};

/// The largest completion that is taken, in bytes: it is kept twice, once with more around it.
pub(crate) const LARGEST: usize = LARGEST_INCOMING / 2;

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
    let Incoming { body, .. } =
        webhooks::receive(source, headers, body, now).map_err(|refused| with_more(refused, body))?;
    let completion = Completion::parse(&body).map_err(Refused::Malformed)?;
    Ok((completion, body))
}

/// The faults that come to those which were found first, so that all are told at once.
fn with_more(refused: Refused, body: &[u8]) -> Refused {
    let Refused::Malformed(first) = refused else {
        return refused;
    };
    let more = serde_json::from_slice(body)
        .ok()
        .and_then(|body: Map<_, _>| Completion::parse(&body).err());
    let mut all = Faults::new();
    for fault in first
        .into_vec()
        .into_iter()
        .chain(more.into_iter().flat_map(Faults::into_vec))
    {
        all.push(fault);
    }
    Refused::Malformed(all)
}
