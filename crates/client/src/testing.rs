//! A platform that a test makes up: [`Http`] without sockets, for tests on tokio's paused clock.

use crate::http::{BoxStream, Exchange, FailureKind, Http, HttpFailure, Upgraded};
use bytes::Bytes;
use std::{
    future::pending,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// What a request is answered with.
#[derive(Debug)]
pub struct Reply {
    after: Duration,
    what: What,
}

#[derive(Debug)]
enum What {
    Answer(http::Response<Bytes>),
    Switch(BoxStream),
    Fail(HttpFailure),
    Nothing,
}

impl Reply {
    /// This status and body.
    pub fn answer(status: u16, body: impl Into<Bytes>) -> Self {
        let mut response = http::Response::new(body.into());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        Self {
            after: Duration::ZERO,
            what: What::Answer(response),
        }
    }

    /// A token that is good for `expires_in` seconds.
    pub fn token(token: &str, expires_in: u64) -> Self {
        let body = serde_json::json!({
            "access_token": token, "token_type": "bearer", "expires_in": expires_in, "scope": ""
        });
        Self::answer(200, body.to_string())
    }

    /// No answer but a failure.
    pub fn fail(kind: FailureKind) -> Self {
        let failure = HttpFailure::new(kind, "the script says so");
        Self {
            after: Duration::ZERO,
            what: What::Fail(failure),
        }
    }

    /// Nothing, ever.
    pub fn nothing() -> Self {
        Self {
            after: Duration::ZERO,
            what: What::Nothing,
        }
    }

    /// Switches to WebSocket on this stream.
    pub fn switch(stream: BoxStream) -> Self {
        Self {
            after: Duration::ZERO,
            what: What::Switch(stream),
        }
    }

    /// The status, if it is an answer.
    pub fn status(&self) -> Option<u16> {
        match &self.what {
            What::Answer(response) => Some(response.status().as_u16()),
            _ => None,
        }
    }

    /// The body, if it is an answer and text.
    pub fn body(&self) -> Option<String> {
        match &self.what {
            What::Answer(response) => String::from_utf8(response.body().to_vec()).ok(),
            _ => None,
        }
    }

    /// The same, but later.
    pub fn after(self, time: Duration) -> Self {
        Self { after: time, ..self }
    }

    /// One more header of an answer.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let (What::Answer(response), Ok(value)) = (&mut self.what, http::HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
        self
    }
}

/// A request that was made, and when.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Since the script was made.
    pub at: Duration,
    /// The request.
    pub request: http::Request<Bytes>,
}

impl Seen {
    /// A header as text; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

type Script = dyn FnMut(&http::Request<Bytes>) -> Reply + Send;

/// An [`Http`] that asks a closure.
pub struct ScriptedHttp {
    zero: Instant,
    script: Mutex<Box<Script>>,
    seen: Mutex<Vec<Seen>>,
}

impl ScriptedHttp {
    /// Answers every request by `script`.
    pub fn new(script: impl FnMut(&http::Request<Bytes>) -> Reply + Send + 'static) -> Self {
        Self {
            zero: Instant::now(),
            script: Mutex::new(Box::new(script)),
            seen: Mutex::default(),
        }
    }

    /// The requests so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests so far whose path ends with `path`.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.request.uri().path().ends_with(path))
            .collect()
    }

    async fn reply(&self, request: http::Request<Bytes>) -> Result<Upgraded, HttpFailure> {
        let reply = {
            let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = Seen {
                at: self.zero.elapsed(),
                request: request.clone(),
            };
            self.seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(seen);
            script(&request)
        };
        sleep(reply.after).await;
        match reply.what {
            What::Answer(response) => Ok(Upgraded {
                response,
                stream: None,
            }),
            What::Switch(stream) => Ok(Upgraded {
                response: switched(&request),
                stream: Some(stream),
            }),
            What::Fail(failure) => Err(failure),
            What::Nothing => pending().await,
        }
    }
}

impl Http for ScriptedHttp {
    fn execute(&self, request: http::Request<Bytes>) -> Exchange<'_, http::Response<Bytes>> {
        Box::pin(async move { self.reply(request).await.map(|reply| reply.response) })
    }

    fn upgrade(&self, request: http::Request<Bytes>) -> Exchange<'_, Upgraded> {
        Box::pin(self.reply(request))
    }
}

fn switched(request: &http::Request<Bytes>) -> http::Response<Bytes> {
    let key = request
        .headers()
        .get(http::header::SEC_WEBSOCKET_KEY)
        .map_or(&[][..], |key| key.as_bytes());
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key);
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    if let Ok(accept) = http::HeaderValue::from_str(&accept) {
        response
            .headers_mut()
            .insert(http::header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}
