//! An intake with an address of its own.

use crate::{Intake, StartError};
use axum::{Router, middleware::from_fn, routing::get};
use http::StatusCode;
use serde_json::json;
use server::{Json, Refusal, correlate, hurry, serve};
use std::net::SocketAddr;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// An intake that listens. Dropped without [`Listening::close`], it goes on until the runtime ends.
pub struct Listening {
    address: SocketAddr,
    serving: JoinHandle<()>,
    closing: CancellationToken,
}

impl Intake {
    /// Listens. Port 0 takes a free one.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listening, StartError> {
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let closing = CancellationToken::new();
        let router = with_layers(self.routes());
        let serving = tokio::spawn(serve(listener, None, router, closing.clone()));
        Ok(Listening {
            address,
            serving,
            closing,
        })
    }
}

impl Listening {
    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more events; those under way are answered.
    pub async fn close(self) {
        self.closing.cancel();
        let _ = self.serving.await;
    }
}

fn with_layers(routes: Router) -> Router {
    routes
        .route("/health", get(health))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .layer(from_fn(hurry))
        .layer(from_fn(correlate))
}

/// `GET /health`: whether it runs; the database is not asked.
async fn health() -> Json<serde_json::Value> {
    Json(StatusCode::OK, json!({"status": "ok"}))
}
