//! Completions: that interactions are over, told by webhook (contract sections 7, 8 and 10). They come from calls
//! (`keeping/`), from the administrator, and from a generator.

mod event;
mod made_up;
mod on_demand;
mod own_endpoint;
mod rate;
mod running;
mod turns;

pub(crate) use event::Completed;
pub(crate) use on_demand::complete;
pub(crate) use own_endpoint::Ours;
pub use rate::{BadRate, CompletionRate};
pub(crate) use running::{Audience, Running};
pub(crate) use turns::Turns;

use client::SetupError;
use url::Url;
use webhooks::EndpointsError;
use wire::Faults;

/// Where completions go.
#[derive(Clone)]
pub enum Destination {
    /// There.
    Url(Url),
    /// To this path of the center's own address, such as `/webhooks/interaction-completed`: for a service that shares it
    /// ([`crate::Options::beside`]), when the port is not known beforehand.
    Here(String),
}

impl From<Url> for Destination {
    fn from(url: Url) -> Self {
        Self::Url(url)
    }
}

/// Which completions a center sends, and where to.
#[derive(Clone, Default)]
pub struct Completions {
    /// Where they go. The center keeps an endpoint of its own for them in the store ([`Destination::endpoint`]), besides
    /// those that others have added.
    pub to: Option<Destination>,
    /// How many interactions are made up and completed; without it, none.
    pub rate: Option<CompletionRate>,
    /// Whether the center delivers webhooks itself: those of every endpoint in its store. Otherwise a service over the same
    /// store does it.
    ///
    /// Endpoints that a center on the same data folder named and none names any more are removed at the start, unless another
    /// center runs on it: nothing is owed to them. A center without a destination that does not deliver leaves them as they are.
    pub deliver: bool,
}

/// Why a center can't send its completions.
#[derive(Debug, thiserror::Error)]
pub enum CompletionsError {
    /// The URL is none that webhooks can go to.
    #[error("completions can't go there: {0}")]
    Url(Faults),
    /// The endpoint can't be kept.
    #[error(transparent)]
    Endpoints(#[from] EndpointsError),
    /// Completions are to be made up, and there is nobody who could have led the interactions.
    #[error("the tenant has no agents, so that no completions can be made up; add an [[agent]]")]
    NoAgents,
    /// The client for webhooks can't be made.
    #[error(transparent)]
    Http(#[from] SetupError),
    /// Deliveries can't be made.
    #[error(transparent)]
    Store(#[from] store::Error),
}
