//! Answers: JSON, and the one shape of every refusal.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use wire::{ErrorBody, Faults, ids::CorrelationId};

/// A body as JSON.
#[derive(Debug)]
pub struct Json<T>(pub StatusCode, pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.1) {
            Ok(bytes) => (self.0, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => Refusal::internal(&error).into_response(),
        }
    }
}

/// Members beside those that every refusal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Nothing,
    /// `error` with the code and `error_description`, as RFC 6749 has them.
    OAuth,
    /// `error` with the message (contract section 7).
    Error,
}

/// A request that is not done, and why. The correlation id is added on the way out.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    errors: Vec<String>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// What some clients look for beside the one shape.
    more: More,
}

impl Refusal {
    /// A refusal with one reason.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code: code_of(status),
            errors: vec![message.clone()],
            message,
            header: None,
            more: More::Nothing,
        }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// 400 with every fault.
    pub fn faults(faults: Faults) -> Self {
        let errors = faults.into_vec();
        let message = match errors.as_slice() {
            [only] => only.clone(),
            several => format!("the request has {} faults", several.len()),
        };
        Self {
            errors,
            ..Self::new(StatusCode::BAD_REQUEST, message)
        }
    }

    /// 429.
    pub fn too_many(retry_after_s: u64) -> Self {
        let message = format!("too many requests; try again in {retry_after_s} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, message)
            .with_header(header::RETRY_AFTER, &retry_after_s.to_string())
    }

    /// 503 for so long.
    pub fn unavailable(message: &str, retry_after_s: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
            .with_header(header::RETRY_AFTER, &retry_after_s.to_string())
    }

    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        let errors: usize = self.errors.iter().map(|error| error.len() + 32).sum();
        self.message.len() + errors + 256
    }

    /// 401.
    pub fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message).with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 500; the cause goes to the log, not to the caller.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed inside the server");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed; its log says why",
        )
    }

    /// A refusal of the token endpoint.
    pub fn oauth(fault: &wire::oauth::OAuthFault) -> Self {
        let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let refusal = Self {
            code: fault.code(),
            more: More::OAuth,
            ..Self::new(status, fault.to_string())
        };
        match status {
            StatusCode::UNAUTHORIZED => {
                refusal.with_header(header::WWW_AUTHENTICATE, "Basic realm=\"oauth\"")
            }
            _ => refusal,
        }
    }

    /// The same with the message as `error`, too (contract section 7).
    pub fn with_error(self) -> Self {
        Self {
            more: More::Error,
            ..self
        }
    }

    /// The same with a header more.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value)
            .ok()
            .map(|value| Box::new((name, value)));
        self
    }

    /// The answer, with the request's correlation id.
    pub(crate) fn answer(self, correlation_id: &CorrelationId) -> Response {
        let body = ErrorBody {
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            message: self.message.clone(),
            errors: self.errors,
            correlation_id: Some(correlation_id.clone()),
        };
        let mut body = serde_json::to_value(body).unwrap_or_default();
        match self.more {
            More::Nothing => {}
            More::OAuth => {
                body["error"] = self.code.into();
                body["error_description"] = self.message.into();
            }
            More::Error => body["error"] = self.message.into(),
        }
        let mut response = Json(self.status, body).into_response();
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl IntoResponse for Refusal {
    /// A bare status that carries the refusal; [`correlate`](crate::correlate) turns it into the body.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// The word for programs that belongs to a status.
pub(crate) fn code_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "timeout",
        409 => "conflict",
        413 => "too_large",
        415 => "unsupported_media_type",
        422 => "unprocessable",
        426 => "upgrade_required",
        429 => "too_many_requests",
        503 => "unavailable",
        _ if status.is_client_error() => "refused",
        _ => "internal_error",
    }
}
