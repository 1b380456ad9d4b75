//! Asking others: guarded, bounded in size, time and repeats.

use super::configured::Webhook;
use crate::clock::Clock;
use bytes::Bytes;
use client::{AnswerLimit, FailureKind, Http, HttpFailure};
use flow::bot::{CallRequest, MAX_CALL_ANSWER_BYTES};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use webhooks::{Secret, sign};
use wire::Faults;

/// The same for every repeat of a request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How often a request is sent at most, and how long is waited before it is sent again.
const MOST_TRIES: u32 = 2;
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Sends requests of bots.
pub(super) struct Caller {
    http: Arc<dyn Http>,
}

/// Why there is no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("the bot is asked by so many that this one had no turn within {} s; make it answer sooner", .0.as_secs())]
    NoTurn(Duration),
    #[error("there was no answer within {} ms; answer sooner, or give the bot more time", .0.as_millis())]
    TimedOut(Duration),
    #[error("the answer's status is {0}; it must be 2xx")]
    Status(StatusCode),
    #[error(transparent)]
    Failed(#[from] HttpFailure),
    #[error("the request can't be made: {0}")]
    Request(String),
    #[error("the answer can't be used: {}", .0.as_slice().join("; "))]
    Garbage(Faults),
}

impl NoAnswer {
    /// In one word, without anything of what was answered.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::NoTurn(_) => "too many at once",
            Self::TimedOut(_) => "timed out",
            Self::Status(_) => "status",
            Self::Request(_) => "request",
            Self::Garbage(_) => "garbage",
            Self::Failed(failure) => match failure.kind {
                FailureKind::Refused => "refused by the guard",
                FailureKind::TooLarge => "too large",
                FailureKind::TimedOut => "timed out",
                FailureKind::Untrusted => "untrusted",
                FailureKind::NotConnected => "not connected",
                FailureKind::Broken => "broken",
            },
        }
    }

    /// Whether the same request may be answered a moment later; it has the same key.
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Failed(failure) => matches!(failure.kind, FailureKind::NotConnected | FailureKind::Broken),
            _ => false,
        }
    }
}

impl Caller {
    pub(super) fn new(http: Arc<dyn Http>) -> Self {
        Self { http }
    }

    /// A call-out: the answer as JSON, `null` when it has no body.
    pub(super) async fn call(&self, request: &CallRequest, key: &str) -> Result<Value, NoAnswer> {
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        let make = || {
            let mut made = Request::builder()
                .method(request.method.as_str())
                .uri(&request.url);
            if request.body.is_some() {
                made = made.header(header::CONTENT_TYPE, "application/json");
            }
            let made = made
                .header(header::ACCEPT, "application/json")
                .header(IDEMPOTENCY_KEY, key);
            made.body(Bytes::from(body.clone()))
                .map_err(|error| NoAnswer::Request(error.to_string()))
        };
        let answer = self.ask(make, Duration::from_millis(request.timeout_ms)).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        let read = serde_json::from_slice(&answer);
        read.map_err(|error| NoAnswer::Garbage(Faults::one(format!("it is not JSON: {error}"))))
    }

    /// Tells a webhook; the answer's body.
    pub(super) async fn tell(
        &self,
        webhook: &Webhook,
        secret: &Secret,
        key: &str,
        body: String,
    ) -> Result<Bytes, NoAnswer> {
        let make = || {
            // Signed for every try, as the timestamp must be fresh.
            let signed = sign(key, Clock::utc(), &body, std::slice::from_ref(secret));
            let mut headers: HeaderMap = signed.map_err(|error| NoAnswer::Request(error.to_string()))?;
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let key = HeaderValue::from_str(key).map_err(|error| NoAnswer::Request(error.to_string()))?;
            headers.insert(IDEMPOTENCY_KEY, key);
            let made = Request::post(webhook.url.as_str()).body(Bytes::from(body.clone()));
            let mut made = made.map_err(|error| NoAnswer::Request(error.to_string()))?;
            made.headers_mut().extend(headers);
            Ok(made)
        };
        self.ask(make, webhook.timeout).await
    }

    /// The body of a 2xx answer, within a time for all tries together.
    async fn ask(
        &self,
        make: impl Fn() -> Result<Request<Bytes>, NoAnswer>,
        within: Duration,
    ) -> Result<Bytes, NoAnswer> {
        let tries = async {
            let mut tried = self.try_once(&make).await;
            for _ in 1..MOST_TRIES {
                if !tried.as_ref().is_err_and(NoAnswer::may_pass) {
                    break;
                }
                sleep(AGAIN_AFTER).await;
                tried = self.try_once(&make).await;
            }
            tried
        };
        timeout(within, tries)
            .await
            .unwrap_or(Err(NoAnswer::TimedOut(within)))
    }

    async fn try_once(&self, make: impl Fn() -> Result<Request<Bytes>, NoAnswer>) -> Result<Bytes, NoAnswer> {
        let mut request = make()?;
        request
            .extensions_mut()
            .insert(AnswerLimit(MAX_CALL_ANSWER_BYTES));
        let answer = self.http.execute(request).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer.into_body()),
            status => Err(NoAnswer::Status(status)),
        }
    }
}
