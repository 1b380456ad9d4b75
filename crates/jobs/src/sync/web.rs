//! A web hook as a sink: a POST for each change, or for a batch of them.

use super::{
    sending::{Letter, PATIENT, Sender, SignIn},
    sink::{Parcel, SinkError},
};
use bytes::Bytes;
use client::Http;
use flow::retry::Safety;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use url::Url;

/// Most requests at a time.
const AT_A_TIME: usize = 8;
/// The longest change id that is sent as a key as it is.
const LONGEST_KEY: usize = 128;

/// Posts changes. The changes of one call are of different conversations, so they may overtake each other.
pub(super) struct Web {
    sender: Sender,
    url: Url,
    batch: usize,
}

impl Web {
    pub(super) fn new(http: Arc<dyn Http>, url: Url, sign_in: SignIn, batch: usize) -> Self {
        Self {
            sender: Sender::new(http, sign_in, PATIENT),
            url,
            batch: batch.max(1),
        }
    }

    pub(super) async fn post(&self, parcels: &[Parcel]) -> Result<(), SinkError> {
        let posts: Vec<_> = parcels
            .chunks(self.batch)
            .map(|batch| self.post_batch(batch))
            .collect();
        stream::iter(posts)
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await
    }

    async fn post_batch(&self, batch: &[Parcel]) -> Result<(), SinkError> {
        let key = key(batch);
        let letter = Letter {
            method: Method::POST,
            url: &self.url,
            body: body(self.batch, batch),
            key: Some(&key),
            about: batch.first().map_or("", |parcel| &parcel.id),
            safety: Safety::Keyed,
        };
        self.sender.send(&letter).await.map(drop)
    }
}

/// One change as it is; with batches always a list of them, also of one.
fn body(most: usize, batch: &[Parcel]) -> Bytes {
    match batch {
        [parcel] if most == 1 => parcel.json.clone().into(),
        _ => {
            let changes: Vec<&str> = batch.iter().map(|parcel| parcel.json.as_str()).collect();
            format!(r#"{{"changes":[{}]}}"#, changes.join(",")).into()
        }
    }
}

/// The change id; of a batch, and where it is too long for a key, the beginning of a SHA-256 over the ids.
fn key(batch: &[Parcel]) -> String {
    match batch {
        [parcel] if parcel.id.len() <= LONGEST_KEY => parcel.id.clone(),
        _ => {
            let mut hash = Sha256::new();
            for parcel in batch {
                hash.update(parcel.id.as_bytes());
                hash.update([0]);
            }
            let hash = hash.finalize();
            hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(id: &str) -> Parcel {
        Parcel {
            id: id.into(),
            json: format!("{{\"changeId\":{id:?}}}"),
            whole: None,
        }
    }

    #[test]
    fn a_repeat_has_the_same_key_and_other_changes_another_one() {
        let (one, two) = ([parcel("a@1")], [parcel("a@1"), parcel("b@1")]);
        assert_eq!(key(&one), "a@1");
        assert_eq!(key(&two), key(&[parcel("a@1"), parcel("b@1")]));
        assert_ne!(key(&two), key(&[parcel("b@1"), parcel("a@1")]));
        assert!(key(&[parcel(&"x".repeat(300))]).len() <= LONGEST_KEY);
    }

    #[test]
    fn batches_are_lists_also_of_one() {
        assert_eq!(body(1, &[parcel("a@1")]), r#"{"changeId":"a@1"}"#);
        assert_eq!(body(2, &[parcel("a@1")]), r#"{"changes":[{"changeId":"a@1"}]}"#);
        assert_eq!(
            body(2, &[parcel("a@1"), parcel("b@1")]),
            r#"{"changes":[{"changeId":"a@1"},{"changeId":"b@1"}]}"#
        );
    }
}
