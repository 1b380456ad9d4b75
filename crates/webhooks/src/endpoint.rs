//! An endpoint: where webhooks go, which, and how they are signed.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};
use store::{Expect, Put, Record};
use url::Url;
use wire::{Faults, UtcTime, fault::shorten};

/// The kind of the endpoints' records.
pub(crate) const KIND: &str = "endpoint";
/// How long the old secret still signs after a rotation, unless told otherwise.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

const LONGEST_URL: usize = 2048;
const LONGEST_DESCRIPTION: usize = 500;
const LONGEST_EVENT_TYPE: usize = 128;
const MOST_EVENT_TYPES: usize = 100;

/// An endpoint's id: `ep_` and letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointId(String);

/// A text that is no [`EndpointId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no endpoint's id; they look like ep_0198c5f2")]
pub struct BadEndpointId(String);

impl EndpointId {
    /// An id for a new endpoint.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("ep_{}", id.simple()))
    }

    /// Whether it is as long as those that are given out, all of which are equally long.
    pub fn is_whole(&self) -> bool {
        self.0.len() == "ep_".len() + uuid::fmt::Simple::LENGTH
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EndpointId {
    type Err = BadEndpointId;

    fn from_str(text: &str) -> Result<Self, BadEndpointId> {
        let rest = text.strip_prefix("ep_").unwrap_or_default();
        let fits = (1..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
            .ok_or_else(|| BadEndpointId(shorten(text)))
    }
}

impl TryFrom<String> for EndpointId {
    type Error = BadEndpointId;

    fn try_from(text: String) -> Result<Self, BadEndpointId> {
        text.parse()
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which types of events an endpoint gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Events {
    /// All of them: `*`.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Events {
    /// Reads a list of types such as `call.ended`, or `*` alone; notes every fault.
    pub fn parse<S: AsRef<str>>(texts: &[S], faults: &mut Faults) -> Self {
        if texts.iter().any(|text| text.as_ref() == "*") {
            if texts.len() > 1 {
                faults.push("events: * means all, so it stands alone");
            }
            return Self::All;
        }
        if !(1..=MOST_EVENT_TYPES).contains(&texts.len()) {
            let most = MOST_EVENT_TYPES;
            faults.push(format!(
                "events: give * for all, or 1 to {most} types, not {}",
                texts.len()
            ));
        }
        let texts = texts.iter().take(MOST_EVENT_TYPES).map(AsRef::as_ref);
        for text in texts.clone().filter(|text| !is_event_type(text)) {
            let text = shorten(text);
            faults.push(format!("events: {text:?} is no type; write it like call.ended"));
        }
        Self::Only(texts.map(str::to_owned).collect())
    }

    /// Whether events of this type are wanted.
    pub fn contains(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(kinds) => kinds.contains(kind),
        }
    }

    /// The types as [`Events::parse`] reads them.
    pub fn to_texts(&self) -> Vec<String> {
        match self {
            Self::All => vec!["*".to_owned()],
            Self::Only(kinds) => kinds.iter().cloned().collect(),
        }
    }
}

/// Whether this is a type of events: letters, digits, `.`, `_` and `-`.
pub fn is_event_type(text: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_EVENT_TYPE).contains(&text.len()) && text.bytes().all(sign)
}

/// What a new endpoint is made of, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    url: Url,
    description: String,
    events: Events,
    secret: Option<Secret>,
}

impl NewEndpoint {
    /// Checks everything at once. Without a secret, one is made when the endpoint is added.
    pub fn parse<S: AsRef<str>>(
        url: &str,
        description: &str,
        events: &[S],
        secret: Option<&str>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let url = faults.keep(parse_url(url).map_err(|wrong| format!("url: {wrong}")));
        let length = description.chars().count();
        if length > LONGEST_DESCRIPTION || description.chars().any(char::is_control) {
            faults.push(format!(
                "description: one line of at most {LONGEST_DESCRIPTION} characters, not {length}"
            ));
        }
        let events = Events::parse(events, &mut faults);
        let secret = secret.map(str::parse).transpose();
        let secret = faults.keep(secret.map_err(|fault: crate::SecretFault| format!("secret: {fault}")));
        let checked = url.zip(secret).map(|(url, secret)| Self {
            url,
            description: description.to_owned(),
            events,
            secret,
        });
        faults.finish(checked)
    }

    pub(crate) fn with_id(self, id: EndpointId, made: impl FnOnce() -> Secret, now: UtcTime) -> Endpoint {
        Endpoint {
            id,
            url: self.url,
            description: self.description,
            events: self.events,
            secret: self.secret.unwrap_or_else(made),
            previous: None,
            disabled: None,
            created: now,
            version: 0,
        }
    }
}

/// An address that webhooks can go to, or what is wrong with it.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; write it like https://example.org/hook"))?;
    let wrong = if !matches!(url.scheme(), "http" | "https") {
        Some("must begin with http:// or https://")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("must not hold a user name or password; deliveries are signed instead")
    } else if url.fragment().is_some() {
        Some("must not have a fragment (#)")
    } else if url.as_str().len() > LONGEST_URL {
        Some("must be at most 2048 bytes long")
    } else if url.as_str().parse::<http::Uri>().is_err() {
        Some("has signs that can't stand in a request; escape them with %")
    } else {
        None
    };
    wrong.map_or(Ok(url), |wrong| Err(format!("it {wrong}")))
}

