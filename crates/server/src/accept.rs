//! Accepting connections, plain and TLS, with bounds on how many and how slow.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Most connections at a time; more wait in the kernel.
const MAX_CONNECTIONS: usize = 10_000;
/// How long the head of a request, and a TLS handshake, may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long requests under way may take when the server closes.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Serves until `closing`, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    closing: CancellationToken,
) {
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else {
            break;
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = closing.cancelled() => break,
        };
        let (acceptor, router, closing) = (acceptor.clone(), router.clone(), closing.clone());
        connections.spawn(async move {
            let _permit = permit;
            connection(stream, acceptor, router, closing).await;
        });
    }
    // Before the wait: who comes now is refused by the system, and not left waiting for nobody.
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(CLOSE_PATIENCE, connections.wait()).await;
}

/// Out of file descriptors, say: trying again at once would only burn the processor.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn connection(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    closing: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => requests(stream, router, closing).await,
        Some(acceptor) => match tokio::time::timeout(HEAD_PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, router, closing).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn requests<S>(stream: S, router: Router, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Json, correlate, hurry};
    use axum::{
        body::Bytes,
        middleware::from_fn,
        routing::{get, post},
    };
    use http::StatusCode;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
        time::Instant,
    };

    fn router() -> Router {
        Router::new()
            .route("/health", get(async || Json(StatusCode::OK, "ok")))
            .route("/echo", post(async |body: Bytes| body))
            .layer(from_fn(hurry))
            .layer(from_fn(correlate))
    }

    /// Sends `bytes`, holds the connection open, and gives what came and after what time the server closed it.
    async fn held_open(bytes: &[u8]) -> (String, Duration) {
        let (mut client, server): (DuplexStream, DuplexStream) = tokio::io::duplex(65_536);
        client.write_all(bytes).await.unwrap();
        let begun = Instant::now();
        requests(server, router(), CancellationToken::new()).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        (answer, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_not_waited_for() {
        for head in ["", "GET /health HTTP/1.1\r\nHos"] {
            let (_, lasted) = held_open(head.as_bytes()).await;
            assert_eq!(lasted.as_secs(), HEAD_PATIENCE.as_secs(), "{head:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_idle_is_closed() {
        let (answer, lasted) = held_open(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(lasted <= 2 * HEAD_PATIENCE, "{lasted:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let request = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\ngr";
        let answered = tokio::time::timeout(Duration::from_secs(120), held_open(request));
        let (answer, _) = answered.await.expect("the connection is held for ever");
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains(r#""code":"timeout""#), "{answer}");
    }
}
