//! Changing a conversation: `PUT /api/v2/conversations/{id}`, on condition or without.

use super::{Context, State};
use crate::{
    Faults,
    fault::{self, Object},
};
use serde::Serialize;

/// What is to change; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ConversationChange {
    /// The new state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The new context, which replaces the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

type ReadContext = fn(&Object<'_>, &str, &mut Faults) -> Option<Context>;

impl ConversationChange {
    /// A change of the state.
    pub fn to(state: State) -> Self {
        Self {
            state: Some(state),
            context: None,
        }
    }

    /// Reads the request body; all faults at once.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        Self::parse_with(text, Context::read)
    }

    /// The same, but for the size of the context: what a bot says of itself in the one that was shown does not count, and only who has
    /// the conversation knows what that is. Check the size of the rest with [`Context::check_size`].
    pub fn parse_as_shown(text: &str) -> Result<Self, Faults> {
        let read = Self::parse_with(text, Context::read_of_any_size);
        // All faults at once, also the size.
        read.map_err(|faults| Self::parse(text).err().unwrap_or(faults))
    }

    fn parse_with(text: &str, context: ReadContext) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(text, &mut faults);
        let read = value.and_then(|value| {
            let body = Object::top(&value, &mut faults)?;
            Some(Self::read(&body, text, context, &mut faults))
        });
        faults.finish(read)
    }

    fn read(body: &Object<'_>, text: &str, context: ReadContext, faults: &mut Faults) -> Self {
        if !body.has("state") && !body.has("context") {
            faults.push("there is nothing to change; give state or context");
        }
        let has_context = body.has("context");
        Self {
            state: body.optional_parsed("state", faults),
            context: has_context.then(|| context(body, text, faults)).flatten(),
        }
    }

    /// What the other side would find wrong with it.
    pub fn check(&self) -> Result<(), Faults> {
        Self::parse(&serde_json::to_string(self).unwrap_or_default()).map(drop)
    }
}

/// The `ETag` of a version of a conversation.
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The condition of a change, the header `If-Match` (RFC 9110, 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// It is there: `*`.
    Any,
    /// It has one of these versions.
    Versions(Vec<u64>),
}

/// A header `If-Match` that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("If-Match must be * or a list of entity tags such as \"7\", not {0:?}")]
pub struct BadIfMatch(String);

impl IfMatch {
    /// Reads the header. A tag that is no version, and a weak one, which never match, are left out.
    pub fn parse(header: &str) -> Result<Self, BadIfMatch> {
        if header.trim() == "*" {
            return Ok(Self::Any);
        }
        let refused = || BadIfMatch(fault::shorten(header));
        let mut versions = Vec::new();
        for tag in header.split(',').map(str::trim) {
            let (weak, tag) = tag.strip_prefix("W/").map_or((false, tag), |tag| (true, tag));
            let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            let inner = inner.filter(|inner| !inner.contains('"')).ok_or_else(refused)?;
            versions.extend(inner.parse::<u64>().ok().filter(|_| !weak));
        }
        Ok(Self::Versions(versions))
    }

    /// Whether the condition holds for a conversation with this version.
    pub fn holds(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_is_written() {
        for text in [
            r#"{"state":"closed"}"#,
            r#"{"context":{"botSession":{"z":1,"a":2},"n":3}}"#,
            r#"{"state":"active","context":{}}"#,
        ] {
            let change = ConversationChange::parse(text).unwrap();
            assert_eq!(serde_json::to_string(&change).unwrap(), text);
            assert_eq!(change.check(), Ok(()));
        }
        assert_eq!(
            ConversationChange::to(State::Ended),
            ConversationChange::parse(r#"{"state":"ended"}"#).unwrap()
        );
    }

    #[test]
    fn a_change_that_changes_nothing_or_too_much_is_none() {
        let faults = |text: &str| ConversationChange::parse(text).unwrap_err().into_vec();
        assert_eq!(
            faults(r#"{"id":"x"}"#),
            ["there is nothing to change; give state or context"]
        );
        let large = format!(r#"{{"state":"open","context":{{"n":"{}"}}}}"#, "x".repeat(65_529));
        assert_eq!(
            faults(&large),
            [
                "state must be one of queued, pending, active, closed, ended, not \"open\"",
                "context has 65537 bytes of JSON, at most 65536 are taken; prune old keys of its botSession",
            ]
        );
        let shown = |text: &str| ConversationChange::parse_as_shown(text).map_err(Faults::into_vec);
        assert_eq!(shown(&large), Err(faults(&large)));
        let large = large.replace("open", "active");
        assert_eq!(shown(&large).unwrap().context.unwrap().size_bytes(), 65_537);
        assert_eq!(faults("7"), ["the body must be a JSON object, not the number 7"]);
        assert_eq!(faults("{").len(), 1);
    }

    #[test]
    fn a_condition_holds_for_its_versions() {
        let holds = |header: &str| IfMatch::parse(header).map(|condition| condition.holds(7));
        assert_eq!(holds(&etag(7)), Ok(true));
        assert_eq!(holds("\"6\", \"7\""), Ok(true));
        assert_eq!(holds(" * "), Ok(true));
        assert_eq!(holds("\"8\""), Ok(false));
        assert_eq!(holds("W/\"7\""), Ok(false), "the strong comparison is asked for");
        assert_eq!(holds("\"x\""), Ok(false));
        for wrong in ["", "7", "\"7", "\"7\",", "\"a\"b\""] {
            assert!(IfMatch::parse(wrong).is_err(), "{wrong}");
        }
    }
}
