//! What came of a delivery, committed with its audit entries.

use super::{Shared, attempt::Attempted};
use crate::{
    endpoint::EndpointId,
    endpoints::{EndpointsError, disable, entry, now},
    outgoing::message_id,
};
use audit::{Actor, Entry};
use flow::delivery::{Attempt, Next, Outcome, Schedule, decide};
use serde_json::{Value, json};
use std::{fmt, time::Duration};
use store::{Claim, Commit, Committed, Finish, Put};
use tokio::time::sleep;

/// How often an outcome is committed at most: while the store fails, or others change the endpoint.
const MOST_TRIES: u32 = 8;
/// The wait after the first failure of the store; it doubles, so all together last 13 s.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Who a delivery is for, as logs and the audit log name it.
#[derive(Clone)]
pub(super) enum Recipient {
    /// An endpoint.
    Endpoint(EndpointId),
    /// The sender of a request; the origin of where it wants its answer.
    Callback { origin: String },
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(id) => id.fmt(f),
            Self::Callback { origin } => write!(f, "a callback to {origin}"),
        }
    }
}

/// Commits what came of an attempt. When that can't be done, the item stays held until its time is over, and is delivered
/// again: at least once.
pub(super) async fn settle(
    shared: &Shared,
    recipient: &Recipient,
    claim: &Claim,
    attempted: &Attempted,
    next: Next,
) {
    for number in 0..MOST_TRIES {
        match try_settle(shared, recipient, claim, attempted, next).await {
            Ok(Committed::Done | Committed::Duplicate { .. }) => return,
            Ok(Committed::Stale) => {
                tracing::warn!(item = claim.id.item.0, %recipient, "another process has this delivery by now");
                return;
            }
            // Somebody changed the endpoint: what it is now is read again.
            Ok(Committed::Conflict) => {}
            Err(error) => {
                tracing::warn!(item = claim.id.item.0, %recipient, %error, "the outcome of a delivery can't be kept yet");
                sleep(FIRST_WAIT * 2_u32.pow(number)).await;
            }
        }
    }
    tracing::error!(item = claim.id.item.0, %recipient, "the outcome of a delivery is not kept; it is made again");
}

async fn try_settle(
    shared: &Shared,
    recipient: &Recipient,
    claim: &Claim,
    attempted: &Attempted,
    next: Next,
) -> Result<Committed, store::Error> {
    let mut told = Told::new(recipient, claim, attempted);
    let why = attempted.why();
    let (mut records, mut disabled) = (Vec::new(), None);
    let finish = match next {
        Next::Delivered => {
            told.outcome = audit::Outcome::Success;
            Finish::Done {
                result: attempted.status().map(|status| status.to_string()),
            }
        }
        Next::Again { after } => {
            told.note("why", why.clone());
            told.note(
                "againAfterMs",
                u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            );
            Finish::Again { after, error: why }
        }
        Next::Dead { why: reason } => {
            let error = attempted.with_cause(reason.to_string());
            told.note("why", error.clone());
            Finish::Dead { error }
        }
        Next::Disable { why: reason } => {
            let error = reason.to_string();
            told.note("why", error.clone());
            // A callback is for one request: there is nothing more to stop.
            if let Recipient::Endpoint(id) = recipient {
                (records, disabled) = disabling(shared, id, &error).await?;
            }
            Finish::Dead { error }
        }
    };
    let action = match next {
        Next::Delivered => "webhook.delivered",
        Next::Again { .. } => "webhook.failed",
        Next::Dead { .. } | Next::Disable { .. } => "webhook.dead",
    };
    let entries = [told.entry(action)].into_iter().chain(disabled).collect();
    let commit = Commit {
        finish: Some((claim.id, finish)),
        records,
        audit: entries,
        ..Commit::default()
    };
    shared.store.commit(commit).await
}

/// The write and the entry that disable an endpoint, unless that has been done already, or it is not there any more.
async fn disabling(
    shared: &Shared,
    id: &EndpointId,
    why: &str,
) -> Result<(Vec<Put>, Option<Entry>), store::Error> {
    let mut endpoint = match shared.endpoints.get(id).await {
        Ok(endpoint) => endpoint,
        Err(EndpointsError::Store(error)) => return Err(error),
        Err(_) => return Ok((Vec::new(), None)),
    };
    let now = now();
    Ok(match disable(&mut endpoint, why, now) {
        Some(detail) => {
            let entry = entry(Actor::Webhooks, "endpoint.disabled", id, now, detail);
            (vec![endpoint.put()], Some(entry))
        }
        None => (Vec::new(), None),
    })
}

/// Gives up an item without an attempt.
pub(super) async fn commit_dead(
    shared: &Shared,
    recipient: &Recipient,
    claim: &Claim,
    why: &str,
) -> Result<Committed, store::Error> {
    let mut told = Told::unattempted(recipient, claim);
    told.note("why", why);
    let commit = Commit {
        finish: Some((
            claim.id,
            Finish::Dead {
                error: why.to_owned(),
            },
        )),
        audit: vec![told.entry("webhook.dead")],
        ..Commit::default()
    };
    shared.store.commit(commit).await
}

impl Attempted {
    fn status(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Answered(status) => Some(status),
            _ => None,
        }
    }

    /// What follows the attempt.
    pub(super) fn next(&self, schedule: &Schedule, claim: &Claim) -> Next {
        let attempt = Attempt {
            failures: claim.failures,
            outcome: self.outcome,
            retry_after: self.retry_after,
            random: rand::random(),
        };
        decide(schedule, &attempt)
    }

    fn why(&self) -> String {
        self.with_cause(self.outcome.to_string())
    }

    fn with_cause(&self, text: String) -> String {
        match &self.cause {
            Some(cause) => format!("{text} ({cause})"),
            None => text,
        }
    }
}

/// What an audit entry tells of a delivery.
struct Told {
    outcome: audit::Outcome,
    subject: String,
    detail: serde_json::Map<String, Value>,
}

impl Told {
    fn unattempted(recipient: &Recipient, claim: &Claim) -> Self {
        let mut told = Self {
            outcome: audit::Outcome::Failure,
            subject: claim
                .subject
                .clone()
                .unwrap_or_else(|| claim.effect.event.clone()),
            detail: serde_json::Map::new(),
        };
        match recipient {
            Recipient::Endpoint(id) => told.note("endpointId", id.as_str()),
            Recipient::Callback { origin } => told.note("callbackTo", origin),
        }
        told.note("source", claim.effect.source.as_str());
        told.note("eventId", claim.effect.event.as_str());
        told.note("webhookId", message_id(&claim.effect));
        told
    }

    fn new(recipient: &Recipient, claim: &Claim, attempted: &Attempted) -> Self {
        let mut told = Self::unattempted(recipient, claim);
        told.note("attempt", claim.failures.saturating_add(1));
        told.note(
            "tookMs",
            u64::try_from(attempted.took.as_millis()).unwrap_or(u64::MAX),
        );
        if let Some(status) = attempted.status() {
            told.note("status", status);
        }
        told
    }

    fn note(&mut self, name: &str, value: impl serde::Serialize) {
        self.detail.insert(name.to_owned(), json!(value));
    }

    fn entry(self, action: &str) -> Entry {
        Entry {
            at: now(),
            actor: Actor::Webhooks,
            action: action.to_owned(),
            subject: Some(self.subject),
            correlation: None,
            outcome: self.outcome,
            detail: self.detail,
            personal: Vec::new(),
        }
    }
}
