//! Agents by turns.

use std::sync::atomic::{AtomicUsize, Ordering};
use wire::ids::AgentId;

/// Says whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    agents: Vec<AgentId>,
    next: AtomicUsize,
}

impl Turns {
    /// These, one after the other.
    pub(crate) fn new(agents: Vec<AgentId>) -> Self {
        Self {
            agents,
            next: AtomicUsize::new(0),
        }
    }

    /// The next one; `None` when there are no agents.
    pub(crate) fn next(&self) -> Option<AgentId> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let at = turn.checked_rem(self.agents.len())?;
        self.agents.get(at).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn() {
        let turns = Turns::new(vec!["a".parse().unwrap(), "b".parse().unwrap()]);
        let named: Vec<_> = (0..4).filter_map(|_| turns.next()).collect();
        assert_eq!(named.iter().map(AgentId::as_str).collect::<String>(), "abab");
        assert_eq!(Turns::default().next(), None);
    }
}
