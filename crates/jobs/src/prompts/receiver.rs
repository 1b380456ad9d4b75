//! Callbacks: the platform tells that a compilation is over (contract sections 6 and 8).

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    middleware::from_fn,
    middleware::from_fn_with_state,
    routing::post,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use server::{Json, Refusal, bounded, correlate, hurry};
use std::{future::pending, net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, error::TrySendError},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use webhooks::{LARGEST_INCOMING, Secret, TOLERANCE};
use wire::media::CompileJob;

/// Where callbacks come to.
pub const CALLBACK_PATH: &str = "/webhooks/prompts-compiled";
/// Most callbacks that wait to be looked at; a sender of more comes again later.
const MOST_WAITING: usize = 256;

/// Takes callbacks while it lives.
pub struct Receiver {
    url: String,
    told: mpsc::Receiver<CompileJob>,
    _serving: DropGuard,
}

struct Shared {
    secrets: Vec<Secret>,
    tell: mpsc::Sender<CompileJob>,
}

impl Receiver {
    /// Listens there, and takes what is signed by one of the secrets. The platform is told `url`, or otherwise the address itself.
    pub async fn listen(
        address: SocketAddr,
        url: Option<String>,
        secrets: Vec<Secret>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let (tell, told) = mpsc::channel(MOST_WAITING);
        let closing = CancellationToken::new();
        let router = Router::new()
            .route(CALLBACK_PATH, post(take))
            .layer(DefaultBodyLimit::max(LARGEST_INCOMING))
            .layer(from_fn_with_state(LARGEST_INCOMING, bounded))
            .with_state(Arc::new(Shared { secrets, tell }))
            .layer(from_fn(hurry))
            .layer(from_fn(correlate));
        tokio::spawn(server::serve(listener, None, router, closing.clone()));
        Ok(Self {
            url: url.unwrap_or_else(|| format!("http://{bound}{CALLBACK_PATH}")),
            told,
            _serving: closing.drop_guard(),
        })
    }

    /// What the platform is told to call.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is told next.
    pub(super) async fn next(&mut self) -> CompileJob {
        match self.told.recv().await {
            Some(told) => told,
            None => pending().await,
        }
    }
}

/// Takes a callback. One that nobody waits for is taken as well: it may come again, and late.
async fn take(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let now = jiff::Timestamp::now().into();
    webhooks::verify(&headers, &body, &shared.secrets, now, TOLERANCE).map_err(|error| {
        tracing::warn!(%error, "a callback is refused");
        Refusal::new(StatusCode::UNAUTHORIZED, "the signature is missing or not valid")
    })?;
    let told = serde_json::from_slice(&body).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("this is no compilation: {error}"),
        )
    })?;
    match shared.tell.try_send(told) {
        Ok(()) => Ok(Json(StatusCode::OK, json!({"received": true}))),
        Err(TrySendError::Full(_)) => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many callbacks wait; come again",
        )),
        Err(TrySendError::Closed(_)) => Err(Refusal::new(StatusCode::GONE, "the build is over")),
    }
}
