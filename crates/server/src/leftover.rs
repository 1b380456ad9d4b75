//! What is left of a body that nobody reads any more, because its request was refused.

use crate::layers::{BODY_PATIENCE, header_text};
use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
};
use futures_util::{Stream, StreamExt};
use http::header;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{runtime::Handle, time::timeout};

/// Most that is read of a body only to be thrown away, in bytes.
const MOST_SWALLOWED: u64 = 64 * 1024 * 1024;

/// The same request. What is left of its body when it is dropped is read in the background, up to a bound: a connection that is closed
/// while a client still writes takes the answer with it. The answer does not wait for that.
pub(crate) fn swallowed(request: Request) -> Request {
    let headers = request.headers();
    let length = header_text(headers, "content-length").and_then(|length| length.parse::<u64>().ok());
    let is_too_long = length.is_some_and(|length| length > MOST_SWALLOWED);
    // Who waits to be asked for the body is not asked.
    if is_too_long || request.body().is_end_stream() || headers.contains_key(header::EXPECT) {
        return request;
    }
    request.map(|body| Body::from_stream(Swallowed(Some(body.into_data_stream()))))
}

/// The chunks of a body, until it ends.
struct Swallowed(Option<BodyDataStream>);

impl Stream for Swallowed {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(chunks) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let next = chunks.poll_next_unpin(context);
        if !matches!(next, Poll::Pending | Poll::Ready(Some(Ok(_)))) {
            self.0 = None;
        }
        next
    }
}

impl Drop for Swallowed {
    fn drop(&mut self) {
        if let (Some(chunks), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(timeout(BODY_PATIENCE, swallow(chunks)));
        }
    }
}

async fn swallow(mut chunks: BodyDataStream) {
    let mut swallowed = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        swallowed += chunk.len() as u64;
        if swallowed > MOST_SWALLOWED {
            return;
        }
    }
}
