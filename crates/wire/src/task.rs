//! Follow-up tasks: `/api/v2/workflows/tasks` (contract section 7).

use crate::{
    Faults, UtcTime,
    fault::{self, Object},
    ids::{AgentId, InteractionId, TaskId},
    words::words,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest subject, in characters.
pub const LONGEST_SUBJECT: usize = 256;
/// The longest description, in characters.
pub const LONGEST_DESCRIPTION: usize = 8192;
/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 4096;
/// Most custom fields of a task.
pub const MOST_FIELDS: usize = 32;
/// The longest value of a custom field, in characters.
pub const LONGEST_FIELD: usize = 1024;
/// The custom field that names the interaction.
pub const INTERACTION_FIELD: &str = "interaction_id_link";
/// The custom field that names the rule (and which of its tasks) that asked for the task: there is at most one open task
/// for an interaction and this.
pub const RULE_FIELD: &str = "rule";

words! {
    /// How important a task is, the least first.
    Priority {
        /// When there is time.
        Low = "Low",
        /// As usual.
        Normal = "Normal",
        /// Before what is usual.
        Medium = "Medium",
        /// Soon.
        High = "High",
        /// At once.
        Critical = "Critical",
    }
}

words! {
    /// Where a task is in its life.
    TaskState {
        /// Nobody is there to take it.
        Queued = "queued",
        /// It is shown to an agent, who has some time to accept it.
        Offered = "offered",
        /// An agent works on it.
        Accepted = "accepted",
        /// Its agent put it off.
        Snoozed = "snoozed",
        /// It is done.
        Completed = "completed",
        /// It is not to be done any more.
        Canceled = "canceled",
    }
}

impl TaskState {
    /// Whether there is still something to do.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Canceled)
    }
}

/// A field that the contract does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its name.
    pub id: String,
    /// What it says.
    pub value: String,
}

/// `POST /api/v2/workflows/tasks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewTask {
    /// What is to be done, in a line.
    pub subject: String,
    /// What is to be done.
    #[serde(default)]
    pub description: String,
    /// Until when.
    pub due_date: UtcTime,
    /// How important it is.
    pub priority: Priority,
    /// Who is to do it.
    pub assignee_id: AgentId,
    /// More.
    #[serde(default)]
    pub custom_fields: Vec<CustomField>,
}

impl NewTask {
    /// Reads the request body; all faults at once.
    pub fn parse(body: &str) -> Result<Self, Faults> {
        Self::parse_for(body, |_| Ok(()))
    }

    /// The same; `check` says what is wrong with the assignee, as a sentence about it.
    pub fn parse_for(body: &str, check: impl FnOnce(&AgentId) -> Result<(), String>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, check, &mut faults));
        faults.finish(read)
    }

    fn read(
        body: &Object<'_>,
        check: impl FnOnce(&AgentId) -> Result<(), String>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let subject = body.filled_text("subject", LONGEST_SUBJECT, faults);
        let description = body.short_text("description", LONGEST_DESCRIPTION, faults);
        let due_date = date(body, "dueDate", faults);
        let priority = body.parsed("priority", faults);
        let assignee_id = body.parsed("assigneeId", faults);
        check_assignee(assignee_id.as_ref(), check, faults);
        let custom_fields = read_fields(body, faults);
        Some(Self {
            subject: subject?.to_owned(),
            description: description.unwrap_or_default().to_owned(),
            due_date: due_date?,
            priority: priority?,
            assignee_id: assignee_id?,
            custom_fields,
        })
    }

    /// The value of a custom field.
    pub fn field(&self, id: &str) -> Option<&str> {
        field(&self.custom_fields, id)
    }

    /// The interaction, if a custom field names it.
    pub fn interaction(&self) -> Option<InteractionId> {
        self.field(INTERACTION_FIELD)?.parse().ok()
    }
}

fn check_assignee(
    assignee: Option<&AgentId>,
    check: impl FnOnce(&AgentId) -> Result<(), String>,
    faults: &mut Faults,
) {
    if let Some(Err(fault)) = assignee.map(check) {
        faults.push(format!("assigneeId: {fault}"));
    }
}

fn field<'a>(fields: &'a [CustomField], id: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|field| field.id == id)
        .map(|field| field.value.as_str())
}

