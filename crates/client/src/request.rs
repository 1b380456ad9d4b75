//! What is asked and what came back, apart from how it travels.

use crate::{
    endpoint::{self, Endpoint},
    error::Error,
    http::AnswerLimit,
};
use bytes::Bytes;
use flow::retry::Safety;
use http::{HeaderMap, Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, time::Duration};
use url::Url;
use wire::ids::{CorrelationId, IdempotencyKey};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";

/// A request, built before anything is sent. GET, PUT and DELETE are repeatable by themselves; a POST becomes so by an
/// `Idempotency-Key`, unless it is told to go [`once`](Request::once).
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) safety: Safety,
    pub(crate) body: Option<Body>,
    pub(crate) correlation_id: Option<CorrelationId>,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) if_match: Option<String>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) total: Option<Duration>,
    pub(crate) answer_limit: AnswerLimit,
    target: Target,
    query: Vec<(&'static str, String)>,
}

/// What is sent, and what it is.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: String,
}

/// What is asked for.
#[derive(Clone)]
enum Target {
    /// A resource of the platform, by the segments of its path.
    Resource(Vec<String>),
    /// What the platform named by its address; it may be elsewhere.
    Address(Url),
}

impl Request {
    /// A GET of the resource with this path, one segment each.
    pub fn get<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Method::GET, Safety::Idempotent, segments)
    }

    /// A DELETE.
    pub fn delete<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Method::DELETE, Safety::Idempotent, segments)
    }

    /// A PUT of a JSON body.
    pub fn put<'a>(
        segments: impl IntoIterator<Item = &'a str>,
        body: &impl Serialize,
    ) -> Result<Self, Error> {
        Self::new(Method::PUT, Safety::Idempotent, segments).with_json(body)
    }

    /// A POST of a JSON body.
    pub fn post<'a>(
        segments: impl IntoIterator<Item = &'a str>,
        body: &impl Serialize,
    ) -> Result<Self, Error> {
        Self::new(Method::POST, Safety::Keyed, segments).with_json(body)
    }

    /// A GET of an address, of the platform or of another host. Only the platform's own origin gets the token.
    pub(crate) fn get_address(url: Url) -> Self {
        Self {
            target: Target::Address(url),
            ..Self::get([])
        }
    }

    /// A POST of a body of another kind.
    pub(crate) fn post_bytes<'a>(
        segments: impl IntoIterator<Item = &'a str>,
        bytes: Bytes,
        content_type: String,
    ) -> Self {
        Self {
            body: Some(Body { bytes, content_type }),
            ..Self::new(Method::POST, Safety::Keyed, segments)
        }
    }

    fn new<'a>(method: Method, safety: Safety, segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            method,
            safety,
            body: None,
            correlation_id: None,
            key: None,
            if_match: None,
            attempt_timeout: ATTEMPT_TIMEOUT,
            total: None,
            answer_limit: AnswerLimit::default(),
            target: Target::Resource(segments.into_iter().map(str::to_owned).collect()),
            query: Vec::new(),
        }
    }

    fn with_json(self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body).map_err(|error| Error::BadRequest(error.to_string()))?;
        Ok(Self {
            body: Some(Body {
                bytes: bytes.into(),
                content_type: JSON.to_owned(),
            }),
            ..self
        })
    }

    /// Sends no `Idempotency-Key`, and repeats only what the server says it has not done.
    pub fn once(self) -> Self {
        Self {
            safety: Safety::Once,
            ..self
        }
    }

    /// Sends this `Idempotency-Key` instead of a new one: for work that is repeated after a restart, too.
    pub fn with_key(self, key: IdempotencyKey) -> Self {
        Self {
            safety: Safety::Keyed,
            key: Some(key),
            ..self
        }
    }

    /// Is refused with 412 unless the resource has this entity tag, such as `"7"`.
    pub fn with_if_match(self, tag: String) -> Self {
        Self {
            if_match: Some(tag),
            ..self
        }
    }

    /// One more query parameter.
    pub fn with_query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Names the request in both sides' logs; otherwise it gets a new id.
    pub fn with_correlation_id(self, id: CorrelationId) -> Self {
        Self {
            correlation_id: Some(id),
            ..self
        }
    }

    /// The time for one attempt (10 s) and for all of them together (the platform's policy).
    pub fn with_timeouts(self, attempt: Duration, total: Duration) -> Self {
        Self {
            attempt_timeout: attempt,
            total: Some(total),
            ..self
        }
    }

    /// The largest answer accepted (8 MiB).
    pub fn with_answer_limit(self, bytes: usize) -> Self {
        Self {
            answer_limit: AnswerLimit(bytes),
            ..self
        }
    }

    pub(crate) fn address(&self, endpoint: &Endpoint) -> Result<Url, Error> {
        let mut url = match &self.target {
            Target::Resource(segments) => resource(endpoint, segments)?,
            Target::Address(url) => url.clone(),
        };
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    /// The host that is asked, as errors name it.
    pub(crate) fn host(&self, endpoint: &Endpoint) -> String {
        match &self.target {
            Target::Resource(_) => endpoint.host(),
            Target::Address(url) => endpoint::host_of(url),
        }
    }

    /// Whether the platform itself is asked, so that its token may be sent.
    pub(crate) fn is_for(&self, endpoint: &Endpoint) -> bool {
        match &self.target {
            Target::Resource(_) => true,
            Target::Address(url) => endpoint.is_origin_of(url),
        }
    }
}

fn resource(endpoint: &Endpoint, segments: &[String]) -> Result<Url, Error> {
    // URL parsers take these for steps in the path, escaped or not.
    if let Some(dots) = segments
        .iter()
        .find(|segment| matches!(segment.as_str(), "" | "." | ".."))
    {
        return Err(Error::BadRequest(format!(
            "{dots:?} can't stand in an address as an id; use another one"
        )));
    }
    Ok(endpoint.address(segments.iter().map(String::as_str)))
}

impl fmt::Debug for Request {
    // The path and the body may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A good answer (2xx), read to its end.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The request's name in the logs.
    pub correlation_id: CorrelationId,
    /// How long the platform had the request wait (429, 503, no connection) before the attempt that it took.
    pub held_up: Duration,
    pub(crate) host: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde_json quotes values, which may be personal; where and what kind is enough.
            let (line, column) = (error.line(), error.column());
            self.broken(format!(
                "its JSON is not as agreed, at line {line} column {column}"
            ))
        })
    }

    /// The answer breaks the contract in this way.
    pub(crate) fn broken(&self, what: String) -> Error {
        Error::BadAnswer {
            host: self.host.clone(),
            what,
            correlation_id: Some(self.correlation_id.clone()),
        }
    }
}

/// For resources that may not be there: 404 is an answer, `None`.
pub(crate) fn found(answer: Result<Answer, Error>) -> Result<Option<Answer>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut answer = f.debug_struct("Answer");
        answer
            .field("status", &self.status)
            .field("bytes", &self.body.len());
        answer
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}
