//! An interaction is over: `POST /webhooks/interaction-completed` (contract section 7).

use crate::{
    Faults, UtcTime,
    fault::Object,
    ids::{AgentId, InteractionId},
    task::date,
};
use serde_json::{Map, Value, json};

/// That an interaction is over, and who led it. Senders may add members of their own; rules may look at them.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The interaction. Its first completion counts; later ones are repeats.
    pub interaction_id: InteractionId,
    /// The agent who led it.
    pub agent_id: AgentId,
    /// The sender's id of this event.
    pub event_id: Option<String>,
    /// When it was over.
    pub completed_at: Option<UtcTime>,
}

impl Completion {
    /// Reads the members of the body; all faults at once.
    ///
    /// ```
    /// use wire::completion::Completion;
    ///
    /// let body = serde_json::json!({"interactionId": 7, "completedAt": "noon"});
    /// let faults = Completion::parse(body.as_object().unwrap()).unwrap_err();
    /// assert_eq!(faults.as_slice()[..2], ["interactionId must be a text, not the number 7", "agentId is missing"]);
    /// ```
    pub fn parse(body: &Map<String, Value>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let read = Self::read(&Object::of(body), &mut faults);
        faults.finish(read)
    }

    /// Reads the completion from an object, wherever it came from.
    pub fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let interaction_id = body.parsed("interactionId", faults);
        if interaction_id
            .as_ref()
            .is_some_and(|id: &InteractionId| matches!(id.as_str(), "." | ".."))
        {
            faults.push(format!(
                "{} can't stand in an address; use another one",
                body.name("interactionId")
            ));
        }
        let agent_id = body.parsed("agentId", faults);
        let event_id = body.optional_text("eventId", faults).map(str::to_owned);
        let completed_at = body
            .has("completedAt")
            .then(|| date(body, "completedAt", faults))
            .flatten();
        Some(Self {
            interaction_id: interaction_id?,
            agent_id: agent_id?,
            event_id,
            completed_at,
        })
    }

    /// The body, with members of the sender's own.
    pub fn to_json(&self, more: Map<String, Value>) -> Map<String, Value> {
        let mut body = more;
        body.insert("interactionId".into(), json!(self.interaction_id));
        body.insert("agentId".into(), json!(self.agent_id));
        body.extend(self.event_id.iter().map(|id| ("eventId".into(), json!(id))));
        body.extend(
            self.completed_at
                .iter()
                .map(|at| ("completedAt".into(), json!(at))),
        );
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_read_as_it_is_written() {
        let completion = Completion {
            interaction_id: "int-1".parse().unwrap(),
            agent_id: "agent-1".parse().unwrap(),
            event_id: Some("e-1".into()),
            completed_at: Some("2026-11-21T09:30:00Z".parse().unwrap()),
        };
        let mut more = Map::new();
        more.insert("queue".into(), json!("billing"));
        let body = completion.to_json(more);
        assert_eq!(body["queue"], "billing");
        assert_eq!(Completion::parse(&body).unwrap(), completion);
    }
}
