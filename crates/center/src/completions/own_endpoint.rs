//! The center's own endpoint: where `--completions-to` says.

use super::{Completions, CompletionsError, Destination, event::KIND};
use crate::Addresses;
use store::Store;
use url::Url;
use uuid::Uuid;
use webhooks::{EndpointId, Endpoints, EndpointsError, NewEndpoint, Secret};

/// The id of the endpoint that a center keeps for its completions: the same in every store.
pub fn own_endpoint() -> EndpointId {
    EndpointId::from_uuid(Uuid::from_bytes(*b"centercompletion"))
}

/// Lets the endpoint be as the center's options say; gives where it leads.
pub(crate) async fn arrange(
    store: &Store,
    completions: &Completions,
    own: &Addresses,
    secret: &Secret,
) -> Result<Option<Url>, CompletionsError> {
    let endpoints = Endpoints::new(store.clone());
    let to = match &completions.to {
        Some(Destination::Url(to)) => to.to_string(),
        Some(Destination::Here(path)) => own.base_url() + path,
        None => {
            if completions.deliver {
                remove(&endpoints).await?;
            }
            return Ok(None);
        }
    };
    let description = "the center's completions";
    let new = NewEndpoint::parse(&to, description, &[KIND], Some(secret.expose()));
    let new = new.map_err(CompletionsError::Url)?;
    let kept = endpoints.keep(&own_endpoint(), new).await?;
    Ok(Some(kept.url))
}

async fn remove(endpoints: &Endpoints) -> Result<(), CompletionsError> {
    match endpoints.remove(&own_endpoint()).await {
        Ok(()) | Err(EndpointsError::Unknown(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
