//! Customer profiles (contract section 4).

use crate::{error::Error, request::Request, transport::Transport};
use wire::{
    ids::{CorrelationId, ExternalId},
    profile::Profile,
};

/// What a platform's CRM knows of callers.
#[derive(Debug, Clone)]
pub struct Profiles {
    transport: Transport,
}

impl Profiles {
    /// The profiles of a platform; the token needs `profile:read`.
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// The same profiles; its requests carry this correlation id.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self::new(self.transport.with_correlation(id))
    }

    /// The profile of a customer; `None` when there is none, which is a normal case.
    pub async fn by_external_id(&self, id: &ExternalId) -> Result<Option<Profile>, Error> {
        let request = Request::get(["api", "v2", "profiles", "external", id.as_str()]);
        match self.transport.send(request).await {
            Ok(answer) => answer.json().map(Some),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }
}
