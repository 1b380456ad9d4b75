//! That an interaction is over, as a commit has it.

use crate::interactions::Interaction;
use audit::{Actor, Entry, Outcome};
use serde_json::{Map, json};
use store::{Commit, MOST_PARTS};
use uuid::Uuid;
use webhooks::{Endpoint, OutEvent, intents};
use wire::{completion::Completion, ids::CorrelationId};

/// The type of the events.
pub(crate) const KIND: &str = "interaction.completed";
/// The source of the events.
const SOURCE: &str = "center";

/// An interaction that is over, and the one event that says so: its id is the same however often the commit is tried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completed {
    pub(crate) event_id: Uuid,
    pub(crate) interaction: Interaction,
}

impl Completed {
    /// With an event of its own.
    pub(crate) fn new(interaction: Interaction) -> Self {
        Self {
            event_id: Uuid::now_v7(),
            interaction,
        }
    }

    /// How many of these fit into one commit, of at most `most`: each owes a delivery to every endpoint.
    pub(crate) fn per_commit(endpoints: &[Endpoint], most: usize) -> usize {
        (MOST_PARTS / endpoints.len().max(1)).clamp(1, most)
    }

    /// Adds to a commit what is owed to the endpoints, and what is noted.
    pub(crate) fn announce(
        &self,
        commit: &mut Commit,
        endpoints: &[Endpoint],
        correlation: Option<CorrelationId>,
    ) {
        match self.event() {
            Ok(event) => commit.intents.extend(intents(endpoints, &event)),
            // Ids are short texts without control characters, so that this does not happen.
            Err(faults) => tracing::error!(%faults, "a completion can't be told"),
        }
        commit.audit.push(self.entry(correlation));
    }

    fn event(&self) -> Result<OutEvent, wire::Faults> {
        let interaction = &self.interaction;
        let completion = Completion {
            interaction_id: interaction.id.clone(),
            agent_id: interaction.agent_id.clone(),
            event_id: Some(self.event_id.to_string()),
            completed_at: Some(interaction.completed_at),
        };
        let call = interaction.call_id.iter();
        let more: Map<_, _> = call.map(|id| ("callId".into(), json!(id))).collect();
        let body = serde_json::Value::Object(completion.to_json(more)).to_string();
        let id = self.event_id.to_string();
        OutEvent::new(SOURCE, &id, KIND, Some(interaction.id.as_str()), body)
    }

    fn entry(&self, correlation: Option<CorrelationId>) -> Entry {
        let interaction = &self.interaction;
        let mut detail = Map::new();
        detail.insert("eventId".into(), json!(self.event_id.to_string()));
        detail.insert("agentId".into(), json!(interaction.agent_id));
        detail.extend(interaction.call_id.iter().map(|id| ("callId".into(), json!(id))));
        Entry {
            at: interaction.completed_at,
            actor: Actor::Center,
            action: KIND.to_owned(),
            subject: Some(interaction.id.to_string()),
            correlation,
            outcome: Outcome::Success,
            detail,
            personal: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_log_has_a_completion_without_what_the_customer_answered() {
        let interaction = r#"{"id":"int-1","agentId":"agent-1","callId":"call-1","completedAt":"2026-11-21T09:30:00Z",
            "responses":[{"fieldName":"comment","value":"my name is Dana"}]}"#;
        let completed = Completed {
            event_id: Uuid::from_u128(7),
            interaction: serde_json::from_str(interaction).unwrap(),
        };
        let mut commit = Commit::default();
        completed.announce(&mut commit, &[], Some("order-7".parse().unwrap()));
        assert!(commit.intents.is_empty());
        let leaf = commit.audit.remove(0).seal(|| [0; 16]).leaf(3);
        insta::assert_snapshot!(leaf, @r#"{"index":3,"at":"2026-11-21T09:30:00.000Z","actor":"center","action":"interaction.completed","subject":"int-1","correlationId":"order-7","outcome":"success","detail":{"agentId":"agent-1","callId":"call-1","eventId":"00000000-0000-0000-0000-000000000007"}}"#);
    }
}
