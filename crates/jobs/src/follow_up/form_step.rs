//! The first step: fetch the form, judge it, owe the tasks.

use super::{
    Shared, TASK,
    entries::Entries,
    intent,
    item::{Judged, Order, Reason, ToJudge, Verdict},
    rulebook::Rules,
    settle::{Ended, settle},
};
use audit::mask;
use flow::rules::{Case, Fired, Judgement};
use std::{sync::Arc, time::Duration};
use store::{Claim, MOST_BODY};
use wire::{UtcTime, completion::Completion, form::Form};

/// How late a completion may be told for its due dates to count from when it was.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn take(shared: Arc<Shared>, claim: Claim) {
    let ended = match read(&claim.body) {
        Ok((to_judge, completion)) => work(&shared, &claim, to_judge, &completion).await,
        Err(why) => Ended::broken(&why),
    };
    settle(&shared, &claim, ended).await;
}

fn read(body: &str) -> Result<(ToJudge, Completion), String> {
    let to_judge: ToJudge = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let completion = Completion::parse(&to_judge.completion).map_err(|faults| faults.to_string())?;
    Ok((to_judge, completion))
}

async fn work(shared: &Shared, claim: &Claim, to_judge: ToJudge, completion: &Completion) -> Ended {
    let platform = shared.platform.with_correlation(to_judge.correlation.clone());
    let form = match platform.form(&completion.interaction_id).await {
        Ok(form) => form.map(masked),
        Err(error) => return Ended::failed(to_judge.correlation, &error),
    };
    let (judged, orders) = judge(&shared.rules.current(), &to_judge, completion, form);
    let owed = |order: &Order| {
        intent(
            &completion.interaction_id,
            format!("task:{}", order.order.key),
            TASK,
            order,
        )
    };
    Ended::Done {
        entry: Entries::of_effect(&claim.effect, Some(to_judge.correlation)).judged(&judged),
        intents: orders.iter().map(owed).collect(),
        result: kept(&judged),
    }
}

/// The form without card numbers and codes: nobody downstream needs them.
fn masked(form: Form) -> Form {
    let Ok(mut value) = serde_json::to_value(&form) else {
        return form;
    };
    mask::json(&mut value);
    serde_json::from_value(value).unwrap_or(form)
}

/// What is kept of it: without a form that is too long for the store.
fn kept(judged: &Judged) -> Option<String> {
    let text = serde_json::to_string(judged).ok()?;
    if text.len() <= MOST_BODY {
        return Some(text);
    }
    let without = Judged {
        form: None,
        ..judged.clone()
    };
    serde_json::to_string(&without).ok()
}

/// When due dates begin: with the completion, unless that is told more than a day late, or from the future.
fn completed_at(to_judge: &ToJudge, completion: &Completion) -> UtcTime {
    let received = to_judge.received_at;
    let earliest = received
        .timestamp()
        .checked_sub(LONGEST_DELAY)
        .map_or(received, UtcTime::from);
    let told = completion.completed_at.unwrap_or(received);
    if (earliest..=received).contains(&told) {
        told
    } else {
        received
    }
}

/// What the rules say of a form, and the tasks that they ask for.
fn judge(
    rules: &Rules,
    to_judge: &ToJudge,
    completion: &Completion,
    form: Option<Form>,
) -> (Judged, Vec<Order>) {
    let judgement = form.as_ref().map(|form| {
        if form.interaction_id != completion.interaction_id {
            let fault = format!("the form is that of {}", form.interaction_id);
            return Judgement::Unjudged { faults: vec![fault] };
        }
        rules.set.judge(&Case {
            interaction_id: &completion.interaction_id,
            agent_id: &completion.agent_id,
            event: &to_judge.completion,
            form,
            at: completed_at(to_judge, completion),
        })
    });
    let (verdict, orders) = match judgement {
        None => (Verdict::NoForm, Vec::new()),
        Some(Judgement::Unjudged { faults }) => (Verdict::Unjudged { faults }, Vec::new()),
        Some(Judgement::Fired(fired)) => orders(fired, to_judge, &rules.version),
    };
    let rules = rules.version.clone();
    (Judged { form, verdict, rules }, orders)
}

fn orders(fired: Fired, to_judge: &ToJudge, rules: &str) -> (Verdict, Vec<Order>) {
    let reason = Reason {
        rule: fired.rule,
        row: fired.row,
        line: fired.line,
        when: fired.when,
        saw: fired.saw.into_iter().collect(),
        rules: rules.to_owned(),
    };
    let order = |order| Order {
        order,
        reason: reason.clone(),
        correlation: to_judge.correlation.clone(),
    };
    let orders: Vec<Order> = fired.tasks.into_iter().map(order).collect();
    let tasks = orders.iter().map(|order| order.order.key.clone()).collect();
    (Verdict::Fired { reason, tasks }, orders)
}
