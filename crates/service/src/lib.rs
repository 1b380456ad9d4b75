//! The service behind `trunkline serve`: takes events in by webhook, and carries out what they lead to.
//!
//! An event that was answered with 200 is durable, and so is everything that follows from it: deliveries to endpoints are
//! written in the same commit, and made until they succeed or become dead letters. Several services over one PostgreSQL
//! share the work.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use service::{Options, Service};
//! use store::{Location, Notary, Store};
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(&Location::Sqlite(folder.path().join("trunkline.db"))).await?;
//! let notary = Notary::open(store.clone(), folder.path()).await?;
//! let service = Service::start(store.clone(), notary, Options::local()).await?;
//! assert!(service.url().starts_with("http://127.0.0.1:"));
//! service.close().await;
//! # Ok(()) }
//! ```

mod intake;
mod upkeep;

pub use upkeep::Retention;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn,
    routing::{get, post},
};
use client::{
    ReqwestHttp, SetupError, any_host_config,
    guard::{Guard, allowed_hosts},
};
use flow::delivery::Schedule;
use http::StatusCode;
use serde_json::json;
use server::{Json, Refusal, correlate, hurry, serve};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use store::{Notary, NotaryError, Store};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinHandle},
};
use tokio_util::sync::CancellationToken;
use webhooks::{Deliveries, DeliveryOptions, Endpoints, LARGEST_INCOMING, Source, Subscribers};

/// How a service is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who may send events.
    pub sources: Vec<Source>,
    /// When a delivery is tried again.
    pub schedule: Schedule,
    /// Hosts that webhooks may go to though their addresses are internal.
    pub allow_hosts: Vec<String>,
    /// How long things are kept.
    pub retention: Retention,
}

impl Options {
    /// A service on a free port of loopback, without sources.
    pub fn local() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            sources: Vec::new(),
            schedule: Schedule::default(),
            allow_hosts: Vec::new(),
            retention: Retention::default(),
        }
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

/// What every request can reach.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) sources: Vec<Source>,
    pub(crate) subscribers: Subscribers,
}

/// A running service. Dropped without [`Service::close`], it stops at once; nothing that was accepted is lost.
pub struct Service {
    parts: Arc<Parts>,
    address: SocketAddr,
    notary: Arc<Notary>,
    deliveries: Deliveries,
    serving: JoinHandle<()>,
    upkeep: Vec<AbortHandle>,
    closing: CancellationToken,
}

impl Service {
    /// Starts to listen, to deliver, and to sign the audit log.
    pub async fn start(store: Store, notary: Notary, options: Options) -> Result<Self, StartError> {
        check_sources(&options.sources)?;
        let listen = |source| StartError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let guard = Guard {
            // Whoever can reach a service on loopback is on this machine already.
            loopback: address.ip().is_loopback(),
            hosts: allowed_hosts(&options.allow_hosts).map_err(StartError::Hosts)?,
            own: None,
        };
        let http = Arc::new(ReqwestHttp::guarded(guard, any_host_config(None)?)?);
        let notary = Arc::new(notary);
        // A log that does not continue what was signed before is told at the start, not in the log of the night.
        notary.sign().await?;
        let delivery = DeliveryOptions {
            schedule: options.schedule,
            ..DeliveryOptions::default()
        };
        let deliveries = Deliveries::start(store.clone(), http, delivery).await?;
        let parts = Arc::new(Parts {
            subscribers: Subscribers::new(Endpoints::new(store.clone())),
            sources: options.sources,
            store: store.clone(),
        });
        let closing = CancellationToken::new();
        let upkeep = vec![
            tokio::spawn({
                let notary = notary.clone();
                async move { notary.keep_signing().await }
            })
            .abort_handle(),
            tokio::spawn(upkeep::remove_old(store, options.retention)).abort_handle(),
        ];
        let serving = tokio::spawn(serve(listener, None, router(parts.clone()), closing.clone()));
        Ok(Self {
            parts,
            address,
            notary,
            deliveries,
            serving,
            upkeep,
            closing,
        })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The names of those who may send events.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.parts.sources.iter().map(|source| source.name.as_str())
    }

    /// Takes no more events, finishes the deliveries under way, and signs the audit log a last time.
    pub async fn close(mut self) {
        self.closing.cancel();
        let _ = (&mut self.serving).await;
        for task in self.upkeep.drain(..) {
            task.abort();
        }
        self.deliveries.shutdown().await;
        if let Err(error) = self.notary.sign().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the audit log is not signed"
            );
        }
    }
}

fn router(parts: Arc<Parts>) -> Router {
    Router::new()
        .route("/webhooks/{source}", post(intake::take))
        .route("/health", get(health))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .layer(DefaultBodyLimit::max(LARGEST_INCOMING))
        .layer(from_fn(hurry))
        .layer(from_fn(correlate))
        .with_state(parts)
}

/// `GET /health`: whether it runs; the database is not asked.
async fn health() -> Json<serde_json::Value> {
    Json(StatusCode::OK, json!({"status": "ok"}))
}

fn check_sources(sources: &[Source]) -> Result<(), StartError> {
    for (at, source) in sources.iter().enumerate() {
        if sources[..at].iter().any(|other| other.name == source.name) {
            return Err(StartError::Twice(source.name.clone()));
        }
    }
    Ok(())
}
