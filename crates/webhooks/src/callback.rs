//! Callbacks: webhooks to an address that came with a request.

use crate::{
    endpoint::{QUEUES, parse_url},
    outgoing::{LARGEST_BODY, hex},
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr, time::Duration};
use store::{Commit, EffectKey, Expect, Intent, Put, Store};
use url::Url;

/// How many queues callbacks are spread over by the host they go to: a slow receiver delays its own lane only.
pub(crate) const LANES: usize = 16;
/// The kind of the records that keep the secrets of callbacks.
const KIND: &str = "callback-secret";

/// Where a request wants to be called back: http or https, without user name and fragment, at most 2048 bytes.
///
/// Whether it may be connected to is the guard's business, when it is delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackUrl(Url);

/// A text that is no [`CallbackUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCallbackUrl(String);

impl CallbackUrl {
    /// The address; it may hold a secret in its path or query, so it is not shown in logs.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for CallbackUrl {
    type Err = BadCallbackUrl;

    fn from_str(text: &str) -> Result<Self, BadCallbackUrl> {
        parse_url(text).map(Self).map_err(BadCallbackUrl)
    }
}

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackUrl({:?})", self.0.origin().ascii_serialization())
    }
}

/// What signs callbacks: a secret that is in the store, and so known to whoever delivers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    id: String,
}

impl Signer {
    /// Keeps a secret in the store, once for ever. Do this at the start of a program that answers by callbacks; its secret may
    /// change from start to start: what is owed already is signed with the one that it was promised under.
    pub async fn keep(store: &Store, secret: &Secret) -> Result<Self, store::Error> {
        // The secret is random: its hash does not give it away.
        let id = hex(&Sha256::digest(secret.expose())[..16]);
        let body = serde_json::to_string(secret).unwrap_or_default();
        if store.record(KIND, &id).await?.is_none() {
            let put = Put {
                kind: KIND.to_owned(),
                id: id.clone(),
                body: Some(body),
                expect: Expect::Any,
            };
            let commit = Commit {
                records: vec![put],
                ..Commit::default()
            };
            store.commit(commit).await?;
        }
        Ok(Self { id })
    }
}

/// A body that is larger than a webhook may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the callback's body has {0} bytes, of {LARGEST_BODY} at most")]
pub struct TooLarge(pub usize);

/// What is owed to the sender of a request: `body`, JSON text, to where it asked for. It belongs into the commit of what it tells of,
/// and [`Deliveries`](crate::Deliveries) carries it out like every webhook: guarded, signed, again for 24 h, then a dead letter. A 410
/// ends this delivery alone.
///
/// `effect` names it for ever, and `webhook-id` is made of it ([`message_id`](crate::message_id)); callbacks of one `subject` to the same
/// host go in order.
///
/// ```
/// use store::{Commit, EffectKey, Store};
/// use webhooks::{CallbackUrl, Secret, Signer, callback};
///
/// # async fn example(store: &Store, secret: &Secret) -> Result<(), Box<dyn std::error::Error>> {
/// let signer = Signer::keep(store, secret).await?; // At the start.
/// let url: CallbackUrl = "https://build.example/compiled".parse()?; // From the request.
///
/// let effect = EffectKey { source: "compile".into(), event: "comp_1".into(), step: "callback".into() };
/// let owed = callback(&signer, effect, Some("comp_1"), &url, r#"{"id":"comp_1","status":"COMPLETED"}"#.into())?;
/// store.commit(Commit { intents: vec![owed], ..Commit::default() }).await?;
/// # Ok(())
/// # }
/// ```
pub fn callback(
    signer: &Signer,
    effect: EffectKey,
    subject: Option<&str>,
    url: &CallbackUrl,
    body: String,
) -> Result<Intent, TooLarge> {
    if body.len() > LARGEST_BODY {
        return Err(TooLarge(body.len()));
    }
    let kept = Kept {
        url: url.0.to_string(),
        signer: signer.id.clone(),
        body,
    };
    Ok(Intent {
        effect,
        queue: queue(lane(&url.0)),
        subject: subject.map(str::to_owned),
        body: serde_json::to_string(&kept).unwrap_or_default(),
        after: Duration::ZERO,
    })
}

