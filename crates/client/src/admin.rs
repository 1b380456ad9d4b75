//! The center's own interface for test calls and the clocks of conversations (`/center/v1`), and its agents' desktops, with its
//! admin token.

use crate::{
    endpoint::{Endpoint, SetupError},
    error::Error,
    http::Http,
    request::Request,
    reqwest_http::ReqwestHttp,
    transport::Transport,
};
use bytes::Bytes;
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::Instant;
use wire::{
    calls::{CallRecord, CallState, PlaceCall},
    desk::{Deed, Desk},
    ids::{AgentId, CallId, ConversationId, PromptId, TaskId},
    task::Task,
};

/// The longest wait that one request may ask for.
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// No call lasts so long; without it, an unbounded wait would be past the end of time.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);
/// Four hours of stereo G.711 at 8000 Hz are 220 MiB.
const LARGEST_RECORDING: usize = 256 * 1024 * 1024;
const RECORDING_TIMEOUT: Duration = Duration::from_secs(120);

/// Places and watches test calls, and acts for agents.
#[derive(Debug, Clone)]
pub struct Admin {
    transport: Transport,
}

impl Admin {
    /// The admin interface of the center at `endpoint`, over the network.
    pub fn connect(endpoint: Endpoint, token: SecretString) -> Result<Self, SetupError> {
        let http = Arc::new(ReqwestHttp::new(&endpoint)?);
        Self::new(http, endpoint, token)
    }

    /// The admin interface of the center at `endpoint`, by `http`.
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, token: SecretString) -> Result<Self, SetupError> {
        Ok(Self {
            transport: Transport::with_bearer(http, endpoint, token)?,
        })
    }

    /// Lets a test caller ring. Repeats place no second call.
    pub async fn place_call(&self, call: &PlaceCall) -> Result<CallRecord, Error> {
        let request = Request::post(["center", "v1", "calls"], &call.to_json())?;
        self.transport.send(request).await?.json()
    }

    /// A call and its history so far.
    pub async fn call(&self, call: &CallId) -> Result<CallRecord, Error> {
        self.transport.send(Request::get(path(call))).await?.json()
    }

    /// Ends a call.
    pub async fn end_call(&self, call: &CallId) -> Result<(), Error> {
        self.transport.send(Request::delete(path(call))).await.map(drop)
    }

    /// The prompts that the center can play.
    pub async fn prompts(&self) -> Result<BTreeSet<PromptId>, Error> {
        let request = Request::get(["center", "v1", "prompts"]);
        self.transport
            .send(request)
            .await?
            .json::<Library>()
            .map(|library| library.prompts)
    }

    /// The call's recording as WAV bytes.
    pub async fn recording(&self, call: &CallId) -> Result<Bytes, Error> {
        let request = Request::get(path(call).into_iter().chain(["recording"]))
            .with_timeouts(RECORDING_TIMEOUT, 2 * RECORDING_TIMEOUT)
            .with_answer_limit(LARGEST_RECORDING);
        Ok(self.transport.send(request).await?.body)
    }

    /// Lets time pass for one conversation: what is due by then (answers that are being typed, the bot's idle path) is there
    /// when this returns. A repeat of the request lets no more time pass.
    pub async fn advance_clock(&self, conversation: &ConversationId, by: Duration) -> Result<(), Error> {
        let path = ["center", "v1", "conversations", conversation.as_str(), "clock"];
        let body = serde_json::json!({"advanceMs": u64::try_from(by.as_millis()).unwrap_or(u64::MAX)});
        self.transport.send(Request::post(path, &body)?).await.map(drop)
    }

    /// An agent's desktop as it stands.
    pub async fn desk(&self, agent: &AgentId) -> Result<Desk, Error> {
        let request = Request::get(["agent", agent.as_str(), "desk"]);
        self.transport.send(request).await?.json()
    }

    /// Does with a task what its agent would do at the desktop.
    pub async fn act(&self, agent: &AgentId, task: &TaskId, deed: &Deed) -> Result<Task, Error> {
        let path = ["agent", agent.as_str(), "tasks", task.as_str(), deed.verb()];
        // A repeat of what was done is refused: nothing is done twice.
        self.transport
            .send(Request::post(path, &deed.to_json())?.once())
            .await?
            .json()
    }

    /// Waits until the call has ended, but no longer than `timeout`; the record's state tells which it was.
    pub async fn wait_for_end(&self, call: &CallId, timeout: Duration) -> Result<CallRecord, Error> {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let asked = Instant::now();
            let record = self.poll(call, left.min(LONGEST_POLL)).await?;
            if record.state == CallState::Ended || Instant::now() >= deadline {
                return Ok(record);
            }
            // A center that does not know `wait` answers at once, and must not be asked in a tight loop.
            let next = deadline.min(asked + Duration::from_millis(250));
            tokio::time::sleep_until(next).await;
        }
    }

    async fn poll(&self, call: &CallId, wait: Duration) -> Result<CallRecord, Error> {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let attempt = Duration::from_secs(seconds + 10);
        let request = Request::get(path(call))
            .with_query("wait", seconds)
            .with_timeouts(attempt, attempt + LONGEST_POLL);
        self.transport.send(request).await?.json()
    }
}

#[derive(Deserialize)]
struct Library {
    prompts: BTreeSet<PromptId>,
}

fn path(call: &CallId) -> [&str; 4] {
    ["center", "v1", "calls", call.as_str()]
}
