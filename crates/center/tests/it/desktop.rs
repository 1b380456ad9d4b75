//! An agent's desktop, as a test has it: tasks by the API, deeds, and the stream of events.

use crate::support::{Answer, PATIENCE, Rig, send};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

pub(crate) const TASKS: &str = "/api/v2/workflows/tasks";

/// A task for an agent; `more` is merged into the request.
pub(crate) fn new_task(assignee: &str, more: Value) -> Value {
    let mut task = json!({
        "subject": "Call back", "description": "They were not happy.", "dueDate": "2030-01-01T09:00:00.000Z",
        "priority": "High", "assigneeId": assignee,
    });
    task.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    task
}

/// The custom fields of a task that a rule asked for.
pub(crate) fn linked(interaction: &str, rule: &str) -> Value {
    json!({"customFields": [{"id": "interaction_id_link", "value": interaction}, {"id": "rule", "value": rule}]})
}

impl Rig {
    /// A request with a token and a JSON body.
    pub(crate) async fn api(&self, token: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).bearer_auth(token);
        send(if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        })
        .await
    }

    /// Creates a task, and gives its id.
    pub(crate) async fn create(&self, token: &str, task: &Value) -> String {
        let answer = self.api(token, Method::POST, TASKS, task).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn patch(&self, token: &str, id: &str, change: Value) -> Answer {
        self.api(token, Method::PATCH, &format!("{TASKS}/{id}"), &change)
            .await
    }

    pub(crate) async fn desk(&self, agent: &str) -> Value {
        let answer = send(self.request(Method::GET, &format!("/agent/{agent}/desk"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    }

    /// The ids of the tasks on a desktop.
    pub(crate) async fn on_desk(&self, agent: &str) -> Vec<String> {
        let desk = self.desk(agent).await;
        let tasks = desk["tasks"].as_array().unwrap().iter();
        tasks
            .map(|task| task["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn deed(&self, agent: &str, task: &str, deed: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, &format!("/agent/{agent}/tasks/{task}/{deed}"));
        let request = match body.is_null() {
            true => request,
            false => request
                .header("content-type", "application/json")
                .body(body.to_string()),
        };
        send(request).await
    }

    /// Follows a desktop from the event after this number.
    pub(crate) async fn follow(&self, agent: &str, after: i64) -> Stream {
        let request = self.http.get(self.url(&format!("/agent/{agent}/events")));
        let response = request
            .header("last-event-id", after.to_string())
            .send()
            .await
            .unwrap();
        Stream::new(response)
    }
}

/// An event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// A stream of server-sent events.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    pub(crate) fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        timeout(PATIENCE, self.read()).await.expect("no event comes")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = event(block);
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// What happened to a task up to this, in order.
    pub(crate) async fn until(&mut self, what: &str) -> Vec<String> {
        let mut happened = Vec::new();
        loop {
            let event = self.next().await.expect("the stream ends early");
            happened.push(event.data["what"].as_str().unwrap_or(&event.kind).to_owned());
            if happened.last().unwrap() == what {
                return happened;
            }
        }
    }
}

/// `None` for comments and the like.
fn event(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.map(|line| line.trim_start().to_owned())
    };
    Some(Event {
        id: field("id:")?.parse().unwrap(),
        kind: field("event:")?,
        data: serde_json::from_str(&field("data:")?).unwrap(),
    })
}
