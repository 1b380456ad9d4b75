//! Playback sessions and custom analytics events (contract section 3).

use crate::{
    error::Error,
    request::{Request, found},
    transport::Transport,
};
use wire::{
    ids::{CorrelationId, SessionId},
    oauth::{Scope, Scopes},
    page::PageAsked,
    playback::{AnalyticsEvent, Conflict, Control, NewSession, Session, SessionFilter, SessionPage},
};

/// What a platform has for playing prompts and steering them.
#[derive(Debug, Clone)]
pub struct Playback {
    transport: Transport,
}

impl Playback {
    /// The playback interface of a platform, with tokens of the scopes that it needs.
    pub fn new(transport: &Transport) -> Self {
        Self {
            transport: transport.with_scopes(Self::scopes()),
        }
    }

    /// The scopes that all of it needs.
    pub fn scopes() -> Scopes {
        let scopes = [Scope::MediaManage, Scope::MediaRead, Scope::AnalyticsWrite];
        scopes.into_iter().collect()
    }

    /// The same; its requests carry this correlation id.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self {
            transport: self.transport.with_correlation(id),
        }
    }

    /// Starts a session: all that the directive says takes effect, or nothing. A directive with faults is not sent.
    ///
    /// [`Error::conflict`] tells an id that is taken from the stream limit.
    pub async fn create(&self, directive: &NewSession) -> Result<Session, Error> {
        directive.check().map_err(|faults| {
            Error::BadRequest(format!("the directive has faults, correct them: {faults}"))
        })?;
        let request = Request::post(["api", "v2", "media", "sessions"], directive)?;
        self.transport.send(request).await?.json()
    }

    /// A session as it stands; `None` when there is no such one.
    pub async fn get(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        match found(self.transport.send(Request::get(path(id))).await)? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    /// A page of the sessions; the next one is there as long as the answer has a `next_uri`.
    pub async fn list(&self, filter: SessionFilter, page: PageAsked) -> Result<SessionPage, Error> {
        let request = Request::get(["api", "v2", "media", "sessions"])
            .with_query("status", filter)
            .with_query("pageSize", page.size)
            .with_query("pageNumber", page.number);
        self.transport.send(request).await?.json()
    }

    /// Stops a session, and does nothing to one that is over; false when there is no such one.
    pub async fn stop(&self, id: &SessionId) -> Result<bool, Error> {
        let answer = found(self.transport.send(Request::delete(path(id))).await)?;
        Ok(answer.is_some())
    }

    /// Steers a session. The answer is the session after it; [`Error::conflict`] tells whether it is over.
    pub async fn control(&self, id: &SessionId, control: &Control) -> Result<Session, Error> {
        let path = path(id).into_iter().chain(["control"]);
        self.transport.send(Request::post(path, control)?).await?.json()
    }

    /// Posts an event for analytics.
    pub async fn analytics(&self, event: &AnalyticsEvent) -> Result<(), Error> {
        let request = Request::post(["api", "v2", "analytics", "events", "custom"], event)?;
        self.transport.send(request).await.map(drop)
    }
}

impl Error {
    /// What a request for playback is in conflict with, when the platform answers 409 and says so.
    pub fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Refused(refusal) if refusal.status == 409 => {
                let mut told = std::iter::once(&refusal.message).chain(&refusal.errors);
                told.find_map(|text| Conflict::told_by(text))
            }
            _ => None,
        }
    }
}

fn path(id: &SessionId) -> [&str; 5] {
    ["api", "v2", "media", "sessions", id.as_str()]
}
