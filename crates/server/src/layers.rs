//! What every request passes on its way in and out, whoever serves it.

use crate::{
    answer::{Refusal, code_of},
    leftover::swallowed,
};
use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout_at};
use wire::ids::CorrelationId;

/// How long a request's body may take to come.
pub(crate) const BODY_PATIENCE: Duration = Duration::from_secs(30);
const CORRELATION: &str = "x-correlation-id";

/// Gives every request its correlation id, and every refusal its body. A request that is refused before its body was read is read to its
/// end all the same, up to a bound: a connection that is closed while a client still writes takes the answer with it.
pub async fn correlate(mut request: Request, next: Next) -> Response {
    let given = header_text(request.headers(), CORRELATION).and_then(|text| text.parse().ok());
    let id: CorrelationId = given.unwrap_or_else(|| CorrelationId::from_uuid(uuid::Uuid::now_v7()));
    request.extensions_mut().insert(id.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(swallowed(request)).await;
    tracing::debug!(%method, path, status = response.status().as_u16(), correlation = %id, "answered");
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.answer(&id);
    } else if is_failure(&response) && !is_for_people(&response) {
        response = framework_refusal(response).await.answer(&id);
    }
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(CORRELATION, value);
    }
    response
}

fn is_failure(response: &Response) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// A page that says to people what programs are told as JSON.
fn is_for_people(response: &Response) -> bool {
    header_text(response.headers(), header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("text/html"))
}

/// A refusal of the framework itself, such as a wrong method: its text becomes the message.
async fn framework_refusal(response: Response) -> Refusal {
    let status = response.status();
    let upgrade = response.headers().get(header::UPGRADE).cloned();
    let text = to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let reason = status.canonical_reason().unwrap_or(code_of(status));
    let refusal = Refusal::new(
        status,
        if text.is_empty() {
            reason.into()
        } else {
            text.into_owned()
        },
    );
    match upgrade {
        Some(value) => refusal.with_header(header::UPGRADE, value.to_str().unwrap_or("websocket")),
        None => refusal,
    }
}

/// Waits for a body only so long: whoever sends it may be gone without a word.
pub async fn hurry(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let late = Arc::new(AtomicBool::new(false));
    let response = next
        .run(request.map(|body| with_deadline(body, late.clone())))
        .await;
    if late.load(Ordering::Relaxed) {
        let message = format!("the body must be sent within {} s", BODY_PATIENCE.as_secs());
        return Refusal::new(StatusCode::REQUEST_TIMEOUT, message).into_response();
    }
    response
}

/// Refuses bodies that say that they are longer than this.
pub async fn bounded(State(most): State<usize>, request: Request, next: Next) -> Response {
    let length = header_text(request.headers(), "content-length").and_then(|length| length.parse().ok());
    let length: u64 = length.unwrap_or(0);
    if length <= most as u64 {
        return next.run(request).await;
    }
    let message = format!("the body has {length} bytes, of {most} at most");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).into_response()
}

/// The same body, which fails when it is not complete in time, and notes that.
fn with_deadline(body: Body, late: Arc<AtomicBool>) -> Body {
    let deadline = Instant::now() + BODY_PATIENCE;
    Body::from_stream(stream::unfold(body.into_data_stream(), move |mut chunks| {
        let late = late.clone();
        async move {
            let chunk = timeout_at(deadline, chunks.next()).await.unwrap_or_else(|_| {
                late.store(true, Ordering::Relaxed);
                Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))))
            });
            chunk.map(|chunk| (chunk, chunks))
        }
    }))
}

/// The token of `Authorization: Bearer TOKEN`.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// A header that is visible ASCII.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
