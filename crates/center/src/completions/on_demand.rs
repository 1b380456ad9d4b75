//! `POST /center/v1/completions`: one completion, for the administrator.

use super::event::{Completed, KIND};
use crate::{app::App, calls, clock::Clock, interactions::Interaction};
use axum::{Extension, extract::State};
use http::StatusCode;
use serde_json::{Value, json};
use server::{Json, Refusal};
use std::sync::Arc;
use store::Commit;
use webhooks::Endpoint;
use wire::{
    Faults,
    completion::Completion,
    fault::{self, Object},
    ids::CorrelationId,
};

/// Sends a completion; an interaction that the center does not know is fine, its form is 404. Each request is a new event.
pub(crate) async fn complete(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    body: String,
) -> Result<Json<Value>, Refusal> {
    let asked = parse(&body).map_err(Refusal::faults)?;
    let endpoints = app
        .subscribers
        .current()
        .await
        .map_err(|_| calls::store_unavailable())?;
    let wants = endpoints.iter().filter(|endpoint| endpoint.events.contains(KIND));
    let (enabled, disabled): (Vec<&Endpoint>, Vec<&Endpoint>) =
        wants.partition(|endpoint| endpoint.is_enabled());
    if enabled.is_empty() {
        return Err(Refusal::new(StatusCode::CONFLICT, nowhere(&disabled)));
    }
    let to: Vec<&str> = enabled.iter().map(|endpoint| endpoint.url.as_str()).collect();
    let completed = Completed::new(Interaction {
        id: asked.interaction_id,
        agent_id: asked.agent_id,
        call_id: None,
        completed_at: asked.completed_at.unwrap_or_else(Clock::utc),
        responses: None,
    });
    let mut commit = Commit::default();
    completed.announce(&mut commit, &endpoints, Some(correlation));
    app.store.commit(commit).await.map_err(|error| {
        tracing::error!(%error, "a completion can't be written down");
        calls::store_unavailable()
    })?;
    let answer = json!({"eventId": completed.event_id.to_string(), "interactionId": completed.interaction.id, "to": to});
    Ok(Json(StatusCode::ACCEPTED, answer))
}

/// Why completions go nowhere.
fn nowhere(disabled: &[&Endpoint]) -> String {
    let first = disabled
        .first()
        .and_then(|endpoint| Some((&endpoint.id, endpoint.disabled.as_ref()?)));
    match first {
        None => "completions go nowhere; start the center with --completions-to URL".to_owned(),
        Some((id, disabled)) => format!(
            "completions go nowhere: the endpoint {id} is disabled ({}); enable it with trunkline webhooks endpoints enable {id}",
            disabled.why
        ),
    }
}

fn parse(body: &str) -> Result<Completion, Faults> {
    let mut faults = Faults::new();
    let body = fault::json(body, &mut faults);
    let read = body.and_then(|body| Completion::read(&Object::top(&body, &mut faults)?, &mut faults));
    faults.finish(read)
}
