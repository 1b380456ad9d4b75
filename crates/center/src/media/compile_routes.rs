//! `/api/v2/media/compile`.

use super::{Media, Trouble, files::Kind, job::PATH, jobs::Accepted, parse_id};
use crate::{
    app::App,
    once::{Once, replayed},
    tokens::Bearer,
};
use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use server::{Json, Refusal};
use std::sync::Arc;
use tokio::task::spawn_blocking;
use webhooks::CallbackUrl;
use wire::{
    Faults,
    ids::{CompileId, CorrelationId},
    media::{CompileJob, JobStatus, NamedInCompile, NewCompile},
};

/// `POST /api/v2/media/compile`: 202 with the job's id, when it is durable.
pub(crate) async fn accept(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let media = &app.media;
    let once = Once::of(&bearer, PATH, &headers, &body)?;
    let before = match &once {
        Some(once) => media.accepted_for(once).await.map_err(Trouble::refusal)?,
        None => None,
    };
    if let Some(before) = before {
        return Ok(answer(&before));
    }
    // Until the job names its assets, none of their files is removed.
    let files = media.files().await.map_err(Trouble::refusal)?;
    let naming = files.naming().await;
    let named = NamedInCompile::find(&body);
    let assets = media.assets(&named.assets).await;
    let assets = assets.map_err(|error| Trouble::from(error).refusal())?;
    let to_compile: Vec<String> = assets.values().map(|asset| asset.sha256.clone()).collect();
    let renewing = files.clone();
    let renewed = spawn_blocking(move || renewing.renew(Kind::Asset, to_compile)).await;
    renewed.map_err(|error| Refusal::internal(&error))?;
    let parsed = NewCompile::parse_for(&body, |flow| media.has_flow(flow), |id| assets.contains_key(id));
    let request = with_address(parsed, media.inward(&named)).map_err(Refusal::faults)?;
    let accepted = media.accept(&request, &assets, once.as_ref(), &correlation).await;
    let accepted = accepted.map_err(Trouble::refusal)?;
    drop(naming);
    if request.webhook_url.is_some() {
        media.hold_back_answer(&accepted.id).await;
    }
    Ok(answer(&accepted))
}

fn answer(accepted: &Accepted) -> Response {
    let uri = format!("{PATH}/{}", accepted.id);
    // The same answer to a repeat, wherever the job is by now.
    let body = json!({"id": accepted.id, "status": JobStatus::Queued, "selfUri": uri});
    let location = [(header::LOCATION, uri)];
    (
        location,
        replayed(accepted.replayed),
        Json(StatusCode::ACCEPTED, body),
    )
        .into_response()
}

/// The request, unless it or the address of its callback has a fault.
fn with_address(parsed: Result<NewCompile, Faults>, inward: Option<String>) -> Result<NewCompile, Faults> {
    let Some(inward) = inward else {
        return parsed;
    };
    let mut faults = parsed.err().unwrap_or_default();
    faults.push(inward);
    Err(faults)
}

impl Media {
    /// Why callbacks must not go where the request says, as far as that can be told without resolving names; it is checked again
    /// when they are sent.
    fn inward(&self, named: &NamedInCompile) -> Option<String> {
        let text = named.webhook_url.as_ref()?;
        let checked = text.parse::<CallbackUrl>().map_err(|error| error.to_string());
        let checked = checked.and_then(|url| {
            let permitted = self.guard.check_literal(url.url());
            permitted.map_err(|error| error.to_string())
        });
        checked.err().map(|error| format!("webhookUrl: {error}"))
    }
}

/// `GET /api/v2/media/compile/{id}`: results come as they are ready.
pub(crate) async fn job(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<CompileJob>, Refusal> {
    let id: CompileId = parse_id("compilation", &id)?;
    let told = app.media.tell(&id).await.map_err(Trouble::refusal)?;
    Ok(Json(StatusCode::OK, told))
}