/// An endpoint as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where to; it may hold a secret in its path or query, so it is not shown in logs.
    pub url: Url,
    /// In its owner's words.
    pub description: String,
    /// Which events.
    pub events: Events,
    /// What signs.
    pub secret: Secret,
    /// What signs too, for a while after a rotation.
    pub previous: Option<Previous>,
    /// That it gets nothing.
    pub disabled: Option<Disabled>,
    /// When it was added.
    pub created: UtcTime,
    /// The version of its record, by which a change is known to be of this state.
    pub version: i64,
}

/// The secret before a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// It still signs.
    pub secret: Secret,
    /// From this time on no longer.
    pub until: UtcTime,
}

/// Since when an endpoint gets nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// In words.
    pub why: String,
    /// Since when.
    pub at: UtcTime,
}

/// The members of an endpoint's record.
#[derive(Serialize, Deserialize)]
struct Body {
    url: String,
    description: String,
    events: Vec<String>,
    secret: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    created: UtcTime,
}

impl Endpoint {
    /// Whether it gets events.
    pub fn is_enabled(&self) -> bool {
        self.disabled.is_none()
    }

    /// The secrets that sign at this time, the current one first.
    pub fn secrets(&self, now: UtcTime) -> Vec<Secret> {
        let previous = self.previous.iter().filter(|previous| now < previous.until);
        [&self.secret]
            .into_iter()
            .chain(previous.map(|previous| &previous.secret))
            .cloned()
            .collect()
    }

    /// Scheme, host and port: what logs show of the URL.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The queue of its deliveries.
    pub fn queue(&self) -> String {
        queue(&self.id)
    }

    pub(crate) fn read(record: &Record) -> Option<Self> {
        let body: Body = serde_json::from_str(&record.body).ok()?;
        let mut faults = Faults::new();
        let events = Events::parse(&body.events, &mut faults);
        let url = parse_url(&body.url).ok().filter(|_| faults.is_empty())?;
        Some(Self {
            id: record.id.parse().ok()?,
            url,
            description: body.description,
            events,
            secret: body.secret,
            previous: body.previous,
            disabled: body.disabled,
            created: body.created,
            version: record.version,
        })
    }

    /// The write that keeps it, if nobody wrote since it was read.
    pub(crate) fn put(&self) -> Put {
        let body = Body {
            url: self.url.to_string(),
            description: self.description.clone(),
            events: self.events.to_texts(),
            secret: self.secret.clone(),
            previous: self.previous.clone(),
            disabled: self.disabled.clone(),
            created: self.created,
        };
        let expect = match self.version {
            0 => Expect::Absent,
            version => Expect::Version(version),
        };
        Put {
            kind: KIND.to_owned(),
            id: self.id.to_string(),
            body: Some(serde_json::to_string(&body).unwrap_or_default()),
            expect,
        }
    }
}

/// What the queues of deliveries begin with.
pub(crate) const QUEUES: &str = "webhook:";

