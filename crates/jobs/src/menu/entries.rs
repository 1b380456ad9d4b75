//! What a menu notes in the audit log.

use ::audit::{Actor, Entry, Outcome};
use flow::menu::{
    CallFacts,
    session::{AuditEvent, Outcome as Ending, ProfileOutcome},
};
use serde_json::{Map, Value};
use wire::{
    UtcTime,
    ids::{CallId, CorrelationId},
};

/// What all entries of one call share.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    pub(super) call: CallId,
    pub(super) correlation: CorrelationId,
}

impl Entries {
    /// The menu has the call: who calls, and whom.
    pub(super) fn taken(&self, at: UtcTime, facts: &CallFacts) -> Entry {
        let mut personal = vec![("ani".to_owned(), facts.ani.to_string())];
        personal.extend(
            facts
                .external_id
                .iter()
                .map(|id| ("externalId".to_owned(), id.to_string())),
        );
        let detail = Map::from_iter([("dnis".to_owned(), Value::from(facts.dnis.to_string()))]);
        self.entry(at, "menu.taken", Outcome::Success, detail, personal)
    }

    /// What the menu's machine has to say.
    pub(super) fn of(&self, at: UtcTime, event: &AuditEvent) -> Entry {
        let mut detail = match serde_json::to_value(event) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let what = detail.remove("what");
        let what = what.as_ref().and_then(Value::as_str).unwrap_or("event");
        // Reasons are somebody else's words, which may name the caller.
        let reason = match detail.remove("reason") {
            Some(Value::String(text)) => vec![("reason".to_owned(), text)],
            _ => Vec::new(),
        };
        self.entry(at, &format!("menu.{what}"), outcome_of(event), detail, reason)
    }

    fn entry(
        &self,
        at: UtcTime,
        action: &str,
        outcome: Outcome,
        detail: Map<String, Value>,
        personal: Vec<(String, String)>,
    ) -> Entry {
        Entry {
            at,
            actor: Actor::Menu,
            action: action.to_owned(),
            subject: Some(self.call.to_string()),
            correlation: Some(self.correlation.clone()),
            outcome,
            detail,
            personal,
        }
    }
}

fn outcome_of(event: &AuditEvent) -> Outcome {
    let failed = match event {
        AuditEvent::Profile { outcome, .. } => {
            matches!(outcome, ProfileOutcome::Failed | ProfileOutcome::TimedOut)
        }
        AuditEvent::PromptFailed { .. }
        | AuditEvent::ConditionFailed { .. }
        | AuditEvent::TransferRefused { .. }
        | AuditEvent::CommandFailed { .. } => true,
        AuditEvent::Finished { outcome, .. } => matches!(outcome, Ending::Abandoned | Ending::Lost),
        AuditEvent::MenuEntered { .. }
        | AuditEvent::Key { .. }
        | AuditEvent::NoInput { .. }
        | AuditEvent::RetriesExhausted { .. }
        | AuditEvent::GoingRound { .. }
        | AuditEvent::Transferring { .. } => false,
    };
    if failed {
        Outcome::Failure
    } else {
        Outcome::Success
    }
}
