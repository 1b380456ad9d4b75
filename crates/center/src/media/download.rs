//! Compiled files, for everybody who knows their name: `GET /media/compiled/{sha256}.wav`.

use super::{
    Trouble,
    files::{Kind, is_sha256},
};
use crate::app::App;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use server::Refusal;
use std::{io::ErrorKind, sync::Arc};

/// What is at a name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The file, G.711 in WAV. HEAD gives the same without the bytes.
pub(crate) async fn compiled(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let missing = || {
        let name = wire::fault::shorten(&name);
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no compiled file {name:?}"),
        )
    };
    let sha256 = name
        .strip_suffix(".wav")
        .filter(|text| is_sha256(text))
        .ok_or_else(missing)?;
    let tag = format!("\"{sha256}\"");
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| *known == *tag);
    let files = app.media.files().await.map_err(Trouble::refusal)?;
    let bytes = match tokio::fs::read(files.path(Kind::Compiled, sha256)).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(Refusal::internal(&error)),
    };
    let cached = [(header::CACHE_CONTROL, FOR_EVER.to_owned()), (header::ETAG, tag)];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    Ok((cached, [(header::CONTENT_TYPE, "audio/wav")], bytes).into_response())
}
