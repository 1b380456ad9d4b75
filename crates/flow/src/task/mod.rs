//! The life of a follow-up task (contract section 7): offered to an agent, accepted in time or passed on, done.
//!
//! A task is offered to its assignee, who has some time to accept it. Declined or not accepted in time, it is offered to the next
//! active agent of the team; when all were asked it is queued, and whoever of the team accepts first has it. So an open task is
//! always somebody's, or everybody's. [`handle`] says which timers to set, and which desktops learn what; a timer that is set
//! comes back as [`Input::Timer`], at the earliest when it is due, and does nothing when it counts no more.
//!
//! ```
//! use flow::task::{self, Agent, Input, Policy, Roster, Timer};
//! use std::time::Duration;
//! use wire::{UtcTime, desk::Deed, task::{NewTask, TaskState}};
//!
//! let agent = |id: &str| Agent {
//!     id: id.parse().unwrap(), name: id.into(), active: true, team: "care".into(), skills: vec![],
//! };
//! let (roster, policy) = (Roster::new(vec![agent("agent-1"), agent("agent-2")]), Policy::default());
//! let new = NewTask::parse(r#"{"subject": "Call back", "dueDate": "2026-11-23T09:30:00Z", "priority": "High",
//!                              "assigneeId": "agent-1"}"#).unwrap();
//!
//! let now: UtcTime = "2026-11-21T09:30:00Z".parse().unwrap();
//! let (mut task, outcome) = task::create(new, "task-1".parse().unwrap(), now, &policy, &roster).unwrap();
//! assert!(outcome.timers.contains(&(Timer::Offer { number: 1 }, now.after(policy.accept_within))));
//!
//! // agent-1 is not there; agent-2 takes it.
//! let later = now.after(policy.accept_within);
//! task::handle(&mut task, later, Input::Timer(Timer::Offer { number: 1 }), &policy, &roster).unwrap();
//! let accept = Input::Deed { agent: "agent-2".parse().unwrap(), deed: Deed::Accept };
//! task::handle(&mut task, later, accept, &policy, &roster).unwrap();
//! assert_eq!((task.state, task.assignee_id.unwrap().as_str()), (TaskState::Accepted, "agent-2"));
//! ```

mod policy;
mod refused;
mod roster;
mod timer;
mod turn;

#[cfg(test)]
mod tests;

pub use policy::Policy;
pub use refused::Refused;
pub use roster::{Agent, Roster, USUAL_TEAM, Unassignable};
pub use timer::{NoTimer, Timer};

use std::time::Duration;
use turn::Turn;
use wire::{
    UtcTime,
    desk::{Deed, DeskEvent},
    ids::{AgentId, TaskId},
    task::{Happened, NewTask, Sla, SlaClock, Task, TaskPatch, TaskState},
};

/// How long a task can be put off.
pub const LONGEST_SNOOZE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The most lines of a history; of a longer one, the middle is left out.
pub const MOST_HISTORY: usize = 200;
/// The most lines of a history that a desktop has; the task itself has all.
pub const MOST_LINES_SHOWN: usize = 10;
/// The most bytes that the notes of a history have together.
pub const MOST_NOTES: usize = 64 * 1024;

/// What is done with a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An agent does something on the desktop.
    Deed {
        /// Who.
        agent: AgentId,
        /// What.
        deed: Deed,
    },
    /// A program changes it.
    Patch(TaskPatch),
    /// A timer is due.
    Timer(Timer),
    /// Its agent may take no tasks any more, or is gone: then it goes to the next one. Nothing happens if that is not so.
    AgentLeft,
}

/// What follows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The lines that were added to the history; none when nothing has changed.
    pub happened: Vec<Happened>,
    /// Timers to set, each once, and when they are due. None is ever taken back.
    pub timers: Vec<(Timer, UtcTime)>,
    /// Which desktops learn what, one event for each.
    pub told: Vec<(AgentId, DeskEvent)>,
}

/// A new task, offered to its assignee.
pub fn create(
    new: NewTask,
    id: TaskId,
    now: UtcTime,
    policy: &Policy,
    roster: &Roster,
) -> Result<(Task, Outcome), Unassignable> {
    let assignee = roster.assignable(&new.assignee_id)?;
    let interaction_id = new.interaction();
    let clock = |due_at| SlaClock {
        due_at,
        met_at: None,
        breached: false,
    };
    let task = Task {
        id,
        subject: new.subject,
        description: new.description,
        due_date: new.due_date,
        priority: new.priority,
        state: TaskState::Queued,
        assignee_id: None,
        team: assignee.team.clone(),
        custom_fields: new.custom_fields,
        interaction_id,
        offer: None,
        offers: 0,
        asked: Vec::new(),
        snoozed_until: None,
        snoozed_from: None,
        snoozes: 0,
        sla: Sla {
            first_response: clock(now.after(policy.first_response(new.priority))),
            resolution: clock(new.due_date),
        },
        created_at: now,
        updated_at: now,
        history: Vec::new(),
    };
    Ok(Turn::new(task, Vec::new(), now, policy, roster).create(assignee))
}

/// Does something with a task. What is refused leaves it as it is.
pub fn handle(
    task: &mut Task,
    now: UtcTime,
    input: Input,
    policy: &Policy,
    roster: &Roster,
) -> Result<Outcome, Refused> {
    let turn = Turn::new(task.clone(), holders(task, roster), now, policy, roster);
    let (changed, outcome) = turn.take(input)?;
    *task = changed;
    Ok(outcome)
}

/// A task as a desktop has it: with no more than so many of the last lines of its history.
pub fn shown(mut task: Task, most_lines: usize) -> Task {
    let older = task.history.len().saturating_sub(most_lines);
    task.history.drain(..older);
    task
}

/// On whose desktops a task is: its assignee's, the whole team's while it is queued, nobody's when it is closed.
pub fn holders(task: &Task, roster: &Roster) -> Vec<AgentId> {
    match (&task.assignee_id, task.state) {
        (_, TaskState::Completed | TaskState::Canceled) => Vec::new(),
        (Some(agent), _) => vec![agent.clone()],
        (None, _) => roster.team(&task.team).map(|agent| agent.id.clone()).collect(),
    }
}
