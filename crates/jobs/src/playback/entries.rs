//! What a playback notes in the audit log: an entry for each directive and for the end, with what was measured.

use super::Stability;
use audit::{Actor, Entry, Outcome};
use serde_json::{Value, json};
use std::time::Duration;
use wire::{
    UtcTime,
    ids::SessionId,
    playback::{Control, Destination, Interruption, NewSession, PlaybackState, Session, in_ms},
};

/// The longest reason that is kept, in characters.
const LONGEST_WHY: usize = 1000;

pub(super) fn started(directive: &NewSession, session: &Session, took: Duration) -> Entry {
    entry(
        "started",
        &session.id,
        Outcome::Success,
        json!({"directive": of(directive), "session": measured(session), "requestMs": in_ms(took)}),
    )
}

pub(super) fn refused(directive: &NewSession, why: &str, took: Duration) -> Entry {
    let detail = json!({"directive": of(directive), "requestMs": in_ms(took), "cause": short(why)});
    entry("refused", &directive.session, Outcome::Failure, detail)
}

pub(super) fn controlled(control: &Control, session: &Session, took: Duration) -> Entry {
    let detail = json!({"control": control, "session": measured(session), "requestMs": in_ms(took)});
    entry("controlled", &session.id, Outcome::Success, detail)
}

pub(super) fn not_controlled(control: &Control, session: &SessionId, why: &str, took: Duration) -> Entry {
    let detail = json!({"control": control, "requestMs": in_ms(took), "cause": short(why)});
    entry("control_refused", session, Outcome::Failure, detail)
}

/// The end, with the stability of all sessions so far.
pub(super) fn over(session: &Session, stability: &Stability) -> Entry {
    let is_well = session.playback_state != PlaybackState::Failed;
    let mut detail = json!({
        "session": measured(session),
        "playedMs": session.played_ms,
        "framesSent": session.frames_sent,
        "underruns": session.underruns,
        "stabilityRate": stability.rate(),
        "sessions": stability.sessions,
        "stable": stability.stable,
    });
    // Not which key: it may be part of a secret.
    if let Some(interruption) = &session.interruption {
        detail["interruption"] = match interruption {
            Interruption::Dtmf { at_ms, .. } => json!({"cause": "dtmf", "atMs": at_ms}),
            Interruption::Voice { at_ms } => json!({"cause": "voice", "atMs": at_ms}),
        };
    }
    if let Some(failure) = &session.failure {
        detail["cause"] = short(failure).into();
    }
    let outcome = if is_well {
        Outcome::Success
    } else {
        Outcome::Failure
    };
    entry("over", &session.id, outcome, detail)
}

/// Nobody knows how it goes on.
pub(super) fn lost(session: &SessionId, why: &str) -> Entry {
    entry("lost", session, Outcome::Failure, json!({"cause": short(why)}))
}

/// The directive as far as it is nobody's: an address may be a person's phone.
fn of(directive: &NewSession) -> Value {
    let to = match directive.destination {
        Destination::Nowhere => "nowhere",
        Destination::Call(_) => "call",
        Destination::Rtp(_) => "rtp",
    };
    json!({"promptId": directive.prompt, "playbackConfig": directive.config, "destination": to,
        "maxConcurrentStreams": directive.metadata.max_concurrent_streams})
}

fn measured(session: &Session) -> Value {
    json!({"playbackState": session.playback_state, "latencyMs": session.latency_ms,
        "formatVerified": session.format_verified, "bufferPreloaded": session.buffer_preloaded,
        "positionMs": session.position_ms})
}

fn entry(verb: &str, session: &SessionId, outcome: Outcome, detail: Value) -> Entry {
    Entry {
        at: now(),
        actor: Actor::Playback,
        action: format!("play.{verb}"),
        subject: Some(session.to_string()),
        correlation: None,
        outcome,
        detail: detail.as_object().cloned().unwrap_or_default(),
        personal: Vec::new(),
    }
}

pub(super) fn now() -> UtcTime {
    jiff::Timestamp::now().into()
}

fn short(why: &str) -> String {
    why.chars().take(LONGEST_WHY).collect()
}
