//! What runs in a center for its completions.

use super::{
    Completions, CompletionsError, Turns,
    made_up::{MadeUp, keep_completing},
    own_endpoint::{Ours, arrange},
};
use crate::Addresses;
use client::{ReqwestHttp, any_host_config, guard::Guard};
use std::sync::Arc;
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use webhooks::{Deliveries, DeliveryOptions, Endpoints, Subscribers};
use wire::ids::AgentId;

/// Who is told of completions, and who led the interactions.
#[derive(Clone)]
pub(crate) struct Audience {
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) turns: Arc<Turns>,
}

/// Deliveries and made-up interactions, while this lives.
pub(crate) struct Running {
    pub(crate) audience: Audience,
    deliveries: Option<Deliveries>,
    made_up: Option<JoinHandle<()>>,
    stop: DropGuard,
}

impl Running {
    /// Arranges the center's own endpoint and starts what is asked for. `guard` is that of audio by URL.
    pub(crate) async fn start(
        completions: Completions,
        agents: Vec<AgentId>,
        store: &Store,
        own: &Addresses,
        guard: &Guard,
        ours: Ours<'_>,
    ) -> Result<Self, CompletionsError> {
        if completions.rate.is_some() && agents.is_empty() {
            return Err(CompletionsError::NoAgents);
        }
        let to = arrange(store, &completions, own, ours).await?;
        let audience = Audience {
            subscribers: Arc::new(Subscribers::new(Endpoints::new(store.clone()))),
            turns: Arc::new(Turns::new(agents)),
        };
        let deliveries = match completions.deliver {
            true => Some(deliver(to.as_ref(), store, guard).await?),
            false => None,
        };
        let stop = CancellationToken::new();
        let made_up = completions.rate.map(|rate| {
            let made_up = MadeUp {
                store: store.clone(),
                audience: audience.clone(),
                rate,
            };
            tokio::spawn(keep_completing(made_up, stop.clone()))
        });
        Ok(Self {
            audience,
            deliveries,
            made_up,
            stop: stop.drop_guard(),
        })
    }

    /// Makes nothing more up, and finishes the deliveries under way.
    pub(crate) async fn close(self) {
        drop(self.stop);
        if let Some(made_up) = self.made_up {
            let _ = made_up.await;
        }
        if let Some(deliveries) = self.deliveries {
            deliveries.shutdown().await;
        }
    }
}

/// Makes deliveries. The host that the operator named is permitted, wherever it leads.
async fn deliver(to: Option<&Url>, store: &Store, guard: &Guard) -> Result<Deliveries, CompletionsError> {
    let mut guard = guard.clone();
    guard.own = None;
    guard
        .hosts
        .extend(to.and_then(Url::host).map(|host| host.to_owned()));
    let http = ReqwestHttp::guarded(guard, any_host_config(None)?)?;
    Ok(Deliveries::start(store.clone(), Arc::new(http), DeliveryOptions::default()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Center, Options, StartError, Tenant};

    #[tokio::test]
    async fn nothing_is_made_up_without_agents() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::local(folder.path().to_owned(), Tenant::small());
        options.completions.rate = Some("1/s".parse().unwrap());
        let refused = Center::start(options).await.err().unwrap();
        assert!(
            matches!(refused, StartError::Completions(CompletionsError::NoAgents)),
            "{refused}"
        );
    }
}
