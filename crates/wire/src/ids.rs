//! Typed ids: a call's id can't be taken for a prompt's. All are visible ASCII or Unicode text without control
//! characters, 1 to 128 bytes long; a session's is a UUID, a conversation's printable ASCII.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr, sync::Arc};

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text is longer than 128 bytes.
    #[error("must be at most 128 bytes long, not {0}")]
    TooLong(usize),
    /// The text has a control character.
    #[error("must not contain control characters")]
    Control,
    /// The text has a character that can't stand in an address as it is; holds the first one.
    #[error("must be printable ASCII without blanks and / ? # %, so {0:?} can't be in it")]
    NotPlain(char),
    /// The text is a step in a path, `.` or `..`.
    #[error("must not be {0:?}, which is a step in an address")]
    Step(String),
    /// The text is not a UUID; holds its beginning.
    #[error("must be a UUID such as 0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b, not {0:?}")]
    NotUuid(String),
}

fn free(text: &str) -> Result<Arc<str>, IdError> {
    check(text).map(|()| text.into())
}

/// The one spelling of a UUID, so that it is not two ids: with hyphens (RFC 9562, 4) and in lower case.
fn uuid(text: &str) -> Result<Arc<str>, IdError> {
    let refused = || IdError::NotUuid(crate::fault::shorten(text));
    // Other spellings, which the parser knows, have other lengths.
    let id = uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    Ok(id.ok_or_else(refused)?.to_string().into())
}

/// Text that stands in an address as it is.
fn plain(text: &str) -> Result<Arc<str>, IdError> {
    check(text)?;
    let is_plain = |sign: char| sign.is_ascii_graphic() && !matches!(sign, '/' | '?' | '#' | '%');
    match text.chars().find(|sign| !is_plain(*sign)) {
        Some(sign) => Err(IdError::NotPlain(sign)),
        None if matches!(text, "." | "..") => Err(IdError::Step(text.to_owned())),
        None => Ok(text.into()),
    }
}

fn check(text: &str) -> Result<(), IdError> {
    match text {
        "" => Err(IdError::Empty),
        _ if text.len() > 128 => Err(IdError::TooLong(text.len())),
        _ if text.chars().any(char::is_control) => Err(IdError::Control),
        _ => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        id!($(#[$doc])* $name is free);
    };
    ($(#[$doc:meta])* $name:ident is $read:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                $read(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

id!(
    /// A call, which is also its `callControlId`.
    CallId
);
id!(
    /// A controller's own name for a command; echoed in the events the command causes.
    CommandId
);
id!(
    /// The id of a request in logs and audit, `X-Correlation-Id`.
    CorrelationId
);
id!(
    /// A customer in somebody's CRM; the key of a profile.
    ExternalId
);
id!(
    /// A prompt in the center's library.
    PromptId
);
id!(
    /// A team of agents.
    TeamName
);
id!(
    /// An OAuth client.
    ClientId
);
id!(
    /// Where a call is transferred to, such as `ext:support` or `+15550100`.
    TransferTarget
);
id!(
    /// A telephone number or address as the network shows it (ANI, DNIS).
    PhoneNumber
);
id!(
    /// An `Idempotency-Key`.
    IdempotencyKey
);
id!(
    /// An interaction of a customer with the contact centre: a call, a chat.
    InteractionId
);
id!(
    /// A conversation, which its client names: printable ASCII that stands in an address as it is.
    ConversationId is plain
);
id!(
    /// Who takes part in a conversation: the customer, a bot, an agent.
    ParticipantId
);
id!(
    /// An agent.
    AgentId
);
id!(
    /// A follow-up task.
    TaskId
);
id!(
    /// A notification to an agent.
    NotificationId
);

id!(
    /// An uploaded audio file.
    AssetId
);
id!(
    /// A compilation of prompts on the platform.
    CompileId
);
id!(
    /// The name that its sender gave to a compilation.
    JobId
);
id!(
    /// A flow: a program of the platform for calls.
    FlowId
);
id!(
    /// A node of a flow, which plays a prompt.
    NodeId
);
id!(
    /// A playback session, which its client names: a UUID, in lower case.
    SessionId is uuid
);

impl SessionId {
    /// An id for a new session.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl CallId {
    /// An id for a new call, from 128 random or time-ordered bits.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("call-{id}").into())
    }
}

impl InteractionId {
    /// An id for a new interaction, from 128 random or time-ordered bits.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("int-{id}").into())
    }
}

impl ConversationId {
    /// An id for a new conversation, from 128 random or time-ordered bits.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("conv-{id}").into())
    }
}

impl CommandId {
    /// A controller's own numbering: `play-7`.
    pub fn numbered(kind: &'static str, number: u64) -> Self {
        Self(format!("{kind}-{number}").into())
    }
}

impl CorrelationId {
    /// An id for a request that brought none.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl AssetId {
    /// An id for a new asset, from 128 random bits: clients make node ids from its first 8 characters.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl CompileId {
    /// An id for a new compilation.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("comp_{}", id.simple()).into())
    }
}

impl JobId {
    /// A name for a new compilation.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl TaskId {
    /// An id for a new task.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("task-{id}").into())
    }
}

