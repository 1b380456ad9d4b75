//! Accepting HTTP, whatever is served: connections and their bounds, refusals in one shape, correlation ids.
//!
//! A service brings its routes; [`serve`] accepts, [`hurry`] waits for bodies only so long, and [`correlate`], the outermost layer, gives
//! every request its id and every [`Refusal`] its body, those of the framework too.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, middleware::from_fn, routing::get};
//! use http::StatusCode;
//! use server::{Json, Refusal, correlate, hurry, serve};
//! use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}};
//! use tokio_util::sync::CancellationToken;
//!
//! let router = Router::new()
//!     .route("/health", get(async || Json(StatusCode::OK, "ok")))
//!     .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
//!     .layer(from_fn(hurry))
//!     .layer(from_fn(correlate));
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let closing = CancellationToken::new();
//! let serving = tokio::spawn(serve(listener, None, router, closing.clone()));
//!
//! let mut client = TcpStream::connect(address).await?;
//! client.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: order-7\r\nConnection: close\r\n\r\n").await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//! assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"));
//! assert!(answer.contains("x-correlation-id: order-7\r\n"));
//! assert!(answer.ends_with(concat!(
//!     r#"{"code":"not_found","correlationId":"order-7","errors":["there is nothing at this path"],"#,
//!     r#""message":"there is nothing at this path","status":404}"#,
//! )));
//! closing.cancel();
//! serving.await?;
//! # Ok(()) }
//! ```

mod accept;
mod answer;
mod layers;
mod leftover;

pub use accept::serve;
pub use answer::{Json, Refusal};
pub use layers::{bearer_token, bounded, correlate, header_text, hurry};
