//! What is known of a conversation when a request is made for it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a template may put into its texts.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    conversation: &'a Value,
    interaction: Option<&'a Value>,
    ticket: Option<&'a str>,
    status: Option<&'a str>,
}

/// The beginnings of places, and where each may stand.
pub(super) const ROOTS: [&str; 9] = [
    "conversation",
    "customer",
    "key",
    "changed_at",
    "ticket",
    "interaction",
    "from",
    "mark",
    "status",
];

impl<'a> Facts<'a> {
    /// The facts of a conversation, as the platform serves it (contract section 5).
    pub fn of(conversation: &'a Value) -> Self {
        Self {
            conversation,
            interaction: None,
            ticket: None,
            status: None,
        }
    }

    /// With the ticket.
    pub fn with_ticket(self, ticket: &'a str) -> Self {
        Self {
            ticket: Some(ticket),
            ..self
        }
    }

    /// With the interaction that is to be a comment.
    pub fn with_interaction(self, interaction: &'a Value) -> Self {
        Self {
            interaction: Some(interaction),
            ..self
        }
    }

    /// With what the system calls the conversation's state.
    pub fn with_status(self, status: &'a str) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// What is at a place; `None` when it is not known.
    pub(super) fn find(&self, root: &str, path: &[String]) -> Option<Value> {
        match root {
            "conversation" => step(self.conversation, path),
            "customer" => step(customer(self.conversation)?, path),
            "interaction" => step(self.interaction?, path),
            "key" => Some(key(self.conversation.get("id")?.as_str()?).into()),
            "changed_at" => self.conversation.get("updatedDate").cloned(),
            "ticket" => self.ticket.map(Value::from),
            "status" => self.status.map(Value::from),
            "from" => from(self.interaction?).map(Value::from),
            "mark" => self.interaction?.get("id")?.as_str().map(|id| mark(id).into()),
            _ => None,
        }
    }
}

/// What a comment is known by, whatever else is in it: `{mark}`.
pub fn mark(interaction: &str) -> String {
    format!("[{interaction}]")
}

/// A name for the conversation that can stand anywhere: letters and digits only, the same for ever.
fn key(conversation: &str) -> String {
    let hash = Sha256::digest(conversation.as_bytes());
    let hash: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("tl{hash}")
}

fn customer(conversation: &Value) -> Option<&Value> {
    let participants = conversation.get("participants")?.as_array()?;
    participants.iter().find(|participant| {
        participant
            .get("direction")
            .is_some_and(|direction| direction == "inbound")
    })
}

fn from(interaction: &Value) -> Option<&'static str> {
    match interaction.get("direction")?.as_str()? {
        "inbound" => Some("Customer"),
        _ => Some("Bot"),
    }
}

fn step(value: &Value, path: &[String]) -> Option<Value> {
    let found = path.iter().try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    });
    found.filter(|found| !found.is_null()).cloned()
}