/// The queue of an endpoint's deliveries.
pub(crate) fn queue(id: &EndpointId) -> String {
    format!("{QUEUES}{id}")
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("origin", &self.origin())
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEndpoint").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        let new = NewEndpoint::parse(
            "https://x.example/hook?key=hunter2",
            "the ticket system",
            &["*"],
            None,
        );
        let id = EndpointId::from_uuid(uuid::Uuid::nil());
        let now = "2026-11-21T09:30:00Z".parse().unwrap();
        new.unwrap().with_id(id, || Secret::generate(&[1; 32]), now)
    }

    #[test]
    fn all_faults_of_a_new_endpoint_are_told_at_once() {
        let faults = |url, description, events: &[&str], secret| {
            NewEndpoint::parse(url, description, events, secret)
                .unwrap_err()
                .into_vec()
        };
        assert_eq!(
            faults(
                "ftp://x.example",
                "a\nb",
                &["call.ended", "no good"],
                Some("secret")
            ),
            [
                "url: it must begin with http:// or https://",
                "description: one line of at most 500 characters, not 3",
                r#"events: "no good" is no type; write it like call.ended"#,
                "secret: the secret does not begin with whsec_; copy it whole",
            ]
        );
        let long = format!("https://x.example/{}", "a".repeat(2048));
        for (url, wanted) in [
            (
                "example.org",
                "url: relative URL without a base; write it like https://example.org/hook",
            ),
            (
                "https://me:hunter2@x.example/",
                "url: it must not hold a user name or password; deliveries are signed instead",
            ),
            ("https://x.example/#a", "url: it must not have a fragment (#)"),
            (&long, "url: it must be at most 2048 bytes long"),
        ] {
            assert_eq!(faults(url, "", &["*"], None), [wanted], "{url}");
        }
        assert_eq!(
            faults("http://x.example", "", &["*", "a"], None),
            ["events: * means all, so it stands alone"]
        );
        assert_eq!(
            faults("http://x.example", "", &[], None),
            ["events: give * for all, or 1 to 100 types, not 0"]
        );
    }

    #[test]
    fn an_endpoint_is_read_as_it_is_kept() {
        let mut kept = endpoint();
        kept.events = Events::Only(["call.ended".to_owned()].into());
        kept.previous = Some(Previous {
            secret: Secret::generate(&[2; 32]),
            until: kept.created,
        });
        kept.disabled = Some(Disabled {
            why: "gone".to_owned(),
            at: kept.created,
        });
        for endpoint in [endpoint(), kept] {
            let put = endpoint.put();
            assert_eq!(put.expect, Expect::Absent);
            let record = Record {
                id: put.id,
                version: 1,
                updated_ms: 0,
                body: put.body.unwrap(),
            };
            let read = Endpoint::read(&record).unwrap();
            assert_eq!(read.put().expect, Expect::Version(1));
            assert_eq!(Endpoint { version: 0, ..read }, endpoint);
        }
    }

    #[test]
    fn the_previous_secret_signs_until_its_time() {
        let mut endpoint = endpoint();
        let until: UtcTime = "2026-11-22T09:30:00Z".parse().unwrap();
        let (old, new) = (endpoint.secret.clone(), Secret::generate(&[2; 32]));
        endpoint.previous = Some(Previous {
            secret: old.clone(),
            until,
        });
        endpoint.secret = new.clone();
        assert_eq!(endpoint.secrets(endpoint.created), [new.clone(), old]);
        assert_eq!(endpoint.secrets(until), [new]);
    }

    #[test]
    fn debug_shows_neither_secrets_nor_the_path() {
        let text = format!("{:?} {:?}", endpoint(), Secret::generate(&[1; 32]));
        assert!(text.contains("https://x.example"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("whsec_"), "{text}");
    }

    #[test]
    fn ids_are_checked() {
        for wrong in [
            "",
            "ep_",
            "ep_a.b",
            "ep-1",
            "EP_1",
            &format!("ep_{}", "a".repeat(65)),
        ] {
            assert!(wrong.parse::<EndpointId>().is_err(), "{wrong}");
        }
        assert_eq!("ep_1".parse::<EndpointId>().unwrap().to_string(), "ep_1");
        assert!(!"ep_1".parse::<EndpointId>().unwrap().is_whole());
        assert!(EndpointId::from_uuid(uuid::Uuid::nil()).is_whole());
    }
}
