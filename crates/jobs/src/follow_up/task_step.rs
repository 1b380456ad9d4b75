//! The second step, once for each task: create it, and owe the agent the news.

use super::{
    NOTIFY, Shared,
    entries::Entries,
    item::{Created, Order, Told},
    key_of,
    settle::{Ended, Failed, settle, without_zeros},
};
use client::{CreatedTask, Refusal};
use std::{sync::Arc, time::Duration};
use store::{Claim, EffectKey, Intent};
use wire::{
    ids::AgentId,
    notification::Urgency,
    task::{
        CustomField, INTERACTION_FIELD, LONGEST_DESCRIPTION, LONGEST_FIELD, NewTask, Priority, RULE_FIELD,
    },
};

/// The longest reason that is written into a task, in characters.
const LONGEST_REASON: usize = 500;

pub(super) async fn take(shared: Arc<Shared>, claim: Claim) {
    let ended = match serde_json::from_str::<Order>(&claim.body) {
        Ok(order) => work(&shared, &claim, order).await,
        Err(why) => Ended::broken(&why),
    };
    settle(&shared, &claim, ended).await;
}

async fn work(shared: &Shared, claim: &Claim, order: Order) -> Ended {
    let created = match create(shared, &claim.effect, &order).await {
        Ok(created) => created,
        Err(failed) => return failed.ended(order.correlation),
    };
    let entries = Entries::of_effect(&claim.effect, Some(order.correlation.clone()));
    Ended::Done {
        entry: entries.task_created(&order, &created),
        intents: vec![news(&claim.effect, &order, &created)],
        result: serde_json::to_string(&created).ok(),
    }
}

/// Creates the task for its assignee; if the platform will not have that, for the fallback, with a note in the task.
async fn create(shared: &Shared, effect: &EffectKey, order: &Order) -> Result<Created, Failed> {
    let platform = shared.platform.with_correlation(order.correlation.clone());
    let wanted = &order.order.assignee;
    let task = new_task(effect, order, wanted, None);
    let refused = match platform.create_task(&task, key_of(effect, "")).await {
        Ok(task) => return Ok(created(task, wanted, None)),
        Err(error) => error,
    };
    let fallback = order
        .order
        .fallback
        .as_ref()
        .filter(|fallback| *fallback != wanted);
    // Dates and priorities can't be wrong here: what a platform finds bad is the assignee.
    let (Some(fallback), Some(refusal)) = (fallback, bad_request(&refused)) else {
        return Err(Failed::because(&refused));
    };
    let because = reason_of(refusal);
    let task = new_task(effect, order, fallback, Some(&because));
    // The body differs, and so must the key.
    match platform.create_task(&task, key_of(effect, "fallback")).await {
        Ok(task) => Ok(created(task, fallback, Some(because))),
        Err(error) => {
            let failed = Failed::because(&error);
            let why = format!("{wanted} was refused ({because}), and then: {}", failed.why);
            Err(Failed { why, ..failed })
        }
    }
}

/// By now somebody else may have it: it was created before, and passed on.
fn created(task: CreatedTask, assignee: &AgentId, because: Option<String>) -> Created {
    Created {
        task_id: task.id,
        assignee_id: task.assignee_id.unwrap_or_else(|| assignee.clone()),
        fallback_because: because,
    }
}

fn bad_request(error: &client::Error) -> Option<&Refusal> {
    match error {
        client::Error::Refused(refusal) => Some(&**refusal).filter(|refusal| refusal.status == 400),
        _ => None,
    }
}

/// The platform's own words, without what only helps an operator.
fn reason_of(refusal: &Refusal) -> String {
    let words = match refusal.errors.as_slice() {
        [] => refusal.message.clone(),
        errors => errors.join("; "),
    };
    without_zeros(&words).chars().take(LONGEST_REASON).collect()
}

fn new_task(effect: &EffectKey, order: &Order, assignee: &AgentId, because: Option<&str>) -> NewTask {
    let wanted = &order.order;
    let note = because.map(|why| format!("[Meant for {}, but: {why}]\n\n", wanted.assignee));
    let description = note.unwrap_or_default() + &wanted.description;
    let mut custom_fields = vec![
        field(INTERACTION_FIELD, &effect.event),
        field(RULE_FIELD, &wanted.key),
        field("rule_reason", &order.reason.sentence()),
        field("rules_version", &order.reason.rules),
    ];
    custom_fields.extend(because.map(|why| field("fallback_because", why)));
    NewTask {
        subject: wanted.subject.clone(),
        description: description.chars().take(LONGEST_DESCRIPTION).collect(),
        due_date: wanted.due_date,
        priority: wanted.priority,
        assignee_id: assignee.clone(),
        custom_fields,
    }
}

fn field(id: &str, value: &str) -> CustomField {
    CustomField {
        id: id.to_owned(),
        value: value.chars().take(LONGEST_FIELD).collect(),
    }
}

/// The agent is to be told.
fn news(effect: &EffectKey, order: &Order, created: &Created) -> Intent {
    let wanted = &order.order;
    let told = Told {
        agent_id: created.assignee_id.clone(),
        message: format!("New task, priority {}: {}", wanted.priority, wanted.subject),
        priority: match wanted.priority {
            Priority::Critical | Priority::High => Urgency::High,
            Priority::Medium | Priority::Normal => Urgency::Normal,
            Priority::Low => Urgency::Low,
        },
        task_id: created.task_id.clone(),
        correlation: order.correlation.clone(),
    };
    Intent {
        effect: EffectKey {
            step: format!("notify:{}", wanted.key),
            ..effect.clone()
        },
        queue: NOTIFY.to_owned(),
        subject: None,
        body: serde_json::to_string(&told).unwrap_or_default(),
        after: Duration::ZERO,
    }
}
