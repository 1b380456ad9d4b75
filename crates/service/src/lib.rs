//! The service behind `trunkline serve`: takes events in by webhook, and carries out what they lead to.
//!
//! An event that was answered with 200 is durable, and so is everything that follows from it: deliveries to endpoints, and the
//! follow-up of interactions, are written in the same commit, and done until they succeed or become dead letters. Several
//! services over one PostgreSQL share the work.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use service::{Intake, Options, Service};
//! use store::{Location, Notary, Store};
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(&Location::Sqlite(folder.path().join("trunkline.db"))).await?;
//! let notary = Notary::open(store.clone(), folder.path()).await?;
//! let intake = Intake::new(store.clone(), Vec::new(), service::completions(Vec::new()))?;
//! let listening = intake.listen("127.0.0.1:0".parse()?).await?;
//! assert!(listening.url().starts_with("http://127.0.0.1:"));
//! let service = Service::start(store, notary, Options::default()).await?;
//! listening.close().await;
//! service.close().await.sign().await?;
//! # Ok(()) }
//! ```

mod completions;
mod intake;
mod listening;
mod upkeep;

pub use intake::Intake;
pub use listening::Listening;
pub use upkeep::Retention;

use client::{
    ReqwestHttp, SetupError, Transport, any_host_config,
    guard::{Guard, allowed_hosts},
};
use flow::delivery::Schedule;
use jobs::follow_up::{self, FollowUps, Rulebook, Rush};
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};
use store::{Notary, NotaryError, Store};
use tokio::task::AbortHandle;
use url::Url;
use webhooks::{Deliveries, DeliveryOptions, EndpointId, Secret, Source, TOLERANCE};

/// What a service does, and how.
#[derive(Default)]
pub struct Options {
    /// When a delivery, or a step of a follow-up, is tried again.
    pub schedule: Schedule,
    /// Hosts that webhooks may go to though their addresses are internal.
    pub allow_hosts: Vec<String>,
    /// Whether webhooks may go to this machine: when only this machine can reach the service.
    pub allow_loopback: bool,
    /// An address of the service's own that webhooks may go to, such as `http://127.0.0.1:8650`.
    pub own_url: Option<String>,
    /// An endpoint that this process is itself, and its address here.
    pub here: Option<(EndpointId, Url)>,
    /// How long things are kept.
    pub retention: Retention,
    /// Interactions that are to be followed up, and where.
    pub follow_up: Option<FollowUp>,
}

/// How interactions are followed up.
pub struct FollowUp {
    /// The platform that has the forms, the tasks and the agents.
    pub platform: Transport,
    /// The rules that forms are judged by.
    pub rules: Rulebook,
    /// What its steps give way to ([`Intake::rush`]).
    pub rush: Rush,
    /// The file that the rules are from: it is read anew when it changes.
    pub rules_file: Option<PathBuf>,
}

/// Who sends completions: anybody, or those who sign with one of these secrets.
pub fn completions(secrets: Vec<Secret>) -> Source {
    Source {
        name: follow_up::SOURCE.to_owned(),
        secrets,
        tolerance: TOLERANCE,
    }
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened on.
    #[error("{address} can't be listened on; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Some of the hosts that are to be allowed are none.
    #[error("no host names or addresses: {}; write them without scheme and port", .0.join(", "))]
    Hosts(Vec<String>),
    /// Two sources have the same name.
    #[error("there are two sources {0:?}; give each its own name")]
    Twice(String),
    /// There is no HTTP client.
    #[error(transparent)]
    Http(#[from] SetupError),
    /// The audit log can't be signed.
    #[error("the audit log can't be signed")]
    Notary(#[from] NotaryError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is done for the events that an [`Intake`] takes. Dropped without [`Service::close`], it stops at once; nothing that was
/// accepted is lost.
pub struct Service {
    notary: Arc<Notary>,
    deliveries: Deliveries,
    follow_ups: Option<FollowUps>,
    upkeep: Vec<AbortHandle>,
}

impl Service {
    /// Starts to deliver, to follow up, and to sign the audit log.
    pub async fn start(store: Store, notary: Notary, options: Options) -> Result<Self, StartError> {
        let guard = Guard {
            loopback: options.allow_loopback,
            hosts: allowed_hosts(&options.allow_hosts).map_err(StartError::Hosts)?,
            own: options.own_url,
        };
        let http = Arc::new(ReqwestHttp::guarded(guard, any_host_config(None)?)?);
        let notary = Arc::new(notary);
        // A log that does not continue what was signed before is told at the start, not in the log of the night.
        notary.sign().await?;
        let delivery = DeliveryOptions {
            schedule: options.schedule.clone(),
            here: options.here,
            ..DeliveryOptions::default()
        };
        let deliveries = Deliveries::start(store.clone(), http, delivery).await?;
        let mut upkeep = vec![
            tokio::spawn({
                let notary = notary.clone();
                async move { notary.keep_signing().await }
            })
            .abort_handle(),
            tokio::spawn(upkeep::remove_old(store.clone(), options.retention)).abort_handle(),
        ];
        let mut follow_ups = None;
        if let Some(follow_up) = options.follow_up {
            let how = follow_up::Options {
                schedule: options.schedule,
                rush: follow_up.rush.clone(),
                ..follow_up::Options::default()
            };
            let rules = follow_up.rules.clone();
            let started = FollowUps::start(store.clone(), &follow_up.platform, rules, how);
            follow_ups = Some(started.await?);
            let reading = follow_up
                .rules_file
                .map(|file| follow_up::keep_reading(follow_up.rules, file, store));
            upkeep.extend(reading.map(|reading| tokio::spawn(reading).abort_handle()));
        }
        Ok(Self {
            notary,
            deliveries,
            follow_ups,
            upkeep,
        })
    }

    /// What signs the audit log.
    pub fn notary(&self) -> &Notary {
        &self.notary
    }

    /// Finishes what is under way. Gives what signs the audit log: a last time, once all who write to it have ended.
    pub async fn close(mut self) -> Arc<Notary> {
        for task in self.upkeep.drain(..) {
            task.abort();
        }
        let follow_ups = async {
            if let Some(follow_ups) = self.follow_ups.take() {
                follow_ups.shutdown().await;
            }
        };
        tokio::join!(follow_ups, self.deliveries.shutdown());
        self.notary
    }
}
