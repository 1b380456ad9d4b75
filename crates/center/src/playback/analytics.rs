//! `/api/v2/analytics/events/custom`.

use super::books;
use crate::{app::App, calls, tokens::Bearer};
use axum::{Extension, extract::State};
use http::StatusCode;
use serde_json::{Value, json};
use server::{Json, Refusal};
use std::sync::Arc;
use store::Commit;
use wire::{
    ids::CorrelationId,
    playback::{AnalyticsEvent, LARGEST_ANALYTICS_EVENT},
};

/// `POST /api/v2/analytics/events/custom`: 202 when the event is in the audit log.
pub(crate) async fn custom_event(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    body: String,
) -> Result<Json<Value>, Refusal> {
    if body.len() > LARGEST_ANALYTICS_EVENT {
        let message = format!("the event must be at most {LARGEST_ANALYTICS_EVENT} bytes");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let event = AnalyticsEvent::parse(&body).map_err(Refusal::faults)?;
    let commit = Commit {
        audit: vec![books::analytics(&event, &bearer.client, &correlation)],
        ..Commit::default()
    };
    app.store.commit(commit).await.map_err(|error| {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "an analytics event can't be kept");
        calls::store_unavailable()
    })?;
    Ok(Json(StatusCode::ACCEPTED, json!({"accepted": true})))
}
