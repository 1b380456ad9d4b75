//! What can't be done with a task.

use super::Unassignable;
use wire::{ids::AgentId, task::TaskState};

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It can't go from the one state to the other.
    #[error("a task that is {from} can't become {to}")]
    State {
        /// What it is.
        from: TaskState,
        /// What it was to be.
        to: TaskState,
    },
    /// It is no offer any more.
    #[error("a task that is {from} can't be declined; only an offer can")]
    NoOffer {
        /// What it is.
        from: TaskState,
    },
    /// It was accepted; by whom.
    #[error("{0} accepted it already")]
    Taken(AgentId),
    /// It is another agent's.
    #[error("it is {state} and {agent}'s, not {asking}'s")]
    NotYours {
        /// Whose it is.
        agent: AgentId,
        /// What it is.
        state: TaskState,
        /// Who wanted it.
        asking: AgentId,
    },
    /// It waits for agents of a team.
    #[error("it waits for an active agent of the team {team:?}, and {asking} is none")]
    OtherTeam {
        /// The team.
        team: String,
        /// Who wanted it.
        asking: AgentId,
    },
    /// It is closed.
    #[error("the task is {0}: nothing can be added")]
    Closed(TaskState),
    /// It is nobody's.
    #[error("the task is queued and nobody's; give assigneeId")]
    Nobody,
    /// The assignee can't be given anything.
    #[error("assigneeId: {0}")]
    Assignee(#[from] Unassignable),
    /// It can't be put off until then.
    #[error("a task can be snoozed until a time to come, at most 30 days from now")]
    Until,
}

impl Refused {
    /// Whether the request itself is at fault, whatever became of the task.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Nobody | Self::Assignee(_) | Self::Until)
    }
}
