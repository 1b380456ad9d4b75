//! One who talks to a center over plain sockets.

use crate::service::{Answer, exchange, head};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(crate) const PATH: &str = "/api/v2/conversations";

/// A client with a token.
pub(crate) struct Talker {
    address: String,
    token: String,
}

impl Talker {
    /// One to the center that printed this environment.
    pub(crate) fn new(environment: &HashMap<String, String>) -> Self {
        let address = environment["TRUNKLINE_URL"].strip_prefix("http://").unwrap();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            environment["CLIENT_ID"], environment["CLIENT_SECRET"]
        );
        let length = form.len().to_string();
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", length.as_str()),
        ];
        let answer = exchange(address, &head("POST", "/oauth/token", &headers), form.as_bytes());
        let token: Value = serde_json::from_str(&answer.body).unwrap();
        Self {
            address: address.to_owned(),
            token: token["access_token"].as_str().unwrap().to_owned(),
        }
    }

    /// Whatever is answered.
    pub(crate) fn tried(&self, method: &str, path: &str, body: &Value, more: &[(&str, &str)]) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (length, bearer) = (body.len().to_string(), format!("Bearer {}", self.token));
        let headers = [("Authorization", bearer.as_str()), ("Content-Length", &length)];
        let head = head(method, path, &[&headers, more].concat());
        exchange(&self.address, &head, body.as_bytes())
    }

    /// What must be answered with success.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.tried(method, path, body, &[]);
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Tries to say something.
    pub(crate) fn says(&self, id: &str, text: &str) -> Answer {
        let message = json!({"participantId": "user-1", "type": "message", "text": text});
        self.tried("POST", &format!("{PATH}/{id}/interactions"), &message, &[])
    }

    /// The conversation as it stands.
    pub(crate) fn view(&self, id: &str) -> Value {
        self.ask("GET", &format!("{PATH}/{id}"), &Value::Null)
    }

    /// What was said; `query` begins with a question mark.
    pub(crate) fn heard(&self, id: &str, query: &str) -> Vec<Value> {
        let heard = self.ask("GET", &format!("{PATH}/{id}/interactions{query}"), &Value::Null);
        heard.as_array().unwrap().clone()
    }
}
