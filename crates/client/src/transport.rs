//! Sending requests that hold: tokens, repeats, correlation ids and bounds, the same for every client.

use crate::{
    attempts::{Attempts, late, retry_after},
    endpoint::{Endpoint, Platform, SetupError},
    error::{Error, Refusal},
    handshake::{Kind, check_accept, websocket_headers},
    http::{Http, HttpFailure, Upgraded},
    request::{Answer, Request},
    reqwest_http::ReqwestHttp,
    tokens::{Token, Tokens},
};
use bytes::Bytes;
use flow::retry::{Policy, Reason, Safety};
use http::{HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::timeout;
use url::Url;
use wire::{
    ids::{CorrelationId, IdempotencyKey},
    oauth::Scopes,
};

/// The way to one platform; clones share its connections and tokens.
#[derive(Clone)]
pub struct Transport {
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    policy: Policy,
    auth: Auth,
    correlation: Option<CorrelationId>,
}

#[derive(Clone)]
enum Auth {
    OAuth { tokens: Tokens, platform: Arc<Platform> },
    Fixed(SecretString),
}

/// What authorises an attempt: a cached token can be replaced, a fixed one can't. Other hosts than the platform get nothing.
struct Bearer {
    secret: Option<SecretString>,
    token: Option<Token>,
}

impl Bearer {
    const NONE: Self = Self {
        secret: None,
        token: None,
    };

    /// What must not be repeated in errors.
    fn exposed(&self) -> &str {
        self.secret.as_ref().map_or("", |secret| secret.expose_secret())
    }
}

/// A request that was answered well.
struct Sent {
    reply: Upgraded,
    correlation: CorrelationId,
    held_up: Duration,
}

/// What is the same in all attempts of one request.
struct Ids {
    correlation: CorrelationId,
    idempotency: Option<IdempotencyKey>,
}

impl Transport {
    /// The way to a platform over the network, with a token cache of its own.
    pub fn connect(platform: Platform) -> Result<Self, SetupError> {
        let http: Arc<dyn Http> = Arc::new(ReqwestHttp::new(&platform.endpoint)?);
        Ok(Self::new(http.clone(), Tokens::new(http), platform))
    }

    /// The way to a platform by `http`, with a token cache that may be shared.
    pub fn new(http: Arc<dyn Http>, tokens: Tokens, platform: Platform) -> Self {
        let (endpoint, policy) = (platform.endpoint.clone(), platform.policy);
        Self {
            http,
            endpoint,
            policy,
            auth: Auth::OAuth {
                tokens,
                platform: Arc::new(platform),
            },
            correlation: None,
        }
    }

    /// The way to an endpoint that takes a fixed bearer token.
    pub fn with_bearer(
        http: Arc<dyn Http>,
        endpoint: Endpoint,
        bearer: SecretString,
    ) -> Result<Self, SetupError> {
        if HeaderValue::from_str(bearer.expose_secret()).is_err() {
            return Err(SetupError::Token);
        }
        Ok(Self {
            http,
            endpoint,
            policy: Policy::default(),
            auth: Auth::Fixed(bearer),
            correlation: None,
        })
    }

    /// The same way, with tokens of other scopes; the token cache stays shared.
    pub fn with_scopes(&self, scopes: Scopes) -> Self {
        match &self.auth {
            Auth::Fixed(_) => self.clone(),
            Auth::OAuth { tokens, platform } => {
                let platform = Platform::clone(platform).with_scopes(scopes);
                Self {
                    policy: self.policy,
                    correlation: self.correlation.clone(),
                    ..Self::new(self.http.clone(), tokens.clone(), platform)
                }
            }
        }
    }

    /// The same way, for requests that are repeated by another policy.
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self {
            policy,
            ..self.clone()
        }
    }

    /// The platform, as errors and logs name it.
    pub fn host(&self) -> String {
        self.endpoint.host()
    }

    /// Sends a request, and repeats it as its safety and the policy allow. Every answer other than 2xx is an error.
    ///
    /// Dropping the future ends the request; it may have been done all the same.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let host = request.host(&self.endpoint);
        let sent = self.run(&request, Kind::Plain, self.policy).await?;
        let (head, body) = sent.reply.response.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            correlation_id: sent.correlation,
            held_up: sent.held_up,
            host,
        })
    }

    /// Sends a request for a WebSocket; the answer is 101.
    pub(crate) async fn upgrade(&self, request: &Request, policy: Policy) -> Result<Upgraded, Error> {
        let sent = self.run(request, Kind::WebSocket, policy).await?;
        Ok(sent.reply)
    }

    /// The same way, for requests that belong together: those without a correlation id of their own carry this one.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self {
            correlation: Some(id),
            ..self.clone()
        }
    }

    /// Where an address leads that the platform gave.
    pub(crate) fn resolve(&self, address: &str) -> Result<Url, Error> {
        let url = self.endpoint.resolve(address);
        url.map_err(|error| {
            Error::BadRequest(format!("{} gave an address that is none: {error}", self.host()))
        })
    }

    /// Whether an address is of the platform's own host, on whatever port.
    pub(crate) fn is_host_of(&self, url: &Url) -> bool {
        self.endpoint.is_host_of(url)
    }

    /// Whether an address is of the platform's own scheme, host and port.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        self.endpoint.is_origin_of(url)
    }

    /// How requests are repeated here unless they say otherwise.
    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    async fn run(&self, request: &Request, kind: Kind, policy: Policy) -> Result<Sent, Error> {
        let ids = self.ids_of(request);
        let policy = Policy {
            total: request.total.unwrap_or(policy.total),
            ..policy
        };
        let mut attempts = Attempts::start(policy, request.safety);
        let mut renewed = false;
        loop {
            let bearer = match request.is_for(&self.endpoint) {
                true => self.bearer(&attempts).await?,
                false => Bearer::NONE,
            };
            let built = self.build(request, kind, &ids, &bearer)?;
            let tried = attempts
                .attempt(request.attempt_timeout, self.exchange(built, kind))
                .await;
            let status = tried.as_ref().ok().map(|reply| reply.response.status());
            let tried = match tried {
                Ok(reply) if kind.is_success(reply.response.status()) => {
                    return Ok(Sent {
                        reply,
                        correlation: ids.correlation,
                        held_up: attempts.held_up(),
                    });
                }
                other => other.map(|reply| reply.response),
            };
            if status == Some(StatusCode::UNAUTHORIZED) && !renewed && self.drop_token(&bearer) {
                // Nothing was done, so this holds for every request; once, since a new token that is refused stays so.
                renewed = true;
                attempts.uncount();
                continue;
            }
            if let Err(reason) = attempts.pause(tried.as_ref()).await {
                return Err(self.last_error(request, &attempts, reason, tried, &ids, &bearer));
            }
        }
    }

    fn ids_of(&self, request: &Request) -> Ids {
        let given = request
            .correlation_id
            .as_ref()
            .or(self.correlation.as_ref())
            .cloned();
        let keyed = request.safety == Safety::Keyed;
        Ids {
            correlation: given.unwrap_or_else(|| CorrelationId::from_uuid(uuid::Uuid::now_v7())),
            idempotency: keyed.then(|| {
                let given = request.key.clone();
                given.unwrap_or_else(|| IdempotencyKey::from_uuid(uuid::Uuid::new_v4()))
            }),
        }
    }

    async fn bearer(&self, attempts: &Attempts) -> Result<Bearer, Error> {
        match &self.auth {
            Auth::Fixed(secret) => Ok(Bearer {
                secret: Some(secret.clone()),
                token: None,
            }),
            Auth::OAuth { tokens, platform } => {
                let left = attempts.left();
                let token = timeout(left, tokens.get(platform)).await.unwrap_or_else(|_| {
                    Err(Error::Unreachable {
                        host: self.host(),
                        attempts: attempts.number(),
                        may_be_done: attempts.may_be_done(),
                        failure: late("access token", left),
                    })
                })?;
                Ok(Bearer {
                    secret: Some(token.secret.clone()),
                    token: Some(token),
                })
            }
        }
    }

    /// Forgets a token that was refused; false when there is no other to be had.
    fn drop_token(&self, bearer: &Bearer) -> bool {
        match (&self.auth, &bearer.token) {
            (Auth::OAuth { tokens, platform }, Some(token)) => {
                tokens.refused(platform, token);
                true
            }
            _ => false,
        }
    }

    fn build(
        &self,
        request: &Request,
        kind: Kind,
        ids: &Ids,
        bearer: &Bearer,
    ) -> Result<http::Request<Bytes>, Error> {
        let bad = |error: http::Error| Error::BadRequest(error.to_string());
        let mut builder = http::Request::builder()
            .method(request.method.clone())
            .uri(request.address(&self.endpoint)?.as_str())
            .header("x-correlation-id", header_text(ids.correlation.as_str())?)
            .extension(request.answer_limit);
        if let Some(secret) = &bearer.secret {
            builder = builder.header(header::AUTHORIZATION, authorization(secret)?);
        }
        if let Some(key) = &ids.idempotency {
            builder = builder.header("idempotency-key", key.as_str());
        }
        if let Some(tag) = &request.if_match {
            builder = builder.header(header::IF_MATCH, header_text(tag)?);
        }
        if let Some(body) = &request.body {
            builder = builder.header(header::CONTENT_TYPE, &body.content_type);
        }
        builder = match kind {
            Kind::Plain => builder.header(header::ACCEPT, "application/json, */*;q=0.5"),
            Kind::WebSocket => websocket_headers(builder),
        };
        builder
            .body(
                request
                    .body
                    .as_ref()
                    .map(|body| body.bytes.clone())
                    .unwrap_or_default(),
            )
            .map_err(bad)
    }

    async fn exchange(&self, request: http::Request<Bytes>, kind: Kind) -> Result<Upgraded, HttpFailure> {
        match kind {
            Kind::Plain => {
                let response = self.http.execute(request).await?;
                Ok(Upgraded {
                    response,
                    stream: None,
                })
            }
            Kind::WebSocket => {
                let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
                let reply = self.http.upgrade(request).await?;
                check_accept(&reply, key.as_ref())?;
                Ok(reply)
            }
        }
    }

    fn last_error(
        &self,
        request: &Request,
        attempts: &Attempts,
        reason: Reason,
        tried: Result<http::Response<Bytes>, HttpFailure>,
        ids: &Ids,
        bearer: &Bearer,
    ) -> Error {
        let (number, elapsed) = (attempts.number(), attempts.elapsed());
        let host = request.host(&self.endpoint);
        let response = match tried {
            Ok(response) => response,
            Err(failure) => {
                return Error::Unreachable {
                    host,
                    attempts: number,
                    may_be_done: attempts.may_be_done(),
                    failure,
                };
            }
        };
        let (status, body) = (response.status(), response.body());
        let refusal = Box::new(Refusal {
            retry_after: retry_after(response.headers()),
            may_be_done: attempts.may_be_done(),
            ..Refusal::read(&host, status, body, &ids.correlation, bearer.exposed())
        });
        match reason {
            Reason::NotRepeatable => Error::Refused(refusal),
            _ => Error::GaveUp {
                attempts: number,
                elapsed,
                reason,
                last: refusal,
            },
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

fn authorization(secret: &SecretString) -> Result<HeaderValue, Error> {
    let text = SecretString::from(format!("Bearer {}", secret.expose_secret()));
    let mut value =
        HeaderValue::from_str(text.expose_secret()).map_err(|error| Error::BadRequest(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn header_text(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::BadRequest(format!("{text:?} can't stand in a header")))
}
