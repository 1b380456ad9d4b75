//! The HTTP side of a WebSocket (RFC 6455, section 4): what the request must say, and whether the answer is one.

use crate::http::{FailureKind, HttpFailure, Upgraded};
use http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

/// What kind of answer a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    WebSocket,
}

impl Kind {
    pub(crate) fn is_success(self, status: StatusCode) -> bool {
        match self {
            Self::Plain => status.is_success(),
            Self::WebSocket => status == StatusCode::SWITCHING_PROTOCOLS,
        }
    }
}

/// Asks for a WebSocket, with a new key.
pub(crate) fn websocket_headers(builder: http::request::Builder) -> http::request::Builder {
    builder
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
}

/// A server that speaks WebSocket proves it with the key (RFC 6455, 4.1).
pub(crate) fn check_accept(reply: &Upgraded, key: Option<&HeaderValue>) -> Result<(), HttpFailure> {
    let accept = reply
        .response
        .headers()
        .get(header::SEC_WEBSOCKET_ACCEPT)
        .map(HeaderValue::as_bytes);
    let wanted = key.map(|key| derive_accept_key(key.as_bytes()));
    let switched = reply.response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if !switched || (wanted.is_some() && accept == wanted.as_ref().map(String::as_bytes)) {
        return Ok(());
    }
    Err(HttpFailure::new(
        FailureKind::Broken,
        "the server switched protocols, but not to WebSocket",
    ))
}
