//! The center's own endpoint: where `--completions-to` says.

use super::{Completions, CompletionsError, Destination, event::KIND};
use crate::Addresses;
use store::Store;
use url::Url;
use uuid::Uuid;
use webhooks::{Endpoint, EndpointId, Endpoints, EndpointsError, NewEndpoint, Secret};

/// The endpoints that centers keep, the same in every store: where an operator's URL leads, and a service that shares the
/// center's address. One does not take the place of the other.
const IDS: [&[u8; 16]; 2] = [b"centercompletion", b"completions-here"];

impl Destination {
    /// The id of the endpoint that a center keeps for it.
    pub fn endpoint(&self) -> EndpointId {
        let [elsewhere, here] = IDS.map(id);
        match self {
            Self::Url(_) => elsewhere,
            Self::Here(_) => here,
        }
    }
}

fn id(bytes: &[u8; 16]) -> EndpointId {
    EndpointId::from_uuid(Uuid::from_bytes(*bytes))
}

/// What is known of this center's endpoint.
pub(crate) struct Ours<'a> {
    /// What it is signed with.
    pub(crate) secret: &'a Secret,
    /// No other center runs on the data folder.
    pub(crate) alone: bool,
}

/// Lets the endpoints be as the center's options say; gives where its own leads.
pub(crate) async fn arrange(
    store: &Store,
    completions: &Completions,
    own: &Addresses,
    ours: Ours<'_>,
) -> Result<Option<Url>, CompletionsError> {
    let endpoints = Endpoints::new(store.clone());
    let named = completions.to.as_ref().map(Destination::endpoint);
    if ours.alone && (completions.deliver || named.is_some()) {
        for id in IDS.map(id).iter().filter(|id| Some(*id) != named.as_ref()) {
            remove(&endpoints, id, ours.secret).await?;
        }
    }
    let Some(destination) = &completions.to else {
        return Ok(None);
    };
    let to = match destination {
        Destination::Url(to) => to.to_string(),
        Destination::Here(path) => own.base_url() + path,
    };
    let description = "the center's completions";
    let new = NewEndpoint::parse(&to, description, &[KIND], Some(ours.secret.expose()));
    let new = new.map_err(CompletionsError::Url)?;
    let kept = endpoints.keep(&destination.endpoint(), new).await?;
    Ok(Some(kept.url))
}

/// Removes an endpoint that a center on this data folder kept. Its secret tells: each data folder has its own, and a center that
/// takes an endpoint over gives it that of its folder.
async fn remove(endpoints: &Endpoints, id: &EndpointId, ours: &Secret) -> Result<(), CompletionsError> {
    let is_ours = |endpoint: &Endpoint| {
        let previous = endpoint.previous.as_ref().map(|previous| &previous.secret);
        endpoint.secret == *ours || previous == Some(ours)
    };
    match endpoints.get(id).await {
        Ok(endpoint) if is_ours(&endpoint) => {}
        Ok(_) | Err(EndpointsError::Unknown(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    match endpoints.remove(id).await {
        Ok(()) | Err(EndpointsError::Unknown(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
