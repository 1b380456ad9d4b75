//! The center's own endpoint: where `--completions-to` says.

use super::{Completions, event::KIND};
use store::Store;
use url::Url;
use uuid::Uuid;
use webhooks::{EndpointId, Endpoints, EndpointsError, NewEndpoint, Secret};
use wire::Faults;

/// Why completions can't go where they are to.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// The URL is none that webhooks can go to.
    #[error("completions can't go there: {0}")]
    Url(Faults),
    /// The endpoint can't be kept.
    #[error(transparent)]
    Endpoints(#[from] EndpointsError),
}

/// The id of the endpoint that a center keeps for its completions: the same in every store.
pub fn own_endpoint() -> EndpointId {
    EndpointId::from_uuid(Uuid::from_bytes(*b"centercompletion"))
}

/// Lets the endpoint be as the center's options say.
pub(crate) async fn arrange(
    store: &Store,
    completions: &Completions,
    secret: &Secret,
) -> Result<(), DestinationError> {
    let endpoints = Endpoints::new(store.clone());
    match &completions.to {
        Some(to) => keep(&endpoints, to, secret).await,
        None if completions.deliver => remove(&endpoints).await,
        None => Ok(()),
    }
}

async fn keep(endpoints: &Endpoints, to: &Url, secret: &Secret) -> Result<(), DestinationError> {
    let description = "the center's completions";
    let new = NewEndpoint::parse(to.as_str(), description, &[KIND], Some(secret.expose()));
    endpoints
        .keep(&own_endpoint(), new.map_err(DestinationError::Url)?)
        .await?;
    Ok(())
}

async fn remove(endpoints: &Endpoints) -> Result<(), DestinationError> {
    match endpoints.remove(&own_endpoint()).await {
        Ok(()) | Err(EndpointsError::Unknown(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
