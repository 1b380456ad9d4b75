//! Compiled files, for everybody who knows their name: `GET /media/compiled/{sha256}.wav`.

use super::{
    Trouble,
    files::{Kind, is_sha256},
};
use crate::app::App;
use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use server::Refusal;
use std::{
    io::{self, ErrorKind},
    sync::Arc,
};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

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
    let (file, bytes) = match open(&files.path(Kind::Compiled, sha256)).await {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(Refusal::internal(&error)),
    };
    let cached = [(header::CACHE_CONTROL, FOR_EVER.to_owned()), (header::ETAG, tag)];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    let what = [
        (header::CONTENT_TYPE, "audio/wav".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
    ];
    Ok((cached, what, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// A file and how many bytes it has.
async fn open(path: &std::path::Path) -> io::Result<(File, u64)> {
    let file = File::open(path).await?;
    let bytes = file.metadata().await?.len();
    Ok((file, bytes))
}
