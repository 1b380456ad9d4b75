//! Sessions in the audit log, and as webhooks.

use super::{
    book::Stability,
    telling::{Told, What},
};
use crate::clock::Clock;
use audit::{Actor, Entry, Outcome};
use serde_json::{Map, Value, json};
use webhooks::OutEvent;
use wire::{
    Faults,
    ids::{ClientId, CorrelationId},
    playback::{AnalyticsEvent, PlaybackEvent, PlaybackState, in_ms},
};

/// The source of the events.
const SOURCE: &str = "playback";

/// What the audit log says of it.
pub(super) fn entry(told: &Told) -> Entry {
    let (action, more) = match &told.what {
        What::Created => ("playback.created", created(told)),
        What::Controlled(action) => ("playback.controlled", json!({"directive": action})),
        What::Ended {
            stability,
            by_directive,
        } => ("playback.ended", ended(told, *stability, *by_directive)),
    };
    let view = &told.view;
    let latency_ms = told.took.map_or(view.latency_ms, in_ms);
    let mut detail = object(json!({
        "clientId": told.session.facts.client, "playbackState": view.playback_state,
        "latencyMs": latency_ms, "formatVerified": view.format_verified,
        "bufferPreloaded": view.buffer_preloaded, "positionMs": view.position_ms,
        "playedMs": view.played_ms, "underruns": view.underruns,
    }));
    detail.extend(object(more));
    Entry {
        at: told.at,
        actor: Actor::Center,
        action: action.to_owned(),
        subject: Some(view.id.to_string()),
        correlation: Some(told.correlation.clone()),
        outcome: match view.playback_state {
            PlaybackState::Failed => Outcome::Failure,
            _ => Outcome::Success,
        },
        detail,
        personal: Vec::new(),
    }
}

fn created(told: &Told) -> Value {
    let facts = &told.session.facts;
    json!({"promptId": facts.prompt, "codec": facts.config.codec, "durationMs": told.view.duration_ms})
}

/// Which key it was belongs to the caller, so it is not said.
fn ended(told: &Told, stability: Stability, by_directive: bool) -> Value {
    let mut detail = json!({
        "framesSent": told.view.frames_sent,
        "stabilityRate": stability.rate(), "stabilitySessions": stability.sessions,
    });
    if by_directive {
        detail["directive"] = "stop".into();
    }
    if let Some(interruption) = &told.view.interruption {
        let cause = serde_json::to_value(interruption).unwrap_or_default();
        detail["interruptedBy"] = cause["cause"].clone();
        detail["interruptedAtMs"] = cause["atMs"].clone();
    }
    if let Some(failure) = &told.view.failure {
        detail["failure"] = failure.as_str().into();
    }
    let ignored = told.session.ignored_keys();
    if ignored > 0 {
        detail["ignoredKeys"] = ignored.into();
    }
    detail
}

/// A directive that was refused. Nobody knows what its client wrote into it, so only ids that were read are kept.
pub(super) fn refused(
    directive: &str,
    session: Option<String>,
    client: &ClientId,
    status: u16,
    correlation: &CorrelationId,
) -> Entry {
    Entry {
        at: Clock::utc(),
        actor: Actor::Center,
        action: "playback.refused".to_owned(),
        subject: session,
        correlation: Some(correlation.clone()),
        outcome: Outcome::Failure,
        detail: object(json!({"directive": directive, "clientId": client, "status": status})),
        personal: Vec::new(),
    }
}

/// An event of a client's own.
pub(super) fn analytics(event: &AnalyticsEvent, client: &ClientId, correlation: &CorrelationId) -> Entry {
    let body = serde_json::to_string(event.fields()).unwrap_or_default();
    Entry {
        at: Clock::utc(),
        actor: Actor::Center,
        action: "analytics.event".to_owned(),
        subject: Some(event.session_id().to_owned()),
        correlation: Some(correlation.clone()),
        outcome: Outcome::Success,
        detail: object(json!({"eventType": event.event_type(), "clientId": client})),
        // Anything may be in it.
        personal: vec![("event".to_owned(), body)],
    }
}

/// What those are told who want to know of it.
pub(super) fn event(told: &Told) -> Result<OutEvent, Faults> {
    let event = PlaybackEvent::of(&told.view, told.at);
    let body = serde_json::to_string(&event).unwrap_or_default();
    let id = uuid::Uuid::now_v7().to_string();
    OutEvent::new(
        SOURCE,
        &id,
        event.event_type.as_str(),
        Some(told.view.id.as_str()),
        body,
    )
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
