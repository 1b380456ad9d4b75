//! Conversations (contract section 5).

mod details;
mod expanding;
mod kept;
mod lifecycle;
mod listing;
mod owing;
mod talking;

use crate::support::{Answer, Rig, send};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const PATH: &str = "/api/v2/conversations";

/// A conversation as the contract writes it, without a bot that anybody knows.
pub(crate) fn new_conversation(id: &str) -> Value {
    json!({"id": id, "type": "webchat", "state": "active", "participants": [
            {"id": "bot-nobody", "direction": "outbound", "profile": {"name": "Bot", "botInstanceId": "nobody"}},
            {"id": "user-1", "channel": "webchat", "direction": "inbound",
             "profile": {"firstName": "Ada", "email": "ada@example.com"}}],
        "context": {"botSession": {}, "metadata": {"source": "test"}}})
}

pub(crate) fn message(text: &str) -> Value {
    json!({"participantId": "user-1", "type": "message", "text": text})
}

/// Somebody who talks to a center.
pub(crate) struct Talker<'a> {
    pub(crate) rig: &'a Rig,
    pub(crate) token: String,
}

impl<'a> Talker<'a> {
    pub(crate) async fn new(rig: &'a Rig) -> Self {
        let token = rig.token().await;
        Self { rig, token }
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.ask_with(method, path, body, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.rig.request(method, path).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &Value::Null).await
    }

    #[track_caller]
    pub(crate) fn created(&self, body: Value) -> impl Future<Output = Value> {
        let from = std::panic::Location::caller();
        async move {
            let answer = self.ask(Method::POST, PATH, &body).await;
            assert_eq!(answer.status, 201, "{from}: {}", answer.text);
            answer.body
        }
    }

    pub(crate) async fn put(&self, id: &str, body: Value) -> Answer {
        self.ask(Method::PUT, &format!("{PATH}/{id}"), &body).await
    }

    pub(crate) async fn say(&self, id: &str, text: &str) -> Answer {
        let path = format!("{PATH}/{id}/interactions");
        self.ask(Method::POST, &path, &message(text)).await
    }

    /// Posts a message, and gives its number.
    pub(crate) async fn said(&self, id: &str, text: &str) -> u64 {
        let answer = self.say(id, text).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["sequence"].as_u64().unwrap()
    }

    pub(crate) async fn heard(&self, id: &str, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("{PATH}/{id}/interactions{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body.as_array().unwrap().clone()
    }
}

/// One member of each.
pub(crate) fn each<'a>(list: &'a [Value], name: &str) -> Vec<&'a Value> {
    list.iter().map(|one| &one[name]).collect()
}
