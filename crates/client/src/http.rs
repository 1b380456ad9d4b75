//! The port to HTTP: everything above it runs without sockets.

use bytes::Bytes;
use std::{fmt, pin::Pin};
use tokio::io::{AsyncRead, AsyncWrite};

/// The future of one HTTP exchange.
pub type Exchange<'a, T> = Pin<Box<dyn Future<Output = Result<T, HttpFailure>> + Send + 'a>>;

/// Sends one request, once: no redirects, no repeats, no cookies. Dropping the future ends the exchange.
pub trait Http: Send + Sync {
    /// Sends a request and reads the answer to its end, up to the request's [`AnswerLimit`].
    fn execute(&self, request: http::Request<Bytes>) -> Exchange<'_, http::Response<Bytes>>;

    /// Sends a request that asks for another protocol.
    fn upgrade(&self, request: http::Request<Bytes>) -> Exchange<'_, Upgraded>;
}

/// The largest answer body that is accepted; a request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimit(
    /// In bytes.
    pub usize,
);

impl Default for AnswerLimit {
    fn default() -> Self {
        Self(8 * 1024 * 1024)
    }
}

/// How much of an answer's body is read where only the head matters; a request extension that goes before [`AnswerLimit`].
///
/// The rest is cut off, and so is a body that breaks or takes longer than a second: neither is a failure then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerPart(
    /// In bytes.
    pub usize,
);

/// The answer to [`Http::upgrade`].
#[derive(Debug)]
pub struct Upgraded {
    /// The answer; it has no body when the protocol was switched.
    pub response: http::Response<Bytes>,
    /// The connection, when the answer is 101.
    pub stream: Option<BoxStream>,
}

/// A connection in another protocol.
pub type BoxStream = Box<dyn Duplex>;

/// What a byte stream must be able to do.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

impl fmt::Debug for dyn Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stream")
    }
}

/// What went wrong below HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// There was no connection; nothing was sent.
    NotConnected,
    /// The guard refuses the address ([`crate::guard`]); nothing was sent.
    Refused,
    /// The server's certificate is not trusted; nothing was sent, and a repeat would not help.
    Untrusted,
    /// The connection broke after sending.
    Broken,
    /// There was no answer in time.
    TimedOut,
    /// The answer is larger than allowed.
    TooLarge,
}

/// An exchange without an answer. It holds no secrets: neither the address nor the headers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct HttpFailure {
    /// What went wrong.
    pub kind: FailureKind,
    /// The causes, outermost first.
    pub text: String,
}

impl HttpFailure {
    /// A failure with its causes.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}
