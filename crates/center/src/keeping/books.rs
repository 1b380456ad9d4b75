//! A call as records and audit entries.

use super::{Foreseen, RunId};
use crate::{completions::Turns, interactions::Interaction};
use audit::{Actor, Entry, Outcome};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{Expect, MOST_BODY, Put, Store};
use wire::{
    UtcTime,
    calls::{CallRecord, CallState, Happening, Moment},
    ids::{CallId, CorrelationId, InteractionId},
};

pub(crate) const CALL: &str = "call";

/// The index of the calls that a center has.
pub(super) fn live_kind(run: &RunId) -> String {
    format!("live-call:{run}")
}

/// The call as it is now.
pub(super) fn put_call(record: &CallRecord) -> Put {
    put(CALL, &record.id, Some(body_of(record)))
}

/// The record as JSON, no longer than the store takes: of a story that is too long (its prompts may have long names) the
/// middle is left out.
fn body_of(record: &CallRecord) -> String {
    // A record is text and numbers: that always can be written as JSON.
    let mut body = serde_json::to_string(record).unwrap_or_default();
    let mut told = record.timeline.len();
    while body.len() > MOST_BODY && told > 0 {
        told /= 2;
        let mut shorter = record.clone();
        let end = shorter.timeline.pop();
        shorter.timeline.truncate(told);
        shorter.timeline.extend(end);
        body = serde_json::to_string(&shorter).unwrap_or_default();
    }
    body
}

/// Names the call in the center's index of live calls, with what is known of its end, or takes it out.
pub(super) fn put_live(run: &RunId, call: &CallId, live: Option<&Foreseen>) -> Put {
    // Texts alone: that always can be written as JSON.
    let body = live.map(|foreseen| serde_json::to_string(foreseen).unwrap_or_default());
    put(&live_kind(run), call, body)
}

/// The interaction that a call was, which the call is then said to have been; `None` when nobody answered it, or the tenant
/// has no agents.
pub(crate) fn interaction_of(
    record: &mut CallRecord,
    foreseen: &Foreseen,
    turns: &Turns,
) -> Option<Interaction> {
    let is_answer = |moment: &Moment| moment.what == Happening::Answered;
    if !record.timeline.iter().any(is_answer) {
        return None;
    }
    let interaction = Interaction {
        agent_id: foreseen.agent_id.clone().or_else(|| turns.next())?,
        id: InteractionId::from_uuid(uuid::Uuid::now_v7()),
        call_id: Some(record.id.clone()),
        completed_at: end_of(record),
        responses: foreseen.responses.clone(),
    };
    record.interaction_id = Some(interaction.id.clone());
    Some(interaction)
}

fn put(kind: &str, id: &CallId, body: Option<String>) -> Put {
    Put {
        kind: kind.to_owned(),
        id: id.to_string(),
        body,
        expect: Expect::Any,
    }
}

/// `call.placed`. Who called whom is personal.
pub(super) fn placed(record: &CallRecord, correlation: Option<CorrelationId>) -> Entry {
    let mut personal = vec![
        ("ani".to_owned(), record.ani.to_string()),
        ("dnis".to_owned(), record.dnis.to_string()),
    ];
    personal.extend(
        record
            .external_id
            .iter()
            .map(|id| ("externalId".to_owned(), id.to_string())),
    );
    Entry {
        correlation,
        personal,
        ..entry("call.placed", record, record.placed_at, Outcome::Success)
    }
}

/// `call.ended`, with the cause, and where the call went.
pub(super) fn ended(record: &CallRecord, at: UtcTime, outcome: Outcome) -> Entry {
    let mut detail = Map::new();
    if let Some(cause) = record.cause {
        detail.insert("cause".into(), json!(cause));
    }
    if let Some(target) = &record.transferred_to {
        detail.insert("transferredTo".into(), json!(target));
    }
    if let Some(sha256) = record
        .recording
        .as_ref()
        .and_then(|recording| recording.sha256.as_ref())
    {
        detail.insert("recordingSha256".into(), Value::from(sha256.as_str()));
    }
    Entry {
        detail,
        ..entry("call.ended", record, at, outcome)
    }
}

fn entry(action: &str, record: &CallRecord, at: UtcTime, outcome: Outcome) -> Entry {
    Entry {
        at,
        actor: Actor::Center,
        action: action.to_owned(),
        subject: Some(record.id.to_string()),
        correlation: None,
        outcome,
        detail: Map::new(),
        personal: Vec::new(),
    }
}

/// When a call ended, by its own timeline.
pub(super) fn end_of(record: &CallRecord) -> UtcTime {
    let end = record
        .timeline
        .iter()
        .rfind(|moment| matches!(moment.what, Happening::Ended { .. }));
    let lasted = end.and_then(|end| Duration::try_from_secs_f64(end.at_ms / 1000.0).ok());
    let at = record
        .placed_at
        .timestamp()
        .checked_add(lasted.unwrap_or_default());
    at.map_or(record.placed_at, UtcTime::from)
}

/// The newest call of that id.
pub(crate) async fn find(store: &Store, call: &CallId) -> Result<Option<CallRecord>, store::Error> {
    let kept = store.record(CALL, call.as_str()).await?;
    Ok(kept.and_then(|kept| read(&kept.body)))
}

/// The calls that ended last, newest first, without their timelines. `live` calls may stand between them.
pub(crate) async fn recent(store: &Store, most: usize, live: usize) -> Result<Vec<CallRecord>, store::Error> {
    let kept = store.records(CALL, most + live).await?;
    let ended = kept
        .iter()
        .filter_map(|kept| read(&kept.body))
        .filter(|record| record.state == CallState::Ended)
        .map(|record| CallRecord {
            timeline: Vec::new(),
            ..record
        });
    Ok(ended.take(most).collect())
}

fn read(body: &str) -> Option<CallRecord> {
    serde_json::from_str(body)
        .inspect_err(|error| tracing::error!(%error, "a call in the store can't be read"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::callcontrol::HangupCause;

    #[test]
    fn a_story_that_is_too_long_keeps_its_beginning_and_its_end() {
        let text = r#"{"id":"c","ani":"+1555","dnis":"+1800","state":"ended","placedAt":"2026-11-21T09:00:00Z","timeline":[]}"#;
        let mut record: CallRecord = serde_json::from_str(text).unwrap();
        let happened = |at_ms, what| Moment { at_ms, what };
        record.timeline.push(happened(0.0, Happening::Placed));
        let prompt = "p".repeat(60_000);
        record.timeline.extend((1..100).map(|at| {
            let prompt = prompt.clone();
            happened(f64::from(at), Happening::PromptStarted { prompt })
        }));
        let cause = HangupCause::TooLong;
        record
            .timeline
            .push(happened(3_600_000.0, Happening::Ended { cause }));
        let body = body_of(&record);
        assert!(
            (MOST_BODY / 4..=MOST_BODY).contains(&body.len()),
            "{}",
            body.len()
        );
        let kept = read(&body).unwrap();
        assert_eq!(kept.timeline[..5], record.timeline[..5]);
        assert_eq!(kept.timeline.last(), record.timeline.last());
        assert_eq!(end_of(&kept).to_string(), "2026-11-21T10:00:00.000Z");
    }
}
