//! Sending to a sink over HTTP: tries again with backoff while that may help, and waits when it is told to.

use super::sink::SinkError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use client::{FailureKind, Http, HttpFailure, retry_after};
use flow::retry::{Attempt, Outcome, Policy, Safety, Verdict, decide};
use http::{HeaderName, HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How a sink is tried: one that is restarted, or slow for a while, is waited for.
pub(super) const PATIENT: Policy = Policy {
    attempts: 12,
    base: Duration::from_millis(250),
    cap: Duration::from_secs(20),
    total: Duration::from_secs(180),
};
/// How much of a refusal's text is told, in characters.
const LONGEST_TEXT: usize = 300;

/// How a sink knows us.
#[derive(Clone, Default)]
pub enum SignIn {
    /// It does not.
    #[default]
    Nobody,
    /// By the header `Authorization`, whole: `Bearer ...` or `Basic ...`.
    Authorization(SecretString),
}

impl SignIn {
    /// By a bearer token.
    pub fn bearer(token: &SecretString) -> Self {
        Self::Authorization(format!("Bearer {}", token.expose_secret()).into())
    }

    /// By a user and a password (RFC 7617).
    pub fn basic(user: &SecretString, password: &SecretString) -> Self {
        let pair = SecretString::from(format!("{}:{}", user.expose_secret(), password.expose_secret()));
        Self::Authorization(format!("Basic {}", STANDARD.encode(pair.expose_secret())).into())
    }
}

/// The way to one sink.
pub(super) struct Sender {
    http: Arc<dyn Http>,
    sign_in: SignIn,
    policy: Policy,
}

/// What is sent.
pub(super) struct Letter<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) body: Bytes,
    /// What a repeat is known by; a GET needs none.
    pub(super) key: Option<&'a str>,
    /// What it is about, for errors: a change id.
    pub(super) about: &'a str,
}

impl Sender {
    pub(super) fn new(http: Arc<dyn Http>, sign_in: SignIn, policy: Policy) -> Self {
        Self {
            http,
            sign_in,
            policy,
        }
    }

    /// Sends, and sends again while that may help; gives the body of a good answer.
    pub(super) async fn send(&self, letter: &Letter<'_>) -> Result<Bytes, SinkError> {
        let begun = Instant::now();
        let mut busy = 0;
        for number in 1.. {
            let tried = timeout(ATTEMPT, self.http.execute(self.request(letter)?)).await;
            let tried = tried.unwrap_or_else(|_| {
                let text = format!("no answer within {} s", ATTEMPT.as_secs());
                Err(HttpFailure::new(FailureKind::TimedOut, text))
            });
            let tried = match tried {
                Ok(answer) if answer.status().is_success() => return Ok(answer.into_body()),
                other => other,
            };
            let outcome = outcome(&tried);
            busy += u32::from(outcome == Outcome::Answered(429));
            let attempt = Attempt {
                number,
                busy,
                outcome,
                retry_after: tried
                    .as_ref()
                    .ok()
                    .and_then(|answer| retry_after(answer.headers())),
                elapsed: begun.elapsed(),
                random: rand::random(),
            };
            match decide(&self.policy, Safety::Keyed, &attempt) {
                Verdict::Wait(wait) => {
                    tracing::info!(number, outcome = ?attempt.outcome, ?wait, "the sink is tried again");
                    sleep(wait).await;
                }
                Verdict::GiveUp(_) => return Err(failed(letter, number, tried)),
            }
        }
        Err(SinkError::Broken)
    }

    fn request(&self, letter: &Letter<'_>) -> Result<http::Request<Bytes>, SinkError> {
        let bad = |_| SinkError::Unsendable {
            about: letter.about.to_owned(),
        };
        let mut request = http::Request::builder()
            .method(letter.method.clone())
            .uri(letter.url.as_str())
            .header(header::ACCEPT, "application/json, */*;q=0.5");
        if !letter.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = letter.key {
            let key = HeaderValue::from_str(key).map_err(|_| SinkError::Unsendable {
                about: letter.about.to_owned(),
            })?;
            request = request.header(HeaderName::from_static("idempotency-key"), key);
        }
        if let SignIn::Authorization(secret) = &self.sign_in {
            let mut value = HeaderValue::from_str(secret.expose_secret()).map_err(|_| SinkError::SignIn)?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        request.body(letter.body.clone()).map_err(bad)
    }
}

fn outcome(tried: &Result<http::Response<Bytes>, HttpFailure>) -> Outcome {
    match tried {
        // Whatever went wrong inside, a repeat is safe here and may find it mended.
        Ok(answer) if answer.status().is_server_error() => Outcome::Answered(503),
        Ok(answer) => Outcome::Answered(answer.status().as_u16()),
        Err(failure) => match failure.kind {
            FailureKind::NotConnected => Outcome::NotConnected,
            FailureKind::Broken => Outcome::Broken,
            FailureKind::TimedOut => Outcome::TimedOut,
            // What no repeat mends, as an answer that says so.
            FailureKind::Untrusted | FailureKind::TooLarge | FailureKind::Refused => Outcome::Answered(400),
        },
    }
}

fn failed(
    letter: &Letter<'_>,
    attempts: u32,
    tried: Result<http::Response<Bytes>, HttpFailure>,
) -> SinkError {
    let host = letter.url.host_str().unwrap_or_default().to_owned();
    match tried {
        Ok(answer) => SinkError::Refused {
            host,
            about: letter.about.to_owned(),
            status: answer.status().as_u16(),
            text: excerpt(answer.body()),
            attempts,
        },
        Err(failure) => SinkError::Unreachable {
            host,
            attempts,
            failure,
        },
    }
}

/// The beginning of an answer in one line, with what people may have written in it masked.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body)).into_owned();
    let words: Vec<&str> = text
        .split(|sign: char| sign.is_whitespace() || sign.is_control())
        .collect();
    let line = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let line: String = line.chars().take(LONGEST_TEXT).collect();
    match line.is_empty() {
        true => "no text".into(),
        false => audit::mask::personal(&line).into_owned(),
    }
}
