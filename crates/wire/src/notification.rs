//! Telling an agent something: `POST /api/v2/notifications/agents` (contract section 7).

use crate::{Faults, fault, fault::Object, ids::AgentId, words::words};
use serde::Serialize;

/// The longest message, in characters.
pub const LONGEST_MESSAGE: usize = 1024;

words! {
    /// Where it is shown.
    Channel {
        /// On the agent's desktop.
        Desktop = "desktop",
    }
}

words! {
    /// How it presses.
    Urgency {
        /// It can wait.
        Low = "low",
        /// It should be seen.
        Normal = "normal",
        /// It must be seen.
        High = "high",
    }
}

/// The body of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewNotification {
    /// Who is told.
    pub agent_id: AgentId,
    /// What.
    pub message: String,
    /// Where it is shown.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// How it presses.
    pub priority: Urgency,
}

impl NewNotification {
    /// Reads the request body; all faults at once.
    pub fn parse(body: &str) -> Result<Self, Faults> {
        Self::parse_for(body, |_| Ok(()))
    }

    /// The same; `check` says what is wrong with the agent, as a sentence about it.
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
        let agent_id = body.parsed("agentId", faults);
        if let Some(Err(fault)) = agent_id.as_ref().map(check) {
            faults.push(format!("agentId: {fault}"));
        }
        let message = body.filled_text("message", LONGEST_MESSAGE, faults);
        let channel = body.parsed("type", faults);
        let priority = body
            .optional_parsed("priority", faults)
            .unwrap_or(Urgency::Normal);
        Some(Self {
            agent_id: agent_id?,
            message: message?.to_owned(),
            channel: channel?,
            priority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read_as_it_is_written() {
        let notification = NewNotification {
            agent_id: "agent-1".parse().unwrap(),
            message: "A task waits for you".into(),
            channel: Channel::Desktop,
            priority: Urgency::High,
        };
        let text = serde_json::to_string(&notification).unwrap();
        assert_eq!(
            text,
            r#"{"agentId":"agent-1","message":"A task waits for you","type":"desktop","priority":"high"}"#
        );
        assert_eq!(NewNotification::parse(&text).unwrap(), notification);
    }

    #[test]
    fn all_faults_at_once() {
        let faults =
            NewNotification::parse(r#"{"message":" ","type":"fax","priority":"urgent"}"#).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            [
                "agentId is missing",
                "message must not be empty",
                "type must be one of desktop, not \"fax\"",
                "priority must be one of low, normal, high, not \"urgent\"",
            ]
        );
    }
}
