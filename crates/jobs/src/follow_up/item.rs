//! What the steps' items say, and what they came to: JSON in the store, for the next step and for `trunkline tasks`.

use flow::rules::TaskOrder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wire::{
    UtcTime,
    form::Form,
    ids::{AgentId, CorrelationId, TaskId},
    notification::Urgency,
};

/// The body of a `form` item: an interaction whose form is to be judged.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToJudge {
    /// The completion as it came.
    pub(super) completion: Map<String, Value>,
    /// Due dates count from here.
    pub(super) received_at: UtcTime,
    pub(super) correlation: CorrelationId,
}

/// The result of a `form` item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// The form, unless there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// What the rules said.
    pub verdict: Verdict,
    /// Which rules they were: the first 12 digits of the file's SHA-256.
    pub rules: String,
}

/// What the rules said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// There is no form, so there is nothing to judge.
    NoForm,
    /// The form lacks what the rules need.
    Unjudged {
        /// What is wrong with it.
        faults: Vec<String>,
    },
    /// A rule fired.
    Fired {
        /// Which, and why.
        reason: Reason,
        /// The tasks that it asks for, by their keys.
        tasks: Vec<String>,
    },
}

/// Which rule fired, and why. Kept with every task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The rule's name.
    pub rule: String,
    /// Its row in the table, from 1.
    pub row: usize,
    /// Its line in the file.
    pub line: usize,
    /// Its condition; none when it always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What the conditions looked at.
    pub saw: Map<String, Value>,
    /// Which rules they were: the first 12 digits of the file's SHA-256.
    pub rules: String,
}

impl Reason {
    /// `unhappy, row 1: score < 3 (score = 2)`.
    pub fn sentence(&self) -> String {
        let saw: Vec<String> = self
            .saw
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let when = self.when.as_deref().unwrap_or("always");
        let seen = if saw.is_empty() {
            String::new()
        } else {
            format!(" ({})", saw.join(", "))
        };
        format!("{}, row {}: {when}{seen}", self.rule, self.row)
    }
}

/// The body of a `task` item: a task that is to be created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The task.
    pub order: TaskOrder,
    /// Why.
    pub reason: Reason,
    /// The request that led to it.
    pub correlation: CorrelationId,
}

/// The result of a `task` item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The platform's id of the task.
    pub task_id: TaskId,
    /// Who has it.
    pub assignee_id: AgentId,
    /// Why it is not who should have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_because: Option<String>,
}

/// The body of a `notify` item: an agent who is to be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Who.
    pub agent_id: AgentId,
    /// What.
    pub message: String,
    /// How it presses.
    pub priority: Urgency,
    /// Of which task.
    pub task_id: TaskId,
    /// The request that led to it.
    pub correlation: CorrelationId,
}
