//! Idempotency keys that outlive a restart: what was made for a key is written in the commit that makes it.
//!
//! Nothing of them is in memory. Of requests with one key at once, one commit finds the key unused; the others find what it made. A
//! refusal is not remembered: when what it was about is mended, the request may be made again under its key.

use crate::{clock::Clock, http::key_of, tokens::Bearer};
use axum::response::AppendHeaders;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use server::Refusal;
use sha2::{Digest, Sha256};
use std::time::Duration;
use store::{Expect, Put, Store};
use wire::ids::{CompileId, ConversationId, NotificationId, TaskId};

/// The kind of the records.
pub(crate) const ONCE: &str = "idempotency-key";
/// How long a key is remembered (contract section 2).
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Says that the answer is that of an earlier request, if it is.
pub(crate) fn replayed(is_replayed: bool) -> Option<AppendHeaders<[(&'static str, &'static str); 1]>> {
    is_replayed.then_some(AppendHeaders([("idempotency-replayed", "true")]))
}

/// A request with an idempotency key.
#[derive(Debug)]
pub(crate) struct Once {
    id: String,
    body: String,
}

/// What is kept for a key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// What was made.
    id: String,
    /// Whether it was made then, and not found.
    is_new: bool,
    /// The hash of the request's body.
    body: String,
}

/// What is made for an idempotency key.
pub(crate) trait Made: std::str::FromStr + Send {}
impl Made for TaskId {}
impl Made for NotificationId {}
impl Made for CompileId {}
impl Made for ConversationId {}

/// What is known of a key.
pub(crate) enum Looked<Id> {
    /// This was made for it.
    Made { id: Id, is_new: bool },
    /// It was used for something else.
    OtherBody,
    /// Nothing, or nothing that counts any more; and what must be there when that changes.
    Unused(Expect),
}

impl Once {
    /// The key of a request, if it has one.
    pub(crate) fn of(
        bearer: &Bearer,
        path: &str,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<Option<Self>, Refusal> {
        let Some(key) = headers.get("idempotency-key") else {
            return Ok(None);
        };
        let key = key_of(key)?;
        Ok(Some(Self {
            id: hashed(&[bearer.client.as_str(), path, key.as_str()]),
            body: hashed(&[body]),
        }))
    }

    /// The record's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What was made for the key.
    pub(crate) async fn look<Id: Made>(&self, store: &Store) -> Result<Looked<Id>, store::Error> {
        let Some(record) = store.record(ONCE, &self.id).await? else {
            return Ok(Looked::Unused(Expect::Absent));
        };
        let unused = Looked::Unused(Expect::Version(record.version));
        let remembered_ms = i64::try_from(REMEMBERED_FOR.as_millis()).unwrap_or(i64::MAX);
        let age_ms = Clock::utc()
            .timestamp()
            .as_millisecond()
            .saturating_sub(record.updated_ms);
        let kept = serde_json::from_str::<Kept>(&record.body).ok();
        let Some(kept) = kept.filter(|_| age_ms < remembered_ms) else {
            return Ok(unused);
        };
        Ok(match kept.id.parse() {
            _ if kept.body != self.body => Looked::OtherBody,
            Ok(id) => Looked::Made {
                id,
                is_new: kept.is_new,
            },
            Err(_) => unused,
        })
    }

    /// Notes what was made for the key.
    pub(crate) fn put(&self, id: &str, is_new: bool, expect: Expect) -> Put {
        let kept = Kept {
            id: id.to_owned(),
            is_new,
            body: self.body.clone(),
        };
        Put {
            kind: ONCE.into(),
            id: self.id.clone(),
            body: Some(serde_json::to_string(&kept).unwrap_or_default()),
            expect,
        }
    }
}

/// A name for what may be too long to be one: SHA-256 in hexadecimal over the parts, each after its length.
pub(crate) fn hashed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
