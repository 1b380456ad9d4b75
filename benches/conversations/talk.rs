//! One conversation, as the contract's section 5 has it.

use crate::center::{Center, Line};
use serde_json::{Value, json};

const BOT: &str = "your-bot-instance-id";

/// A conversation with a connection of its own.
pub(crate) struct Talk {
    pub(crate) id: String,
    line: Line,
    /// The sequence of what was seen last.
    seen: u64,
}

impl Talk {
    /// Creates it, and waits until the bot's greeting, if there is one, is there.
    pub(crate) async fn begin(center: &Center, id: &str) -> Self {
        let mut line = center.connect().await;
        let bot = json!({"id": format!("bot-{BOT}"), "channel": "webchat", "direction": "outbound", "profile": {"name": "Bot", "botInstanceId": BOT}});
        let customer = json!({"id": format!("customer-{id}"), "channel": "webchat", "direction": "inbound", "profile": {"firstName": "Bench"}});
        let body = json!({"id": id, "type": "webchat", "state": "active", "participants": [customer, bot],
            "context": {"botSession": {}, "metadata": {"source": "bench", "createdAt": "2026-11-21T09:00:00.000Z"}}});
        let (status, answer) = line.ask("POST", "/api/v2/conversations", Some(&body)).await;
        assert_eq!(status, 201, "{answer}");
        let mut talk = Self {
            id: id.to_owned(),
            line,
            seen: 0,
        };
        talk.poll(0).await;
        talk
    }

    /// A message and its answer.
    pub(crate) async fn turn(&mut self, text: &str) {
        let posted = post(&mut self.line, &self.id, text).await;
        loop {
            let came = self.poll(30).await;
            if came.iter().any(|interaction| interaction["inReplyTo"] == posted) {
                return;
            }
        }
    }

    /// Waits for what the bot says next.
    pub(crate) async fn next_answer(&mut self) {
        loop {
            let came = self.poll(30).await;
            if came
                .iter()
                .any(|interaction| interaction["direction"] == "outbound")
            {
                return;
            }
        }
    }

    async fn poll(&mut self, wait_s: u32) -> Vec<Value> {
        let path = format!(
            "/api/v2/conversations/{}/interactions?limit=10&order=asc&after={}&wait={wait_s}",
            self.id, self.seen
        );
        let (status, answer) = self.line.ask("GET", &path, None).await;
        assert_eq!(status, 200, "{answer}");
        let Value::Array(came) = answer else {
            panic!("{answer}")
        };
        let last = came
            .last()
            .and_then(|interaction| interaction["sequence"].as_u64());
        self.seen = last.unwrap_or(self.seen);
        came
    }
}

/// Sends a message; gives its id.
pub(crate) async fn post(line: &mut Line, id: &str, text: &str) -> Value {
    let body = json!({"participantId": format!("customer-{id}"), "type": "message", "text": text});
    let path = format!("/api/v2/conversations/{id}/interactions");
    let (status, mut answer) = line.ask("POST", &path, Some(&body)).await;
    assert_eq!(status, 201, "{answer}");
    answer["id"].take()
}
