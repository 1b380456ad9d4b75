//! What every request can reach.

use crate::{
    bots::Bots, clock::Clock, conversations::Conversations, desk::Desks, faults::FaultBook, fetch::Fetcher,
    idempotency::Idempotency, limits::RateLimits, media::Media, playback::Gateway, switch::Switch,
    tasks::Tasks, tenant::Tenant, tokens::Tokens,
};
use secrecy::SecretString;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use webhooks::Subscribers;

/// The center's parts.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) tenant: Tenant,
    pub(crate) tokens: Tokens,
    pub(crate) limits: RateLimits,
    pub(crate) idempotency: Idempotency,
    pub(crate) faults: Arc<FaultBook>,
    pub(crate) switch: Switch,
    pub(crate) store: Store,
    pub(crate) tasks: Tasks,
    pub(crate) desks: Arc<Desks>,
    pub(crate) media: Arc<Media>,
    pub(crate) playback: Gateway,
    pub(crate) conversations: Arc<Conversations>,
    pub(crate) bots: Arc<Bots>,
    /// Who is told of completions.
    pub(crate) subscribers: Arc<Subscribers>,
    /// The folder of recordings.
    pub(crate) recordings: PathBuf,
    pub(crate) fetcher: Fetcher,
    pub(crate) admin_token: SecretString,
    /// Cancelled when the center closes.
    pub(crate) closing: CancellationToken,
    /// Connections that were upgraded, which the server itself does not wait for.
    pub(crate) upgraded: TaskTracker,
    pub(crate) next_controller: AtomicU64,
}

impl App {
    /// A number that no other connection has.
    pub(crate) fn new_controller_id(&self) -> flow::call::ControllerId {
        flow::call::ControllerId(self.next_controller.fetch_add(1, Ordering::Relaxed))
    }
}
