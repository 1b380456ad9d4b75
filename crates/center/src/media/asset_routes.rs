//! `/api/v2/media/assets`.

use super::{
    Trouble,
    assets::{Kept, PATH},
    books, parse_id, sound, upload as body_of,
};
use crate::{app::App, tokens::Bearer};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use server::{Json, Refusal};
use std::sync::Arc;
use store::Commit;
use url::form_urlencoded;
use wire::{
    Faults,
    ids::{AssetId, CorrelationId},
    media::{Asset, sha256_hex},
    page::{Page, PageAsked},
};

/// `POST /api/v2/media/assets`: 201 with the asset, or 200 with the one that has the same bytes.
///
/// Repeats are known by their bytes, so that no `Idempotency-Key` is needed, and no body is remembered.
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Extension(bearer): Extension<Bearer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let Some(_turn) = app.media.uploads.take(&bearer.client).await else {
        return Err(Refusal::unavailable("too many uploads at once; try again", 1));
    };
    let upload = match body_of::read(&headers, body).await {
        Ok(upload) => upload,
        Err(unusable) => {
            let faults = Faults::one(unusable.to_string());
            note(&app, books::asset_refused(None, None, &faults, &correlation)).await;
            return Err(unusable.refusal());
        }
    };
    let name = upload.name.clone();
    let judging = tokio::task::spawn_blocking(move || {
        let judged = sound::judge(&upload.bytes);
        let sha256 = judged.is_err().then(|| sha256_hex(&upload.bytes));
        (upload, judged, sha256)
    });
    let (upload, judged, sha256) = judging.await.map_err(|error| Refusal::internal(&error))?;
    let judged = match judged {
        Ok(judged) => judged,
        Err(faults) => {
            let refused = books::asset_refused(Some(&name), sha256.as_deref(), &faults, &correlation);
            note(&app, refused).await;
            return Err(Refusal::faults(faults));
        }
    };
    // In a task of its own: who hangs up half-way does not leave a file that nothing names.
    let media = app.media.clone();
    let keeping = tokio::spawn(async move {
        let kept = media.keep_asset(upload, judged, &correlation).await;
        kept.map(|kept| (kept, correlation))
    });
    let kept = keeping.await.map_err(|error| Refusal::internal(&error))?;
    let (Kept { asset, is_new }, correlation) = kept.map_err(Trouble::refusal)?;
    if !is_new {
        note(&app, books::asset_repeated(&asset, &correlation)).await;
    }
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let location = [(header::LOCATION, asset.self_uri.clone())];
    Ok((location, Json(status, asset)).into_response())
}

/// Keeps an entry of something that changes nothing: if that fails, the answer is what it is.
async fn note(app: &App, entry: audit::Entry) {
    let action = entry.action.clone();
    let commit = Commit {
        audit: vec![entry],
        ..Commit::default()
    };
    if let Err(error) = app.media.store.commit(commit).await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, action, "an entry of the audit log can't be kept");
    }
}

/// `GET /api/v2/media/assets/{id}`.
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Asset>, Refusal> {
    let id: AssetId = parse_id("asset", &id)?;
    let found = app.media.asset(&id).await;
    let found = found.map_err(|error| Trouble::from(error).refusal())?;
    let asset = found.ok_or_else(|| Trouble::NoAsset(id).refusal())?;
    Ok(Json(StatusCode::OK, asset))
}

/// `DELETE /api/v2/media/assets/{id}`: what was compiled from it stays.
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Extension(correlation): Extension<CorrelationId>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id: AssetId = parse_id("asset", &id)?;
    let deleted = app.media.delete_asset(&id, &correlation).await;
    deleted.map_err(Trouble::refusal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a list is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    sha256: Option<String>,
    page_size: Option<String>,
    page_number: Option<String>,
}

/// `GET /api/v2/media/assets`: newest first; with `sha256`, those with these bytes, of which there is one at most.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Page<Asset>>, Refusal> {
    let mut faults = Faults::new();
    let sha256 = asked.sha256.filter(|text| !text.is_empty());
    let sha256 = sha256.map(|text| text.to_ascii_lowercase());
    if sha256
        .as_deref()
        .is_some_and(|text| !super::files::is_sha256(text))
    {
        faults.push("sha256 must be 64 hexadecimal digits");
    }
    let (size, number) = (asked.page_size.as_deref(), asked.page_number.as_deref());
    let page = PageAsked::parse(size, number, &mut faults);
    faults.finish(Some(())).map_err(Refusal::faults)?;
    let uri_of = |next: PageAsked| {
        let mut query = form_urlencoded::Serializer::new(format!("{PATH}?"));
        query.extend_pairs(sha256.iter().map(|sha256| ("sha256", sha256)));
        query.append_pair("pageSize", &next.size.to_string());
        query.append_pair("pageNumber", &next.number.to_string());
        query.finish()
    };
    let listed = app.media.page_of_assets(sha256.as_deref(), page, uri_of).await;
    let listed = listed.map_err(|error| Trouble::from(error).refusal())?;
    Ok(Json(StatusCode::OK, listed))
}
