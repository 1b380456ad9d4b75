//! What follow-ups note in the audit log. What customers and platforms say is personal: they may name anybody.

use super::{
    item::{Created, Judged, Order, Told, Verdict},
    now,
    settle::without_zeros,
};
use audit::{Actor, Entry, Outcome};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::EffectKey;
use wire::{
    UtcTime,
    completion::Completion,
    ids::{CorrelationId, NotificationId},
};

/// What all entries of one interaction share.
pub(super) struct Entries {
    interaction: String,
    correlation: Option<CorrelationId>,
}

impl Entries {
    pub(super) fn of_effect(effect: &EffectKey, correlation: Option<CorrelationId>) -> Self {
        Self {
            interaction: effect.event.clone(),
            correlation,
        }
    }

    pub(super) fn accepted(at: UtcTime, completion: &Completion, correlation: CorrelationId) -> Entry {
        let entries = Self {
            interaction: completion.interaction_id.to_string(),
            correlation: Some(correlation),
        };
        let detail = json!({"agentId": completion.agent_id, "eventId": completion.event_id});
        entries.entry(at, "accepted", Outcome::Success, detail, Vec::new())
    }

    pub(super) fn judged(&self, judged: &Judged) -> Entry {
        let rules = &judged.rules;
        match &judged.verdict {
            Verdict::NoForm => self.good("no_form", json!({})),
            Verdict::Unjudged { faults } => {
                let said = faults
                    .iter()
                    .map(|fault| ("fault".to_owned(), fault.clone()))
                    .collect();
                self.entry(now(), "unjudged", Outcome::Failure, json!({"rules": rules}), said)
            }
            Verdict::Fired { reason, tasks } => self.good(
                "judged",
                json!({"rule": reason.rule, "row": reason.row, "rules": rules, "tasks": tasks}),
            ),
        }
    }

    pub(super) fn task_created(&self, order: &Order, created: &Created) -> Entry {
        let mut detail = json!({"taskId": created.task_id, "rule": order.reason.rule, "key": order.order.key,
            "assigneeId": created.assignee_id, "priority": order.order.priority});
        let because = created
            .fallback_because
            .iter()
            .map(|why| ("fallbackBecause".to_owned(), why.clone()));
        if created.fallback_because.is_some() {
            detail["refusedAssigneeId"] = json!(order.order.assignee);
        }
        self.entry(now(), "task_created", Outcome::Success, detail, because.collect())
    }

    pub(super) fn told(&self, told: &Told, id: &NotificationId) -> Entry {
        self.good(
            "agent_told",
            json!({"taskId": told.task_id, "agentId": told.agent_id, "notificationId": id}),
        )
    }

    /// A step failed; it is tried `again` after this time, or never.
    pub(super) fn failed(&self, step: &str, failures: u32, why: &str, again: Option<Duration>) -> Entry {
        let action = if again.is_some() { "failed" } else { "dead" };
        let mut detail = json!({"step": step, "attempt": failures.saturating_add(1)});
        if let Some(again) = again {
            detail["againAfterMs"] = json!(u64::try_from(again.as_millis()).unwrap_or(u64::MAX));
        }
        let why = vec![("why".to_owned(), why.to_owned())];
        self.entry(now(), action, Outcome::Failure, detail, why)
    }

    fn good(&self, action: &str, detail: Value) -> Entry {
        self.entry(now(), action, Outcome::Success, detail, Vec::new())
    }

    fn entry(
        &self,
        at: UtcTime,
        action: &str,
        outcome: Outcome,
        detail: Value,
        personal: Vec<(String, String)>,
    ) -> Entry {
        let detail = match detail {
            Value::Object(members) => members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            _ => Map::new(),
        };
        let personal = personal
            .into_iter()
            .map(|(field, text)| (field, without_zeros(&text)));
        Entry {
            at,
            actor: Actor::FollowUp,
            action: format!("follow_up.{action}"),
            subject: Some(self.interaction.clone()),
            correlation: self.correlation.clone(),
            outcome,
            detail,
            personal: personal.collect(),
        }
    }
}
