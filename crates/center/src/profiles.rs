//! `GET /api/v2/profiles/external/{externalId}` (contract section 4).

use crate::app::App;
use axum::extract::{Path, State};
use http::StatusCode;
use server::{Json, Refusal};
use std::sync::Arc;
use wire::{Faults, ids::ExternalId, profile::Profile};

/// A customer's profile.
pub(crate) async fn by_external_id(
    State(app): State<Arc<App>>,
    Path(external_id): Path<String>,
) -> Result<Json<Profile>, Refusal> {
    let external_id: ExternalId = external_id
        .parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("externalId {error}"))))?;
    let profile = app.tenant.profiles.get(&external_id).cloned();
    profile
        .map(|profile| Json(StatusCode::OK, profile))
        .ok_or_else(|| {
            Refusal::new(
                StatusCode::NOT_FOUND,
                format!("there is no profile for {external_id:?}"),
            )
        })
}
