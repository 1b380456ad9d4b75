//! Asking others: guarded, bounded in size, time and repeats.

use super::configured::Webhook;
use crate::clock::Clock;
use bytes::Bytes;
use client::{AnswerLimit, FailureKind, Http, HttpFailure, retry_after};
use flow::bot::{CallRequest, MAX_CALL_ANSWER_BYTES};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use webhooks::{Secret, sign};
use wire::Faults;

/// The same for every repeat of a request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How often a request is sent at most, and how long is waited before it is sent again, unless the answer says how long.
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
    /// With the time after which it may be asked again, if it says so.
    #[error("the answer's status is {0}; it must be 2xx")]
    Status(StatusCode, Option<Duration>),
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
            Self::Status(..) => "status",
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

    /// After how long the same request may be answered, if it may; it has the same key.
    fn again_after(&self) -> Option<Duration> {
        match self {
            Self::Status(status, wait) => matches!(status.as_u16(), 429 | 502 | 503 | 504)
                .then(|| wait.unwrap_or_default().max(AGAIN_AFTER)),
            Self::Failed(failure) => {
                matches!(failure.kind, FailureKind::NotConnected | FailureKind::Broken).then_some(AGAIN_AFTER)
            }
            _ => None,
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
        let deadline = Instant::now() + within;
        let tries = async {
            let mut tried = self.try_once(&make).await;
            for _ in 1..MOST_TRIES {
                let again_after = tried.as_ref().err().and_then(NoAnswer::again_after);
                // What can't be answered in time is not waited for.
                let Some(wait) =
                    again_after.filter(|wait| deadline.saturating_duration_since(Instant::now()) > *wait)
                else {
                    break;
                };
                sleep(wait).await;
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
            status => Err(NoAnswer::Status(status, retry_after(answer.headers()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::{Exchange, Upgraded};
    use std::sync::{Mutex, PoisonError};

    /// A bot that is busy the first time, and notes when it is asked.
    struct Busy {
        retry_after: &'static str,
        asked: Mutex<Vec<Instant>>,
    }

    impl Http for Busy {
        fn execute(&self, _: Request<Bytes>) -> Exchange<'_, http::Response<Bytes>> {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(Instant::now());
            let status = if asked.len() == 1 { 429 } else { 200 };
            let answer = http::Response::builder()
                .status(status)
                .header(header::RETRY_AFTER, self.retry_after);
            let answer = answer.body(Bytes::from_static(b"1")).unwrap();
            Box::pin(async { Ok(answer) })
        }

        fn upgrade(&self, _: Request<Bytes>) -> Exchange<'_, Upgraded> {
            Box::pin(std::future::pending())
        }
    }

    /// What comes of a call-out with 5 s, and when it was sent, in milliseconds from the first time.
    async fn called(retry_after: &'static str) -> (Result<Value, NoAnswer>, Vec<u128>, Duration) {
        let asked = Mutex::default();
        let busy = Arc::new(Busy { retry_after, asked });
        let request = serde_json::from_value(serde_json::json!({
            "method": "GET", "url": "https://shop.example/", "timeoutMs": 5_000}));
        let begun = Instant::now();
        let answer = Caller::new(busy.clone()).call(&request.unwrap(), "key").await;
        let took = begun.elapsed();
        let asked = busy.asked.lock().unwrap();
        let times = asked.iter().map(|at| (*at - begun).as_millis()).collect();
        (answer, times, took)
    }

    #[tokio::test(start_paused = true)]
    async fn a_bot_that_says_when_it_may_be_asked_again_is_not_asked_before() {
        for (retry_after, times) in [("3", [0, 3_000]), ("0", [0, 200]), ("soon", [0, 200])] {
            let (answer, asked, _) = called(retry_after).await;
            assert_eq!((answer.unwrap(), asked), (Value::from(1), times.to_vec()));
        }
        for too_late in ["5", "3600", "99999999999999999999"] {
            let (answer, asked, took) = called(too_late).await;
            assert!(matches!(answer, Err(NoAnswer::Status(status, _)) if status == 429));
            assert_eq!((asked, took), (vec![0], Duration::ZERO), "{too_late}");
        }
    }
}
