//! How tasks are found.

use super::to_ms;
use crate::once::hashed;
use store::{Expect, Put, Terms};
use wire::{
    ids::{AgentId, InteractionId, TaskId},
    task::{INTERACTION_FIELD, NewTask, RULE_FIELD, Task, TaskState},
};

/// The kind of the records that name the open task of an interaction and rule.
pub(super) const OPEN_TASK: &str = "open-task";

/// The term of the tasks that are closed, by when they were.
pub(super) const CLOSED: &str = "closed";

/// Which tasks are meant; what is `None` does not matter.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub(super) interaction: Option<&'a InteractionId>,
    pub(super) assignee: Option<&'a AgentId>,
    pub(super) state: Option<TaskState>,
}

impl Filter<'_> {
    /// The term of the tasks that are meant. Ids have no control characters, so the parts don't run together.
    pub(super) fn term(&self) -> String {
        let interaction = self.interaction.map_or("", InteractionId::as_str);
        let assignee = self.assignee.map_or("", AgentId::as_str);
        let state = self.state.map_or("", TaskState::as_str);
        format!("list\n{interaction}\n{assignee}\n{state}")
    }
}

/// The open tasks that are an agent's.
pub(super) fn of_agent(agent: &AgentId) -> String {
    format!("agent\n{agent}")
}

/// The tasks that are a whole team's.
pub(super) fn of_team(team: &str) -> String {
    format!("team\n{team}")
}

/// How a task is found: by every filter that it passes, and by the desktops it is on.
pub(super) fn terms(kind: &str, task: &Task) -> Terms {
    let created = to_ms(task.created_at);
    let mut terms = Vec::new();
    for which in 0..8 {
        let filter = Filter {
            interaction: task.interaction_id.as_ref().filter(|_| which & 1 > 0),
            assignee: task.assignee_id.as_ref().filter(|_| which & 2 > 0),
            state: Some(task.state).filter(|_| which & 4 > 0),
        };
        terms.push((filter.term(), created));
    }
    let due = to_ms(task.due_date);
    match &task.assignee_id {
        Some(agent) if task.state.is_open() => terms.push((of_agent(agent), due)),
        None if task.state == TaskState::Queued => terms.push((of_team(&task.team), due)),
        _ if !task.state.is_open() => terms.push((CLOSED.to_owned(), to_ms(task.updated_at))),
        _ => {}
    }
    Terms {
        kind: kind.to_owned(),
        id: task.id.to_string(),
        terms,
    }
}

/// The name of a new task among the open ones of its interaction and rule, if it has both.
pub(super) fn open_task(new: &NewTask) -> Option<String> {
    Some(hashed(&[new.field(INTERACTION_FIELD)?, new.field(RULE_FIELD)?]))
}

/// The same of a task that is there.
pub(super) fn open_task_of(task: &Task) -> Option<String> {
    Some(hashed(&[task.field(INTERACTION_FIELD)?, task.field(RULE_FIELD)?]))
}

/// Names the open task, or none.
pub(super) fn put_open(name: &str, task: Option<&TaskId>, expect: Expect) -> Put {
    Put {
        kind: OPEN_TASK.into(),
        id: name.to_owned(),
        body: task.map(TaskId::to_string),
        expect,
    }
}
