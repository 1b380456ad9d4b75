//! HTTP with as little as possible: what benches send and read.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The value that this share of the values is not above.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(((values.len() as f64 - 1.0) * share) as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream,
            host: address.to_owned(),
            buffer: Vec::new(),
        }
    }

    /// Completes an interaction, and waits for the acknowledgement.
    pub(crate) async fn complete(&mut self, interaction: &str, agent: &str) {
        let body = json!({"interactionId": interaction, "agentId": agent}).to_string();
        let request = format!(
            "POST /webhooks/interaction-completed HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("it is sent");
        let (head, _) = read_message(&mut self.stream, &mut self.buffer)
            .await
            .expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
}

/// The head and the body of the next message; `None` at the end of the stream.
pub(crate) async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = buffer[end + 4..whole].to_vec();
                buffer.drain(..whole);
                return Some((head, body));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
