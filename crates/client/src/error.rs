//! What a call to a platform can end with, and what to do about it.

use crate::http::{FailureKind, HttpFailure};
use flow::retry::Reason;
use http::StatusCode;
use std::{fmt, time::Duration};
use wire::{
    ErrorBody,
    ids::{CallId, ClientId, CorrelationId},
};

/// How much of a platform's own words an error holds, in characters.
const LONGEST_TEXT: usize = 1000;
const MOST_FAULTS: usize = 50;

/// Why a platform did not do what it was asked. The texts hold no secrets, and end with the remedy where there is one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The platform said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The platform can't be reached, or does not answer.
    #[error("{host} can't be reached (attempts: {attempts}): {failure}; {}", unreachable_remedy(.failure.kind))]
    Unreachable {
        /// The platform.
        host: String,
        /// How often it was tried.
        attempts: u32,
        /// Whether it may have done what it was asked for all the same.
        may_be_done: bool,
        /// How the last attempt ended.
        failure: HttpFailure,
    },
    /// The platform was too busy until the attempts or the time for them were used up.
    #[error("gave up after {} s, attempts: {attempts}, {reason}: {last}", tenths(*.elapsed))]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// For how long.
        elapsed: Duration,
        /// Which bound was reached.
        reason: Reason,
        /// The last answer.
        last: Box<Refusal>,
    },
    /// The platform gives this client no token.
    #[error("{host} gives the client {client:?} no token ({status} {code}): {message}; {}", token_remedy(.code))]
    TokenRefused {
        /// The platform.
        host: String,
        /// The client.
        client: ClientId,
        /// The status.
        status: u16,
        /// The code of RFC 6749, such as `invalid_client`.
        code: String,
        /// The platform's own words.
        message: String,
    },
    /// The call can't be controlled.
    #[error("the call {call} can't be controlled: {message}; {}", call_remedy(*.close_code))]
    CallRefused {
        /// The call.
        call: CallId,
        /// The platform's own words, and every fault.
        message: String,
        /// What the connection was closed with.
        close_code: Option<u16>,
    },
    /// The answer breaks the contract.
    #[error("the answer of {host} is not understood: {what}; check that the address is a v2 platform's")]
    BadAnswer {
        /// The platform.
        host: String,
        /// What is wrong with it.
        what: String,
        /// The request's name in the logs.
        correlation_id: Option<CorrelationId>,
    },
    /// The request can't be sent as it is.
    #[error("the request can't be sent: {0}")]
    BadRequest(String),
}

impl Error {
    /// The status of the platform's answer, if the error is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) | Self::GaveUp { last: refusal, .. } => Some(refusal.status),
            Self::TokenRefused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// When to come again, if the platform says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) | Self::GaveUp { last: refusal, .. } => refusal.retry_after,
            _ => None,
        }
    }

    /// Whether the platform may have done what it was asked for: an attempt had no answer, or none that says that nothing was done.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Unreachable { may_be_done, .. } => *may_be_done,
            Self::Refused(refusal) | Self::GaveUp { last: refusal, .. } => refusal.may_be_done,
            Self::BadAnswer { .. } => true,
            Self::TokenRefused { .. } | Self::CallRefused { .. } | Self::BadRequest(_) => false,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { failure, .. } => !matches!(
                failure.kind,
                FailureKind::Untrusted | FailureKind::TooLarge | FailureKind::Refused
            ),
            Self::GaveUp { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 429 | 500..=599),
            Self::CallRefused { close_code, .. } => *close_code == Some(1011),
            _ => false,
        }
    }
}

fn unreachable_remedy(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotConnected => "check the address and that the platform runs",
        FailureKind::Refused => "permit the host in the configuration, or give another address",
        FailureKind::Untrusted => "give the certificate authority of the platform, or check the host name",
        FailureKind::Broken | FailureKind::TimedOut => "it may have done it all the same; try again later",
        FailureKind::TooLarge => "ask for less at once",
    }
}

fn token_remedy(code: &str) -> &'static str {
    match code {
        "invalid_client" => "check the client id and the client secret",
        "invalid_scope" => "grant the client the scopes, or ask for fewer",
        "unauthorized_client" => "allow this client the grant client_credentials",
        _ => "check the address, and what the platform allows this client",
    }
}

