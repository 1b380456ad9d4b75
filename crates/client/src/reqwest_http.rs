//! [`Http`] over real sockets.

use crate::{
    endpoint::{Endpoint, SetupError},
    guard::{Guard, GuardedResolver, Inward},
    http::{AnswerLimit, AnswerPart, Exchange, FailureKind, Http, HttpFailure, Upgraded},
    tls,
};
use bytes::{Bytes, BytesMut};
use std::{error::Error as StdError, io, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the body of an answer may take of which only a part is wanted.
const PART_PATIENCE: Duration = Duration::from_secs(1);

/// HTTP/1.1 with reqwest: no redirects, since a token must not follow one to another host.
#[derive(Debug, Clone)]
pub struct ReqwestHttp {
    client: reqwest::Client,
    guard: Option<Guard>,
}

impl ReqwestHttp {
    /// A client for one endpoint, with its certificate authority.
    pub fn new(endpoint: &Endpoint) -> Result<Self, SetupError> {
        let mut builder = plain(tls::client_config(endpoint)?);
        if endpoint.is_loopback() {
            // A proxy in the environment is for the network, and can't reach this machine's loopback.
            builder = builder.no_proxy();
        }
        Self::build(builder, None)
    }

    /// A client for addresses that others name: it connects only where `guard` permits, and never through a proxy. What the
    /// guard refuses fails with [`FailureKind::Refused`]. `tls` may be [`any_host_config`](crate::any_host_config).
    pub fn guarded(guard: Guard, tls: rustls::ClientConfig) -> Result<Self, SetupError> {
        let resolver = Arc::new(GuardedResolver(guard.clone()));
        Self::build(plain(tls).no_proxy().dns_resolver(resolver), Some(guard))
    }

    fn build(builder: reqwest::ClientBuilder, guard: Option<Guard>) -> Result<Self, SetupError> {
        let client = builder.build().map_err(|error| SetupError::Tls(chain(&error)))?;
        Ok(Self { client, guard })
    }

    async fn send(&self, request: http::Request<Bytes>) -> Result<reqwest::Response, HttpFailure> {
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        if let Some(guard) = &self.guard {
            // Addresses that are numbers are never resolved, so the resolver does not see them.
            let refused = |error: Inward| HttpFailure::new(FailureKind::Refused, error.to_string());
            guard.check_literal(request.url()).map_err(refused)?;
        }
        self.client.execute(request).await.map_err(failure)
    }
}

/// What every client has in common.
fn plain(tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("trunkline/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
}

impl Http for ReqwestHttp {
    fn execute(&self, request: http::Request<Bytes>) -> Exchange<'_, http::Response<Bytes>> {
        Box::pin(async move {
            let limit = request.extensions().get().copied().unwrap_or_default();
            let part = request.extensions().get().copied();
            let answer = self.send(request).await?;
            match part {
                Some(part) => Ok(read_part(answer, part).await),
                None => read(answer, limit).await,
            }
        })
    }

    fn upgrade(&self, request: http::Request<Bytes>) -> Exchange<'_, Upgraded> {
        Box::pin(async move {
            let limit = request.extensions().get().copied().unwrap_or_default();
            let answer = self.send(request).await?;
            if answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Upgraded {
                    response: read(answer, limit).await?,
                    stream: None,
                });
            }
            let response = with_head_of(&answer, Bytes::new());
            let stream = answer.upgrade().await.map_err(failure)?;
            Ok(Upgraded {
                response,
                stream: Some(Box::new(stream)),
            })
        })
    }
}

async fn read(
    mut answer: reqwest::Response,
    AnswerLimit(limit): AnswerLimit,
) -> Result<http::Response<Bytes>, HttpFailure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > limit {
            let text = format!("the answer is larger than {limit} bytes");
            return Err(HttpFailure::new(FailureKind::TooLarge, text));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(with_head_of(&answer, body.freeze()))
}

async fn read_part(mut answer: reqwest::Response, AnswerPart(most): AnswerPart) -> http::Response<Bytes> {
    let mut body = BytesMut::new();
    let late = Instant::now() + PART_PATIENCE;
    while let Ok(Ok(Some(chunk))) = timeout_at(late, answer.chunk()).await {
        let left = most.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if chunk.len() > left {
            break;
        }
    }
    with_head_of(&answer, body.freeze())
}

fn with_head_of(answer: &reqwest::Response, body: Bytes) -> http::Response<Bytes> {
    let mut response = http::Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    response
}

fn failure(error: reqwest::Error) -> HttpFailure {
    // The address may hold a customer's id, and the caller knows the host.
    let error = error.without_url();
    let kind = match &error {
        _ if causes(&error).any(|cause| cause.is::<Inward>()) => FailureKind::Refused,
        _ if causes(&error).any(is_certificate_fault) => FailureKind::Untrusted,
        _ if error.is_connect() => FailureKind::NotConnected,
        _ if error.is_timeout() => FailureKind::TimedOut,
        _ => FailureKind::Broken,
    };
    HttpFailure::new(kind, chain(&error))
}

fn is_certificate_fault(error: &(dyn StdError + 'static)) -> bool {
    // An io::Error hides what it wraps from the chain of sources, and may wrap another one.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => is_certificate_fault(wrapped),
        None => matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The causes in one line; a cause that its predecessor quotes is left out.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
