//! The endpoints in the store. Every change is one commit with its audit entry.

use crate::{
    endpoint::{Disabled, Endpoint, EndpointId, KIND, NewEndpoint, Previous},
    secret::Secret,
};
use audit::{Actor, Entry, Outcome};
use rand::{TryRngCore, rngs::OsRng};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{Commit, Committed, Expect, Put, Store};
use wire::UtcTime;

/// The most endpoints that are served: an event for all of them fits into one commit.
pub const MOST_ENDPOINTS: usize = 1000;

/// The kind of the records that remember removed endpoints: what is still owed to them becomes dead letters.
const REMOVED: &str = "endpoint-removed";
/// How often a change is tried when others change the same endpoint.
const MOST_TRIES: u32 = 10;

/// Why endpoints can't be had or changed.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// There is none of this id.
    #[error("there is no endpoint {0}; `trunkline webhooks endpoints` lists them")]
    Unknown(EndpointId),
    /// There are as many as there may be.
    #[error("there are {MOST_ENDPOINTS} endpoints, which is the most; remove one first")]
    TooMany,
    /// The record can't be read.
    #[error(
        "the record of the endpoint {0} can't be read; was it written by a newer Trunkline? Remove it and add it again"
    )]
    Unreadable(EndpointId),
    /// Others changed it again and again.
    #[error("the endpoint {0} is being changed by others; try again")]
    Busy(EndpointId),
    /// There is no randomness for a secret.
    #[error("the system gives no random bytes for a secret")]
    Random(#[source] rand::rand_core::OsError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The endpoints of a store.
#[derive(Clone)]
pub struct Endpoints {
    store: Store,
}

impl Endpoints {
    /// The endpoints of this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Adds an endpoint, with a secret of its own if it brings none.
    pub async fn add(&self, new: NewEndpoint) -> Result<Endpoint, EndpointsError> {
        if self.store.records(KIND, MOST_ENDPOINTS).await?.len() >= MOST_ENDPOINTS {
            return Err(EndpointsError::TooMany);
        }
        let made = make_secret()?;
        let now = now();
        let id = EndpointId::from_uuid(uuid::Uuid::now_v7());
        let mut endpoint = new.with_id(id, || made, now);
        let detail = described(&endpoint);
        let commit = Commit {
            records: vec![endpoint.put()],
            audit: vec![entry(
                Actor::Operator,
                "endpoint.added",
                &endpoint.id,
                now,
                detail,
            )],
            ..Commit::default()
        };
        match self.store.commit(commit).await? {
            Committed::Done => {
                endpoint.version = 1;
                Ok(endpoint)
            }
            _ => Err(EndpointsError::Busy(endpoint.id)),
        }
    }

    /// Makes the endpoint of a fixed id be as given, and enabled, whatever it was: for a program that has an endpoint of its
    /// own. Without a secret in `new`, the one it has stays.
    pub async fn keep(&self, id: &EndpointId, new: NewEndpoint) -> Result<Endpoint, EndpointsError> {
        for _ in 0..MOST_TRIES {
            let record = self.store.record(KIND, id.as_str()).await?;
            if record.is_none() && self.store.records(KIND, MOST_ENDPOINTS).await?.len() >= MOST_ENDPOINTS {
                return Err(EndpointsError::TooMany);
            }
            let known = record.as_ref().and_then(Endpoint::read);
            let now = now();
            let mut endpoint = remade(new.clone(), id, known.as_ref(), now)?;
            endpoint.version = record.map_or(0, |record| record.version);
            if known.as_ref() == Some(&endpoint) {
                return Ok(endpoint);
            }
            let action = match known {
                Some(_) => "endpoint.changed",
                None => "endpoint.added",
            };
            let not_removed = Put {
                kind: REMOVED.to_owned(),
                id: id.to_string(),
                body: None,
                expect: Expect::Any,
            };
            let commit = Commit {
                records: vec![endpoint.put(), not_removed],
                audit: vec![entry(Actor::Operator, action, id, now, described(&endpoint))],
                ..Commit::default()
            };
            if self.store.commit(commit).await? == Committed::Done {
                endpoint.version += 1;
                return Ok(endpoint);
            }
        }
        Err(EndpointsError::Busy(id.clone()))
    }

    /// All endpoints, by id and so by age. One that can't be read is left out and logged, so that it does not stop the others.
    pub async fn list(&self) -> Result<Vec<Endpoint>, store::Error> {
        let records = self.store.records(KIND, MOST_ENDPOINTS).await?;
        let mut endpoints: Vec<Endpoint> = Vec::with_capacity(records.len());
        for record in &records {
            match Endpoint::read(record) {
                Some(endpoint) => endpoints.push(endpoint),
                None => tracing::error!(endpoint = record.id, "the record of this endpoint can't be read"),
            }
        }
        endpoints.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(endpoints)
    }

    /// An endpoint.
    pub async fn get(&self, id: &EndpointId) -> Result<Endpoint, EndpointsError> {
        let record = self.store.record(KIND, id.as_str()).await?;
        let record = record.ok_or_else(|| EndpointsError::Unknown(id.clone()))?;
        Endpoint::read(&record).ok_or_else(|| EndpointsError::Unreadable(id.clone()))
    }

    /// Removes an endpoint. What is still owed to it becomes dead letters.
    pub async fn remove(&self, id: &EndpointId) -> Result<(), EndpointsError> {
        for _ in 0..MOST_TRIES {
            // Not `get`: one that can't be read must be removable.
            let record = self.store.record(KIND, id.as_str()).await?;
            let record = record.ok_or_else(|| EndpointsError::Unknown(id.clone()))?;
            let put = |kind: &str, body, expect| Put {
                kind: kind.to_owned(),
                id: id.to_string(),
                body,
                expect,
            };
            let commit = Commit {
                records: vec![
                    put(KIND, None, Expect::Version(record.version)),
                    put(REMOVED, Some("{}".to_owned()), Expect::Any),
                ],
                audit: vec![entry(Actor::Operator, "endpoint.removed", id, now(), json!({}))],
                ..Commit::default()
            };
            if self.store.commit(commit).await? == Committed::Done {
                return Ok(());
            }
        }
        Err(EndpointsError::Busy(id.clone()))
    }

    /// Lets an endpoint have events again; what waited for it is delivered now.
    pub async fn enable(&self, id: &EndpointId) -> Result<Endpoint, EndpointsError> {
        let change = |endpoint: &mut Endpoint, _| endpoint.disabled.take().map(|_| json!({}));
        self.change(id, "endpoint.enabled", change).await
    }

    /// Stops an endpoint. New events are not for it; what is owed to it waits until it is enabled.
    pub async fn disable(&self, id: &EndpointId, why: &str) -> Result<Endpoint, EndpointsError> {
        let change = |endpoint: &mut Endpoint, now| disable(endpoint, why, now);
        self.change(id, "endpoint.disabled", change).await
    }

    /// Gives an endpoint a new secret, made up if none is given. The old one signs too for as long as `overlap`; one that was
    /// rotated out before no longer does.
    pub async fn rotate(
        &self,
        id: &EndpointId,
        secret: Option<Secret>,
        overlap: Duration,
    ) -> Result<Endpoint, EndpointsError> {
        let fresh = secret.map_or_else(make_secret, Ok)?;
        let change = |endpoint: &mut Endpoint, now: UtcTime| {
            let old = std::mem::replace(&mut endpoint.secret, fresh.clone());
            let until = now
                .timestamp()
                .checked_add(overlap)
                .unwrap_or(jiff::Timestamp::MAX);
            let until = UtcTime::from(until);
            endpoint.previous = Some(Previous { secret: old, until });
            Some(json!({"previousUntil": until}))
        };
        self.change(id, "endpoint.rotated", change).await
    }

    /// Changes an endpoint, if `change` gives a detail for the audit log; otherwise it is as it should be.
    async fn change(
        &self,
        id: &EndpointId,
        action: &str,
        change: impl Fn(&mut Endpoint, UtcTime) -> Option<Value>,
    ) -> Result<Endpoint, EndpointsError> {
        for _ in 0..MOST_TRIES {
            let mut endpoint = self.get(id).await?;
            let now = now();
            let Some(detail) = change(&mut endpoint, now) else {
                return Ok(endpoint);
            };
            let commit = Commit {
                records: vec![endpoint.put()],
                audit: vec![entry(Actor::Operator, action, id, now, detail)],
                ..Commit::default()
            };
            if self.store.commit(commit).await? == Committed::Done {
                endpoint.version += 1;
                return Ok(endpoint);
            }
        }
        Err(EndpointsError::Busy(id.clone()))
    }

    /// The endpoints that were removed, the last first.
    pub(crate) async fn removed(&self) -> Result<Vec<EndpointId>, store::Error> {
        let records = self.store.records(REMOVED, MOST_ENDPOINTS).await?;
        Ok(records
            .iter()
            .filter_map(|record| record.id.parse().ok())
            .collect())
    }
}

/// The new endpoint, with what it keeps of the one that is known.
fn remade(
    new: NewEndpoint,
    id: &EndpointId,
    known: Option<&Endpoint>,
    now: UtcTime,
) -> Result<Endpoint, EndpointsError> {
    let secret = match known {
        Some(known) => known.secret.clone(),
        None => make_secret()?,
    };
    let mut endpoint = new.with_id(id.clone(), || secret, now);
    if let Some(known) = known {
        endpoint.created = known.created;
        endpoint.previous = known.previous.clone();
    }
    Ok(endpoint)
}

/// What the audit log has of an endpoint.
fn described(endpoint: &Endpoint) -> Value {
    json!({"origin": endpoint.origin(), "events": endpoint.events.to_texts()})
}

/// Disables an endpoint that is enabled; gives the detail for the audit log.
pub(crate) fn disable(endpoint: &mut Endpoint, why: &str, now: UtcTime) -> Option<Value> {
    if !endpoint.is_enabled() {
        return None;
    }
    endpoint.disabled = Some(Disabled {
        why: why.to_owned(),
        at: now,
    });
    Some(json!({"why": why}))
}

/// An entry about an endpoint.
pub(crate) fn entry(actor: Actor, action: &str, id: &EndpointId, now: UtcTime, detail: Value) -> Entry {
    let detail = match detail {
        Value::Object(detail) => detail,
        _ => Map::new(),
    };
    Entry {
        at: now,
        actor,
        action: action.to_owned(),
        subject: Some(id.to_string()),
        correlation: None,
        outcome: Outcome::Success,
        detail,
        personal: Vec::new(),
    }
}

/// The time on the wall, in whole milliseconds as records keep it.
pub(crate) fn now() -> UtcTime {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_millisecond(now.as_millisecond())
        .unwrap_or(now)
        .into()
}

fn make_secret() -> Result<Secret, EndpointsError> {
    let mut random = [0; 32];
    OsRng
        .try_fill_bytes(&mut random)
        .map_err(EndpointsError::Random)?;
    Ok(Secret::generate(&random))
}
