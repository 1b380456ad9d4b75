//! Sending to a sink over HTTP: tries again with backoff while that may help, and waits as long as it is told to, which counts as no attempt.

use super::sink::SinkError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use client::{FailureKind, Http, HttpFailure, retry_after};
use flow::retry::{Attempt, Outcome, Policy, Safety, Verdict, decide};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
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
/// For how long a sink may put off one request, by 429 or by saying when to come again.
const LONGEST_BUSY: Duration = Duration::from_secs(3600);
/// How one is asked again that puts requests off.
const BUSY: Policy = Policy {
    attempts: u32::MAX,
    base: Duration::from_millis(250),
    cap: Duration::from_secs(20),
    total: LONGEST_BUSY,
};
/// From how long on a pause is told to the user.
const LONG: Duration = Duration::from_secs(10);
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
    /// With [`Safety::Once`] it is sent again only when it was not carried out for sure.
    pub(super) safety: Safety,
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
        let mut tries = Tries::new();
        loop {
            let tried = timeout(ATTEMPT, self.http.execute(self.request(letter)?)).await;
            let tried = tried.unwrap_or_else(|_| {
                let text = format!("no answer within {} s", ATTEMPT.as_secs());
                Err(HttpFailure::new(FailureKind::TimedOut, text))
            });
            let tried = match tried {
                Ok(answer) if answer.status().is_success() => return Ok(answer.into_body()),
                other => other,
            };
            match tries.after(&self.policy, letter.safety, &tried) {
                Verdict::Wait(wait) => sleep(wait).await,
                Verdict::GiveUp(_) => return Err(failed(letter, tries.number, tried)),
            }
        }
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

/// How often something was tried that may pass, and for how long.
#[derive(Default)]
pub(super) struct Patience {
    failures: u32,
    failed_first: Option<Instant>,
}

impl Patience {
    /// The wait before the next try, after one that failed; `None` when it was the last one.
    pub(super) fn after_failure(&mut self) -> Option<Duration> {
        self.failures += 1;
        let attempt = Attempt {
            number: self.failures,
            busy: 0,
            outcome: Outcome::Broken,
            retry_after: None,
            elapsed: self.failed_first.get_or_insert_with(Instant::now).elapsed(),
            random: rand::random(),
        };
        match decide(&PATIENT, Safety::Keyed, &attempt) {
            Verdict::Wait(wait) => Some(wait),
            Verdict::GiveUp(_) => None,
        }
    }
}

type Tried = Result<http::Response<Bytes>, HttpFailure>;

/// The attempts for one request.
struct Tries {
    begun: Instant,
    number: u32,
    /// How many of them were put off by the sink, and for how long.
    busy: u32,
    put_off: Duration,
}

impl Tries {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            number: 0,
            busy: 0,
            put_off: Duration::ZERO,
        }
    }

    /// What follows an attempt that did not succeed. Where the sink says that it is busy, that is obeyed for as long as [`LONGEST_BUSY`],
    /// and takes nothing from the patience with failures.
    fn after(&mut self, policy: &Policy, safety: Safety, tried: &Tried) -> Verdict {
        self.number += 1;
        let answer = tried.as_ref().ok();
        let retry_after = answer.and_then(|answer| retry_after(answer.headers()));
        let is_busy = answer.is_some_and(|answer| is_busy(answer.status(), retry_after));
        let outcome = match outcome(tried) {
            // Whatever went wrong inside, a repeat is safe and may find it mended, unless it must be done once.
            Outcome::Answered(500..=599) if safety != Safety::Once || is_busy => Outcome::Answered(503),
            // Some say this too late.
            Outcome::Answered(503) => Outcome::Answered(500),
            outcome => outcome,
        };
        self.busy += u32::from(is_busy);
        let elapsed = self.begun.elapsed();
        let (policy, number, elapsed) = match is_busy {
            true => (&BUSY, self.busy, elapsed),
            false => (
                policy,
                self.number - self.busy,
                elapsed.saturating_sub(self.put_off),
            ),
        };
        let attempt = Attempt {
            number,
            // Those that were put off have numbers, a policy and a time of their own.
            busy: 0,
            outcome,
            retry_after,
            elapsed,
            random: rand::random(),
        };
        let verdict = decide(policy, safety, &attempt);
        if let Verdict::Wait(wait) = verdict {
            tracing::info!(number = self.number, ?outcome, ?wait, "the sink is tried again");
            if is_busy {
                self.put_off += wait;
            }
            if wait >= LONG {
                let why = if is_busy { "is busy" } else { "fails" };
                tracing::warn!("the sink {why}; the sync waits {} s for it", wait.as_secs());
            }
        }
        verdict
    }
}

/// Whether the sink did nothing and expects us later.
fn is_busy(status: StatusCode, retry_after: Option<Duration>) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        _ => status.is_server_error() && retry_after.is_some(),
    }
}

fn outcome(tried: &Tried) -> Outcome {
    match tried {
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

fn failed(letter: &Letter<'_>, attempts: u32, tried: Tried) -> SinkError {
    let host = letter.url.host_str().unwrap_or_default().to_owned();
    match tried {
        Ok(answer) => SinkError::Refused {
            host,
            about: letter.about.to_owned(),
            status: answer.status().as_u16(),
            text: excerpt(answer.body()),
            attempts,
            retry_after: retry_after(answer.headers()),
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

#[cfg(test)]
mod tests;