/// A date that must be there: with the time, and its distance from UTC.
pub(crate) fn date(body: &Object<'_>, name: &str, faults: &mut Faults) -> Option<UtcTime> {
    let text = body.text(name, faults)?;
    let date = text.parse::<UtcTime>().ok();
    if date.is_none() {
        faults.push(format!(
            "{} must be a time such as 2026-11-21T09:30:00.000Z, not {:?}",
            body.name(name),
            fault::shorten(text)
        ));
    }
    date
}

fn read_fields(body: &Object<'_>, faults: &mut Faults) -> Vec<CustomField> {
    let listed = body.optional_list("customFields", faults).unwrap_or_default();
    if listed.len() > MOST_FIELDS {
        faults.push(format!(
            "customFields must have at most {MOST_FIELDS} items, not {}",
            listed.len()
        ));
    }
    let read = |(at, item): (usize, &Value)| {
        let item = Object::at(item, &format!("customFields[{at}]"), faults)?;
        let id = item.filled_text("id", LONGEST_FIELD, faults);
        if !item.has("value") {
            faults.push(format!("{} is missing", item.name("value")));
        }
        let value = item.short_text("value", LONGEST_FIELD, faults);
        if id == Some(INTERACTION_FIELD) {
            let _: Option<InteractionId> = value.and(item.parsed("value", faults));
        }
        Some(CustomField {
            id: id?.to_owned(),
            value: value?.to_owned(),
        })
    };
    listed
        .iter()
        .take(MOST_FIELDS)
        .enumerate()
        .filter_map(read)
        .collect()
}

/// A task as the center has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The task.
    pub id: TaskId,
    /// What is to be done, in a line.
    pub subject: String,
    /// What is to be done.
    pub description: String,
    /// Until when.
    pub due_date: UtcTime,
    /// How important it is.
    pub priority: Priority,
    /// Where it is in its life.
    pub state: TaskState,
    /// Whose it is; nobody's while it is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<AgentId>,
    /// The agents who may get it: the team of the last assignee.
    pub team: String,
    /// More.
    pub custom_fields: Vec<CustomField>,
    /// The interaction, if a custom field names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<InteractionId>,
    /// While it is offered: how long the agent has to accept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// How often it was offered.
    pub offers: u32,
    /// Who was asked since it was created or reassigned: nobody is asked twice, until all were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<AgentId>,
    /// While it is snoozed: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<UtcTime>,
    /// While it is snoozed: what it was before (`offered` or `accepted`), and is again after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_from: Option<TaskState>,
    /// How often it was snoozed.
    pub snoozes: u32,
    /// The clocks that run for it.
    pub sla: Sla,
    /// When it was created.
    pub created_at: UtcTime,
    /// When it changed last.
    pub updated_at: UtcTime,
    /// What happened to it, in order; of a long history, the middle is left out.
    pub history: Vec<Happened>,
}

impl Task {
    /// The value of a custom field.
    pub fn field(&self, id: &str) -> Option<&str> {
        field(&self.custom_fields, id)
    }
}

/// A task is shown to an agent, who is to accept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The how-manyeth offer of the task it is, from 1.
    pub number: u32,
    /// Until when it is open; then the task goes to the next agent.
    pub expires_at: UtcTime,
}

/// The clocks of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sla {
    /// Until somebody accepts it.
    pub first_response: SlaClock,
    /// Until it is completed: its due date.
    pub resolution: SlaClock,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlaClock {
    /// When it runs out.
    pub due_at: UtcTime,
    /// When what it waits for happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met_at: Option<UtcTime>,
    /// Whether it ran out before.
    pub breached: bool,
}

/// A line of a task's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happened {
    /// When.
    pub at: UtcTime,
    /// What: `created`, `offered`, `accepted`, `declined`, `offer_expired`, `queued`, `snoozed`, `woke`, `reassigned`, `noted`,
    /// `completed`, `canceled`, `first_response_late`, `resolution_late`.
    pub what: String,
    /// Which agent did it, or to whom it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// What was said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `PATCH /api/v2/workflows/tasks/{id}`; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskPatch {
    /// The new state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskState>,
    /// The new assignee, to whom it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<AgentId>,
    /// What is said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// With the state `snoozed`: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<UtcTime>,
}

impl TaskPatch {
    /// Reads the request body; all faults at once. `check` says what is wrong with the assignee, as a sentence about it.
    pub fn parse_for(body: &str, check: impl FnOnce(&AgentId) -> Result<(), String>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read =
            value.and_then(|value| Some(Self::read(&Object::top(&value, &mut faults)?, check, &mut faults)));
        faults.finish(read)
    }

