//! The agent's desktop in a real browser, against the real center.
//!
//! Runs only with `TRUNKLINE_TEST_BROWSER=1`, with Debian's packages `chromium` and `chromium-driver`.

mod flows;
mod line;
pub(crate) mod looks;
mod page;

pub(crate) use looks::assert_readable;

use crate::{
    browser::Browser,
    service::{exchange, head},
    support::Center,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A center, and a client that may create tasks.
struct Desks {
    center: Center,
    token: String,
}

impl Desks {
    fn start(more: &[&str]) -> Self {
        Self::of(Center::start(more))
    }

    /// The demo's tenant with another line in the place of one.
    fn with_tenant(usual: &str, instead: &str) -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
        let prompts = format!("prompts = {:?}", demo.join("prompts").display().to_string());
        let tenant = fs::read_to_string(demo.join("tenant.toml")).unwrap();
        assert!(tenant.contains(usual), "the demo's tenant has changed");
        let bot = format!("file = {:?}", demo.join("bot.toml").display().to_string());
        let tenant = tenant.replace("prompts = \"prompts\"", &prompts);
        let tenant = tenant.replace("file = \"bot.toml\"", &bot);
        let file = folder.path().join("tenant.toml");
        fs::write(&file, tenant.replace(usual, instead)).unwrap();
        (Self::start(&["--tenant", file.to_str().unwrap()]), folder)
    }

    fn of(center: Center) -> Self {
        let (id, secret) = (
            &center.environment["CLIENT_ID"],
            &center.environment["CLIENT_SECRET"],
        );
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let length = body.len().to_string();
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", &length),
            ("Connection", "close"),
        ];
        let address = center.environment["TRUNKLINE_URL"]
            .strip_prefix("http://")
            .unwrap();
        let answer = exchange(address, &head("POST", "/oauth/token", &headers), body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { center, token }
    }

    fn address(&self) -> &str {
        self.center.environment["TRUNKLINE_URL"]
            .strip_prefix("http://")
            .unwrap()
    }

    fn url(&self, agent: &str) -> String {
        format!("http://{}/agent/{agent}", self.address())
    }

    /// A desktop that has loaded.
    fn open(&self, agent: &str) -> Browser {
        ready(Browser::at(&self.url(agent)))
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Value {
        let authorization = format!("Bearer {}", self.token);
        let length = body.len().to_string();
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("Content-Length", &length),
            ("Connection", "close"),
        ];
        let answer = exchange(self.address(), &head(method, path, &headers), body.as_bytes());
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// A new task, offered to an agent; gives its id.
    fn create(&self, agent: &str, subject: &str) -> String {
        let task = json!({
            "subject": subject,
            "description": "They waited long.\nCall back.",
            "dueDate": "2099-01-02T09:30:00.000Z",
            "priority": "High",
            "assigneeId": agent,
            "customFields": [{"id": "score", "value": "2"}],
        });
        let task = self.request("POST", "/api/v2/workflows/tasks", &task.to_string());
        task["id"].as_str().unwrap().to_owned()
    }

    fn task(&self, id: &str) -> Value {
        self.request("GET", &format!("/api/v2/workflows/tasks/{id}"), "")
    }

    fn notify(&self, agent: &str, message: &str) {
        let body = json!({"agentId": agent, "message": message, "type": "desktop", "priority": "high"});
        self.request("POST", "/api/v2/notifications/agents", &body.to_string());
    }
}

fn ready(desk: Browser) -> Browser {
    desk.wait("document.body.dataset.ready && document.getElementById('link').dataset.state === 'live'");
    desk
}

/// An expression for a task's row, with a state if one is named.
fn row(id: &str, state: &str) -> String {
    let state = match state {
        "" => String::new(),
        state => format!("[data-state={state}]"),
    };
    format!("document.querySelector('.row[data-task=\"{id}\"]{state}')")
}

fn message(desk: &Browser) -> String {
    desk.text("document.getElementById('message-words').textContent")
}

fn says(desk: &Browser, words: &str) {
    desk.wait(&format!(
        "document.getElementById('message-words').textContent.includes({words:?})"
    ));
}

fn assert_clean(desk: &Browser) {
    assert_eq!(desk.faults(), json!([]));
}