impl NotificationId {
    /// An id for a new notification.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(format!("ntf-{id}").into())
    }
}

impl IdempotencyKey {
    /// A key made from parts that name the work for ever, so that its repeats carry the same one: SHA-256 over the parts, each
    /// after its length so that no two keys run together, as 32 hexadecimal digits.
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digits: String = hash.finalize()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self(digits.into())
    }

    /// A key for a new request; its repeats carry the same one.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(id.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_parts_do_not_run_together() {
        let key = |parts: &[&str]| IdempotencyKey::of_parts(parts);
        assert_eq!(key(&["a", "bc"]), key(&["a", "bc"]));
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_eq!(key(&["a"]).as_str().len(), 32);
    }

    #[test]
    fn ids_are_checked_at_the_door() {
        assert_eq!("".parse::<CallId>(), Err(IdError::Empty));
        assert_eq!("a".repeat(129).parse::<CallId>(), Err(IdError::TooLong(129)));
        assert_eq!("a\nb".parse::<CallId>(), Err(IdError::Control));
        assert_eq!("a".repeat(128).parse::<CallId>().unwrap().as_str().len(), 128);
        assert!(serde_json::from_str::<PromptId>("\"\"").is_err());
    }

    #[test]
    fn a_conversation_stands_in_an_address_as_it_is() {
        let read = |text: &str| text.parse::<ConversationId>().map(|id| id.to_string());
        for good in ["c", "conv-1", "!~", "a.b", "...", &"x".repeat(128)] {
            assert_eq!(read(good), Ok(good.to_owned()));
        }
        for sign in ['/', '?', '#', '%', ' ', 'é', '🦀'] {
            assert_eq!(read(&format!("a{sign}b")), Err(IdError::NotPlain(sign)));
        }
        assert_eq!(read("a\tb"), Err(IdError::Control));
        assert_eq!(read(""), Err(IdError::Empty));
        assert_eq!(read(&"x".repeat(129)), Err(IdError::TooLong(129)));
        assert_eq!(read("."), Err(IdError::Step(".".into())));
        assert_eq!(read(".."), Err(IdError::Step("..".into())));
        assert_eq!("é".parse::<ParticipantId>().unwrap().as_str(), "é");
    }

    #[test]
    fn a_session_has_one_spelling_of_a_uuid() {
        let text = "0B8F3C1E-7a52-4d0f-9c3b-2f6a1e5d4c7b";
        let id: SessionId = text.parse().unwrap();
        assert_eq!(id.as_str(), text.to_lowercase());
        assert_eq!(
            serde_json::from_str::<SessionId>(&format!("{text:?}")).unwrap(),
            id
        );
        assert_eq!(SessionId::from_uuid(uuid::Uuid::try_parse(text).unwrap()), id);
        for wrong in [
            "",
            "session-1",
            "0b8f3c1e7a524d0f9c3b2f6a1e5d4c7b",
            "{0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b}",
            "urn:uuid:0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b",
            "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7",
            "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7bb",
            "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7g",
            "0b8f3c1e7-a52-4d0f-9c3b-2f6a1e5d4c7b",
            " 0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b",
        ] {
            let refused = wrong.parse::<SessionId>();
            assert!(matches!(refused, Err(IdError::NotUuid(_))), "{wrong}");
        }
    }
}
