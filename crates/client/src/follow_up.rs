//! Forms, follow-up tasks and notifications (contract section 7).

use crate::{error::Error, request::Request, transport::Transport};
use serde::Deserialize;
use wire::{
    form::Form,
    ids::{AgentId, CorrelationId, IdempotencyKey, InteractionId, NotificationId, TaskId},
    notification::NewNotification,
    oauth::{Scope, Scopes},
    task::NewTask,
};

/// The largest form that is read, in bytes.
const LARGEST_FORM: usize = 1024 * 1024;

/// What a platform has for the time after an interaction.
#[derive(Debug, Clone)]
pub struct FollowUp {
    transport: Transport,
}

/// A task that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedTask {
    /// The platform's id.
    pub id: TaskId,
    /// Who has it by now, if the platform says so.
    #[serde(default)]
    pub assignee_id: Option<AgentId>,
}

/// What was sent.
#[derive(Deserialize)]
struct Sent {
    id: NotificationId,
}

impl FollowUp {
    /// The follow-up interface of a platform, with tokens of the scopes that it needs.
    pub fn new(transport: &Transport) -> Self {
        Self {
            transport: transport.with_scopes(Self::scopes()),
        }
    }

    /// The scopes that all of it needs.
    pub fn scopes() -> Scopes {
        let scopes = [
            Scope::InteractionRead,
            Scope::PostInteractionFormRead,
            Scope::WorkflowTaskCreate,
            Scope::NotificationWrite,
        ];
        scopes.into_iter().collect()
    }

    /// The same; its requests carry this correlation id.
    pub fn with_correlation(&self, id: CorrelationId) -> Self {
        Self {
            transport: self.transport.with_correlation(id),
        }
    }

    /// The form of an interaction; `None` when there is none, which is a normal case.
    pub async fn form(&self, interaction: &InteractionId) -> Result<Option<Form>, Error> {
        let path = [
            "api",
            "v2",
            "interactions",
            interaction.as_str(),
            "postinteractionforms",
        ];
        let request = Request::get(path).with_answer_limit(LARGEST_FORM);
        let answer = match self.transport.send(request).await {
            Ok(answer) => answer,
            Err(Error::Refused(refusal)) if refusal.status == 404 => return Ok(None),
            Err(error) => return Err(error),
        };
        let form = Form::read_text(&String::from_utf8_lossy(&answer.body));
        form.map(Some)
            .map_err(|faults| answer.broken(format!("the form has faults: {faults}")))
    }

    /// Creates a task; a repeat with the same key creates no second one.
    pub async fn create_task(&self, task: &NewTask, key: IdempotencyKey) -> Result<CreatedTask, Error> {
        let request = Request::post(["api", "v2", "workflows", "tasks"], task)?.with_key(key);
        self.transport.send(request).await?.json()
    }

    /// Tells an agent; a repeat with the same key tells nothing twice.
    pub async fn notify(
        &self,
        notification: &NewNotification,
        key: IdempotencyKey,
    ) -> Result<NotificationId, Error> {
        let request = Request::post(["api", "v2", "notifications", "agents"], notification)?.with_key(key);
        let sent: Sent = self.transport.send(request).await?.json()?;
        Ok(sent.id)
    }
}