fn call_remedy(close_code: Option<u16>) -> &'static str {
    match close_code {
        Some(1011) => "this is a fault of the platform; try again",
        _ => "check the call's id, that it is live, and the capabilities asked for",
    }
}

fn tenths(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}

/// An answer other than 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The platform.
    pub host: String,
    /// The status.
    pub status: u16,
    /// The word for programs; empty when the body is not the contract's.
    pub code: String,
    /// The platform's own words.
    pub message: String,
    /// Every fault.
    pub errors: Vec<String>,
    /// When to come again, if the platform says so.
    pub retry_after: Option<Duration>,
    /// Whether it may have done what it was asked for all the same: by an attempt before this answer, perhaps.
    pub may_be_done: bool,
    /// The request's name in both sides' logs.
    pub correlation_id: CorrelationId,
}

impl Refusal {
    /// Reads an answer. The `secret` that was sent with the request is blotted out wherever the platform repeats it.
    pub(crate) fn read(
        host: &str,
        status: StatusCode,
        body: &[u8],
        correlation_id: &CorrelationId,
        secret: &str,
    ) -> Self {
        let body = serde_json::from_slice::<ErrorBody>(body).unwrap_or_else(|_| ErrorBody {
            status: status.as_u16(),
            code: String::new(),
            message: excerpt(&blot(&String::from_utf8_lossy(body), secret))
                .unwrap_or_else(|| status.canonical_reason().unwrap_or("no text").to_owned()),
            errors: Vec::new(),
            correlation_id: None,
        });
        Self {
            host: host.to_owned(),
            status: status.as_u16(),
            code: blot(&body.code, secret),
            message: blot(&body.message, secret),
            errors: body
                .errors
                .iter()
                .take(MOST_FAULTS)
                .map(|error| blot(error, secret))
                .collect(),
            retry_after: None,
            may_be_done: false,
            correlation_id: body.correlation_id.unwrap_or_else(|| correlation_id.clone()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers {}: {}", self.host, self.status, self.message)?;
        for error in self.errors.iter().filter(|error| **error != self.message) {
            write!(f, "; {error}")?;
        }
        let remedy = match self.status {
            300..=399 => "; give the address that it redirects to",
            401 => "; check the client or token, and that it is this platform's",
            403 => "; grant the client the scope it lacks, and ask for it",
            429 => "; ask less often, or raise the platform's limits",
            _ => "",
        };
        write!(f, "{remedy} (correlation id {})", self.correlation_id)
    }
}

/// The beginning of a body that is not the contract's, in one line.
fn excerpt(body: &str) -> Option<String> {
    let words = body.split(|sign: char| sign.is_whitespace() || sign.is_control());
    let line = words
        .filter(|word| !word.is_empty())
        .take(80)
        .collect::<Vec<_>>()
        .join(" ");
    let short: String = line.chars().take(160).collect();
    (!short.is_empty()).then_some(short)
}

/// The beginning of a platform's text, without the secret. It is blotted out before the text is cut: half a secret would
/// not be found.
pub(crate) fn blot(text: &str, secret: &str) -> String {
    // Shorter ones are parts of common words, and no secrets.
    let clean = if secret.len() < 4 {
        text.to_owned()
    } else {
        text.replace(secret, "[secret]")
    };
    clean.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Refusal {
        let id = "c-1".parse().unwrap();
        Refusal::read("h", StatusCode::FORBIDDEN, body.as_bytes(), &id, "hunter2")
    }

    #[test]
    fn the_contracts_body_is_read() {
        let refusal = read(
            r#"{"status":403,"code":"forbidden","message":"no","errors":["no","profile:read"],"correlationId":"c-2"}"#,
        );
        assert_eq!(
            refusal.to_string(),
            "h answers 403: no; profile:read; grant the client the scope it lacks, and ask for it (correlation id c-2)"
        );
        assert_eq!(refusal.code, "forbidden");
    }

    #[test]
    fn any_other_body_is_shortened() {
        assert_eq!(read("<html>\n\u{7} bad  gateway").message, "<html> bad gateway");
        assert_eq!(read("").message, "Forbidden");
        assert_eq!(read(&"x".repeat(5000)).message.len(), 160);
        assert_eq!(read("you said hunter2").message, "you said [secret]");
    }
}