/// The queue of a lane. No endpoint's id begins like this.
pub(crate) fn queue(lane: usize) -> String {
    format!("{QUEUES}callback-{lane}")
}

fn lane(url: &Url) -> usize {
    let origin = url.origin().ascii_serialization();
    usize::from(Sha256::digest(origin)[0]) % LANES
}

/// A callback as its item keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    signer: String,
    body: String,
}

/// A callback that is owed.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// Where to.
    pub url: Url,
    /// What is sent, byte for byte.
    pub body: String,
    signer: String,
}

impl Callback {
    /// Reads it from the body of its item; `None` when that is the item of an endpoint.
    pub fn of(item: &store::Item) -> Option<Self> {
        let is_one = item.queue.strip_prefix(QUEUES)?.starts_with("callback-");
        is_one.then(|| Self::read(&item.body)).flatten()
    }

    pub(crate) fn read(body: &str) -> Option<Self> {
        let kept: Kept = serde_json::from_str(body).ok()?;
        Some(Self {
            url: parse_url(&kept.url).ok()?,
            body: kept.body,
            signer: kept.signer,
        })
    }

    /// Scheme, host and port: what logs show of the URL.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What signs it; `None` when that is not in the store.
    pub(crate) async fn secret(&self, store: &Store) -> Result<Option<Secret>, store::Error> {
        let record = store.record(KIND, &self.signer).await?;
        Ok(record.and_then(|record| serde_json::from_str(&record.body).ok()))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("origin", &self.origin())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(url: &str, body: &str) -> Intent {
        let effect = EffectKey {
            source: "compile".into(),
            event: "comp_1".into(),
            step: "callback".into(),
        };
        let signer = Signer { id: "ab".into() };
        callback(&signer, effect, None, &url.parse().unwrap(), body.into()).unwrap()
    }

    #[test]
    fn a_callback_is_read_as_it_is_kept() {
        let intent = owed("https://x.example/hook?key=hunter2", "{ \"a\": \"\u{e9}\" }");
        let read = Callback::read(&intent.body).unwrap();
        assert_eq!(read.url.as_str(), "https://x.example/hook?key=hunter2");
        assert_eq!(
            (read.body.as_str(), read.signer.as_str()),
            ("{ \"a\": \"\u{e9}\" }", "ab")
        );
        assert!(!format!("{read:?}").contains("hunter2"));
        assert_eq!(Callback::read("{}"), None);
    }

    #[test]
    fn a_host_has_one_lane_and_hosts_are_spread_over_all() {
        let of = |url: &str| owed(url, "{}").queue;
        assert_eq!(of("https://a.example/x"), of("https://a.example/y?z"));
        let lanes: std::collections::BTreeSet<_> =
            (0..256).map(|n| of(&format!("https://{n}.example/"))).collect();
        assert_eq!(lanes.len(), LANES);
        assert!(
            lanes
                .iter()
                .all(|queue| queue.starts_with(&crate::queue_prefix(None)))
        );
    }

    #[test]
    fn addresses_that_webhooks_can_not_go_to_are_refused() {
        for (text, wrong) in [
            ("ftp://x.example/", "it must begin with http:// or https://"),
            (
                "https://me:hunter2@x.example/",
                "it must not hold a user name or password; deliveries are signed instead",
            ),
            (
                "x",
                "relative URL without a base; write it like https://example.org/hook",
            ),
        ] {
            assert_eq!(text.parse::<CallbackUrl>().unwrap_err().to_string(), wrong);
        }
    }

    #[test]
    fn a_body_has_a_bound() {
        let effect = EffectKey {
            source: String::new(),
            event: String::new(),
            step: String::new(),
        };
        let signer = Signer { id: "ab".into() };
        let url = "https://x.example/".parse().unwrap();
        let body = "x".repeat(LARGEST_BODY + 1);
        assert_eq!(
            callback(&signer, effect, None, &url, body).unwrap_err(),
            TooLarge(LARGEST_BODY + 1)
        );
    }
}
