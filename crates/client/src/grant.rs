//! The client credentials grant (RFC 6749, 4.4): what is asked, and what the answers mean.

use crate::{
    attempts::Attempts,
    endpoint::Platform,
    error::{Error, Refusal, blot},
    http::{AnswerLimit, HttpFailure},
};
use bytes::Bytes;
use flow::{Moment, retry::Reason};
use http::{HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use wire::{
    ids::CorrelationId,
    oauth::{TokenAnswer, TokenRequest},
};

const ANSWER_LIMIT: AnswerLimit = AnswerLimit(64 * 1024);

/// A new token and its life.
pub(crate) struct New {
    pub(crate) secret: SecretString,
    pub(crate) obtained: Moment,
    pub(crate) lifetime: Duration,
}

/// The request for a token; the client stands in the Basic header.
pub(crate) fn token_request(platform: &Platform, id: &CorrelationId) -> Result<http::Request<Bytes>, Error> {
    let basic = platform.credentials.basic_header();
    let bad = |error: http::Error| Error::BadRequest(error.to_string());
    let mut basic = HeaderValue::from_str(basic.expose_secret()).map_err(|error| bad(error.into()))?;
    basic.set_sensitive(true);
    http::Request::post(platform.endpoint.address(["oauth", "token"]).as_str())
        .header(header::AUTHORIZATION, basic)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .header("x-correlation-id", id.as_str())
        .extension(ANSWER_LIMIT)
        .body(TokenRequest::form_body(platform.scopes.as_ref()).into())
        .map_err(bad)
}

/// Reads the answer to a good request; the token was asked for at `obtained`.
pub(crate) fn read_token(
    platform: &Platform,
    body: &[u8],
    obtained: Moment,
    id: CorrelationId,
) -> Result<New, Error> {
    let bad = |what: &str| Error::BadAnswer {
        host: platform.endpoint.host(),
        what: what.to_owned(),
        correlation_id: Some(id.clone()),
    };
    let answer: TokenAnswer = serde_json::from_slice(body).map_err(|_| bad("it is not a token"))?;
    if HeaderValue::from_str(answer.access_token.expose_secret()).is_err() {
        return Err(bad("its token can't stand in a header"));
    }
    Ok(New {
        secret: answer.access_token,
        obtained,
        lifetime: Duration::from_secs(answer.expires_in),
    })
}

/// The error body of RFC 6749, 5.2.
#[derive(Deserialize)]
struct OAuthError {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// What the last attempt to get a token ended with.
pub(crate) fn last_error(
    platform: &Platform,
    attempts: &Attempts,
    reason: Reason,
    tried: Result<http::Response<Bytes>, HttpFailure>,
    id: &CorrelationId,
) -> Error {
    let (host, secret) = (
        platform.endpoint.host(),
        platform.credentials.client_secret.expose_secret(),
    );
    let response = match tried {
        Ok(response) => response,
        Err(failure) => {
            return Error::Unreachable {
                host,
                attempts: attempts.number(),
                may_be_done: false,
                failure,
            };
        }
    };
    let refusal = Refusal::read(&host, response.status(), response.body(), id, secret);
    if reason != Reason::NotRepeatable {
        let (attempts, elapsed) = (attempts.number(), attempts.elapsed());
        return Error::GaveUp {
            attempts,
            elapsed,
            reason,
            last: Box::new(refusal),
        };
    }
    let (code, message) = match serde_json::from_slice::<OAuthError>(response.body()) {
        Ok(error) => (blot(&error.error, secret), blot(&error.error_description, secret)),
        Err(_) => (refusal.code, refusal.message),
    };
    let client = platform.credentials.client_id.clone();
    Error::TokenRefused {
        host,
        client,
        status: refusal.status,
        code,
        message,
    }
}
