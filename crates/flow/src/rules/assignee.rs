//! Whose a task is to be.

use std::sync::Arc;
use wire::ids::{AgentId, InteractionId};

/// Whose a task is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Assignee {
    /// The agent who led the interaction.
    Leader,
    /// This agent.
    One(AgentId),
    /// One of these, who share what comes evenly: the members of a team, or those who have a skill. There is at least one.
    OneOf(Arc<[AgentId]>),
}

impl Assignee {
    /// The agent for an interaction: the same whenever it is asked.
    pub(super) fn of(&self, interaction: &InteractionId, leader: &AgentId) -> AgentId {
        self.other_than(None, interaction, leader)
            .unwrap_or_else(|| leader.clone())
    }

    /// The agent for an interaction who is not `taken`, if there is one.
    pub(super) fn other_than(
        &self,
        taken: Option<&AgentId>,
        interaction: &InteractionId,
        leader: &AgentId,
    ) -> Option<AgentId> {
        let agents = match self {
            Self::Leader => std::slice::from_ref(leader),
            Self::One(agent) => std::slice::from_ref(agent),
            Self::OneOf(agents) => agents,
        };
        let first =
            usize::try_from(hash(interaction.as_str()) % agents.len().max(1) as u64).unwrap_or_default();
        let (before, after) = agents.split_at_checked(first)?;
        let mut from_first = after.iter().chain(before);
        from_first.find(|agent| Some(*agent) != taken).cloned()
    }
}

/// FNV-1a with a finish that spreads it over all bits: the same on every machine and in every version.
fn hash(text: &str) -> u64 {
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agents(names: &[&str]) -> Assignee {
        Assignee::OneOf(names.iter().map(|name| name.parse().unwrap()).collect())
    }

    #[test]
    fn a_team_shares_evenly_and_always_alike() {
        let team = agents(&["a", "b", "c"]);
        let leader: AgentId = "leader".parse().unwrap();
        let mut counts = [0; 3];
        for number in 0..3000 {
            let interaction: InteractionId = format!("int-{number}").parse().unwrap();
            let chosen = team.of(&interaction, &leader);
            assert_eq!(team.of(&interaction, &leader), chosen);
            counts[["a", "b", "c"]
                .iter()
                .position(|name| *name == chosen.as_str())
                .unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
        // For ever: a task may be repeated by a newer version.
        assert_eq!(hash("int-1001"), 10_074_147_799_261_761_248);
    }

    #[test]
    fn the_fallback_is_somebody_else() {
        let (leader, int) = ("leader".parse().unwrap(), "int-1".parse().unwrap());
        let team = agents(&["a", "b"]);
        let first = team.of(&int, &leader);
        let second = team.other_than(Some(&first), &int, &leader).unwrap();
        assert_ne!(first, second);
        assert_eq!(Assignee::Leader.other_than(Some(&leader), &int, &leader), None);
        assert_eq!(
            agents(&["a"]).other_than(Some(&"a".parse().unwrap()), &int, &leader),
            None
        );
    }
}
