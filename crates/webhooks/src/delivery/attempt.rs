//! One attempt: signed, sent, and what came back.

use crate::{Secret, endpoints::now, outgoing::message_id, signature::sign};
use bytes::Bytes;
use client::{AnswerPart, FailureKind, Http, HttpFailure, retry_after};
use flow::delivery::Outcome;
use http::{HeaderValue, header};
use std::time::Duration;
use store::Claim;
use tokio::time::{Instant, timeout};
use url::Url;

/// How much of an answer is read: enough that the connection of a usual one can be used again, as only the status counts.
const ANSWER_PART: AnswerPart = AnswerPart(16 * 1024);
/// How much of a failure's causes is kept, in characters.
const LONGEST_CAUSE: usize = 300;

/// What is sent, where to, and what signs it.
pub(super) struct Letter<'a> {
    pub(super) url: &'a Url,
    pub(super) secrets: Vec<Secret>,
    pub(super) body: &'a str,
}

/// An attempt that is over.
pub(super) struct Attempted {
    pub(super) outcome: Outcome,
    pub(super) retry_after: Option<Duration>,
    /// The causes of a failure, without the address.
    pub(super) cause: Option<String>,
    pub(super) took: Duration,
}

/// Makes an attempt; it takes at most `most`.
pub(super) async fn attempt(
    http: &dyn Http,
    most: Duration,
    letter: &Letter<'_>,
    claim: &Claim,
) -> Attempted {
    let begun = Instant::now();
    let tried = match request(letter, claim) {
        Ok(request) => timeout(most, http.execute(request)).await.unwrap_or_else(|_| {
            let text = format!("no answer within {:.1} s", most.as_secs_f64());
            Err(HttpFailure::new(FailureKind::TimedOut, text))
        }),
        Err(text) => Err(HttpFailure::new(FailureKind::NotConnected, text)),
    };
    let took = begun.elapsed();
    match tried {
        Ok(answer) => Attempted {
            outcome: Outcome::Answered(answer.status().as_u16()),
            retry_after: retry_after(answer.headers()),
            cause: None,
            took,
        },
        Err(failure) => Attempted {
            outcome: outcome(failure.kind),
            retry_after: None,
            cause: Some(failure.text.chars().take(LONGEST_CAUSE).collect()),
            took,
        },
    }
}

/// The request of an attempt: signed now, as its timestamp must be fresh.
fn request(letter: &Letter<'_>, claim: &Claim) -> Result<http::Request<Bytes>, String> {
    let id = message_id(&claim.effect);
    let signed = sign(&id, now(), letter.body, &letter.secrets).map_err(|error| error.to_string())?;
    let mut request = http::Request::post(letter.url.as_str())
        .extension(ANSWER_PART)
        .body(Bytes::from(letter.body.to_owned()))
        .map_err(|error| error.to_string())?;
    let headers = request.headers_mut();
    headers.extend(signed);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(request)
}

fn outcome(kind: FailureKind) -> Outcome {
    match kind {
        FailureKind::NotConnected | FailureKind::Untrusted => Outcome::NotConnected,
        FailureKind::Broken | FailureKind::TooLarge => Outcome::Broken,
        FailureKind::TimedOut => Outcome::TimedOut,
        FailureKind::Refused => Outcome::Refused,
    }
}
