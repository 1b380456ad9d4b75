//! What needs no token: the public audio base URL, and a sign of life.

use crate::app::App;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use server::{Json, Refusal};
use std::sync::Arc;

/// A prompt's file as it is.
pub(crate) async fn audio_file(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    let file = app.tenant.prompts.file(&name).cloned();
    let file =
        file.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("there is no audio file {name:?}")))?;
    Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes.to_vec()))
}

/// `{"status":"ok"}`.
pub(crate) async fn health() -> Json<Value> {
    Json(StatusCode::OK, json!({"status": "ok"}))
}
