//! [`Http`] over real sockets.

use crate::{
    endpoint::{Endpoint, SetupError},
    http::{AnswerLimit, Exchange, FailureKind, Http, HttpFailure, Upgraded},
    tls,
};
use bytes::{Bytes, BytesMut};
use std::{error::Error as StdError, io, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// HTTP/1.1 with reqwest: no redirects, since a token must not follow one to another host.
#[derive(Debug, Clone)]
pub struct ReqwestHttp {
    client: reqwest::Client,
}

impl ReqwestHttp {
    /// A client for one endpoint, with its certificate authority.
    pub fn new(endpoint: &Endpoint) -> Result<Self, SetupError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(endpoint)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("trunkline/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT);
        if endpoint.is_loopback() {
            // A proxy in the environment is for the network, and can't reach this machine's loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| SetupError::Tls(chain(&error)))?;
        Ok(Self { client })
    }

    async fn send(&self, request: http::Request<Bytes>) -> Result<reqwest::Response, HttpFailure> {
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        self.client.execute(request).await.map_err(failure)
    }
}

impl Http for ReqwestHttp {
    fn execute(&self, request: http::Request<Bytes>) -> Exchange<'_, http::Response<Bytes>> {
        Box::pin(async move {
            let limit = request.extensions().get().copied().unwrap_or_default();
            read(self.send(request).await?, limit).await
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
