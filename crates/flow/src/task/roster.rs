//! Who can be given a task.

use wire::{fault::shorten, ids::AgentId};

/// The team of agents who are in no other.
pub const USUAL_TEAM: &str = "care";

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The agent's id.
    pub id: AgentId,
    /// The agent's name, for people.
    pub name: String,
    /// Whether tasks may be offered to the agent.
    pub active: bool,
    /// The agents among whom a task is passed on.
    pub team: String,
    /// What the agent knows, for rules that look for somebody.
    pub skills: Vec<String>,
}

/// The agents, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster(Vec<Agent>);

/// Why an agent can't be given anything. It reads as a sentence about the field that names the agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unassignable {
    /// There is no such agent.
    #[error("there is no agent {:?}", shorten(.0.as_str()))]
    Unknown(AgentId),
    /// The agent takes no tasks.
    #[error("{0} is not active")]
    Inactive(AgentId),
}

impl Roster {
    /// Agents, each with an id of its own.
    pub fn new(agents: Vec<Agent>) -> Self {
        Self(agents)
    }

    /// All agents in order.
    pub fn all(&self) -> &[Agent] {
        &self.0
    }

    /// An agent, active or not.
    pub fn get(&self, id: &AgentId) -> Option<&Agent> {
        self.0.iter().find(|agent| agent.id == *id)
    }

    /// An agent who can be given something.
    pub fn assignable(&self, id: &AgentId) -> Result<&Agent, Unassignable> {
        let agent = self.get(id).ok_or_else(|| Unassignable::Unknown(id.clone()))?;
        match agent.active {
            true => Ok(agent),
            false => Err(Unassignable::Inactive(id.clone())),
        }
    }

    /// The active agents of a team, in order.
    pub fn team<'a>(&'a self, team: &'a str) -> impl Iterator<Item = &'a Agent> {
        self.0
            .iter()
            .filter(move |agent| agent.active && agent.team == team)
    }

    /// Whom to ask next: the first of the team after `last`, and round again, who was not asked yet.
    pub(super) fn next(&self, team: &str, last: Option<&AgentId>, asked: &[AgentId]) -> Option<&Agent> {
        let place = self.0.iter().position(|agent| Some(&agent.id) == last);
        let (before, after) = self.0.split_at(place.map_or(0, |place| place + 1));
        let is_free = |agent: &&Agent| agent.active && agent.team == team && !asked.contains(&agent.id);
        after.iter().chain(before).find(is_free)
    }
}