    fn read(
        body: &Object<'_>,
        check: impl FnOnce(&AgentId) -> Result<(), String>,
        faults: &mut Faults,
    ) -> Self {
        let patch = Self {
            state: body.optional_parsed("state", faults),
            assignee_id: body.optional_parsed("assigneeId", faults),
            note: body.short_text("note", LONGEST_NOTE, faults).map(str::to_owned),
            snoozed_until: body
                .has("snoozedUntil")
                .then(|| date(body, "snoozedUntil", faults))
                .flatten(),
        };
        check_assignee(patch.assignee_id.as_ref(), check, faults);
        if !["state", "assigneeId", "note"]
            .into_iter()
            .any(|field| body.has(field))
        {
            faults.push("there is nothing to change; give state, assigneeId or note");
        }
        if body.has("snoozedUntil") && patch.state != Some(TaskState::Snoozed) {
            faults.push("snoozedUntil is only for the state snoozed");
        }
        if patch.state == Some(TaskState::Snoozed) && !body.has("snoozedUntil") {
            faults.push("snoozedUntil is missing");
        }
        let takes_assignee = |state: &TaskState| matches!(state, TaskState::Offered | TaskState::Accepted);
        if let Some(state) = patch.state.filter(|state| !takes_assignee(state))
            && body.has("assigneeId")
        {
            faults.push(format!(
                "assigneeId is only for the states offered and accepted, not {state}"
            ));
        }
        patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_the_contract_writes_it() {
        let text = r#"{"subject":"Call back","description":"d","dueDate":"2026-11-23T09:30:00.000Z","priority":"High",
            "assigneeId":"agent-1","customFields":[{"id":"interaction_id_link","value":"int-1"}]}"#;
        let task = NewTask::parse(text).unwrap();
        assert_eq!(task.field(INTERACTION_FIELD), Some("int-1"));
        assert_eq!(
            NewTask::parse(&serde_json::to_string(&task).unwrap()).unwrap(),
            task
        );
    }

    #[test]
    fn all_faults_at_once() {
        let text = r#"{"subject":"","dueDate":"tomorrow","priority":"urgent","customFields":[{"id":"x"},3]}"#;
        let faults = NewTask::parse(text).unwrap_err().into_vec();
        assert_eq!(
            faults,
            [
                "subject must not be empty",
                "dueDate must be a time such as 2026-11-21T09:30:00.000Z, not \"tomorrow\"",
                "priority must be one of Low, Normal, Medium, High, Critical, not \"urgent\"",
                "assigneeId is missing",
                "customFields[0].value is missing",
                "customFields[1] must be an object, not the number 3",
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_assignee_and_interaction_is_told_with_the_rest() {
        let text = r#"{"subject":" ","dueDate":"2026-11-23T09:30:00Z","priority":"High","assigneeId":"agent-9",
            "customFields":[{"id":"interaction_id_link","value":""}]}"#;
        let faults = NewTask::parse_for(text, |agent| Err(format!("{agent} is not active"))).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            [
                "subject must not be empty",
                "assigneeId: agent-9 is not active",
                "customFields[0].value must not be empty",
            ]
        );
    }

    #[test]
    fn a_change_says_what_changes() {
        let faults = |text| TaskPatch::parse_for(text, |_| Ok(())).unwrap_err().into_vec();
        assert_eq!(
            faults("{}"),
            ["there is nothing to change; give state, assigneeId or note"]
        );
        assert_eq!(faults(r#"{"state":"snoozed"}"#), ["snoozedUntil is missing"]);
        assert_eq!(
            faults(r#"{"state":"completed","assigneeId":"a"}"#),
            ["assigneeId is only for the states offered and accepted, not completed"]
        );
        assert!(faults(r#"{"state":"lost"}"#)[0].starts_with("state must be one of queued, offered"));
        let patch =
            TaskPatch::parse_for(r#"{"state":"completed","note":"called back"}"#, |_| Ok(())).unwrap();
        assert_eq!(patch.state, Some(TaskState::Completed));
    }

    #[test]
    fn priorities_are_ordered() {
        assert!(Priority::ALL.is_sorted());
        assert!(Priority::Normal < Priority::Medium);
    }
}
