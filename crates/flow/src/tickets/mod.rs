//! Templates for ticketing systems: how a conversation becomes a ticket there, and what is said a comment.
//!
//! A template is a file that says which requests find, create, comment and move a ticket, with places like `{conversation.id}` for what
//! is known. `docs/sync.md` has it field by field; `demo/sync` has one for an API like Zendesk's and one like Jira's.
//!
//! ```
//! use flow::tickets::{Facts, parse};
//! use serde_json::json;
//!
//! let template = parse(r#"
//!     [find]
//!     path = "/tickets?external={conversation.id}"
//!     id = "/tickets/0/id"
//!     [create]
//!     path = "/tickets"
//!     id = "/id"
//!     body = { external = "{conversation.id}", subject = "Chat with {customer.profile.firstName}" }
//! "#).unwrap();
//! let conversation = json!({"id": "conv 1", "participants": [
//!     {"id": "u", "direction": "inbound", "profile": {"firstName": "Ann"}}]});
//! let facts = Facts::of(&conversation);
//! assert_eq!(template.find.call.path(&facts), "/tickets?external=conv%201");
//! let body = template.create.call.body(&facts).unwrap();
//! assert_eq!(body, json!({"external": "conv 1", "subject": "Chat with Ann"}));
//! assert_eq!(template.create.id.of(&json!({"id": 77})), Some("77".to_owned()));
//! ```

mod body;
mod facts;
mod parse;
mod text;

pub use body::Body;
pub use facts::{Facts, mark};
pub use parse::{MAX_FILE_BYTES, parse};
pub use text::Text;

use serde_json::Value;
use std::{collections::BTreeMap, fmt, str::FromStr};
use wire::conversation::State;

/// How tickets are made in one ticketing system.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// How the system knows us.
    pub sign_in: SignIn,
    /// The ticket of a conversation.
    pub find: Lookup,
    /// A new ticket for a conversation.
    pub create: Lookup,
    /// The comments that a ticket has; without it, nothing is known of those of an earlier try.
    pub comments: Option<Listing>,
    /// A comment for an interaction.
    pub comment: Option<Call>,
    /// Moves the ticket to the status of the conversation's state.
    pub status: Option<Call>,
    /// What the system calls the states. One that is not here moves nothing.
    pub states: BTreeMap<State, String>,
}

/// The environment variables that hold what the system knows us by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SignIn {
    /// None.
    #[default]
    Nobody,
    /// A bearer token.
    Bearer(String),
    /// A user and a password (HTTP Basic).
    Basic {
        /// The user's variable.
        user: String,
        /// The password's.
        password: String,
    },
}

impl Template {
    /// What tells it from a template for other tickets: where it looks for them, and where it makes them. What tickets look like may be
    /// changed without it.
    pub fn identity(&self) -> String {
        let place = |lookup: &Lookup| format!("{} {}", lookup.call.method, lookup.call.path);
        format!("{}\n{}", place(&self.find), place(&self.create))
    }
}

/// A request that leads to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The request.
    pub call: Call,
    /// Where in the answer the ticket's id is.
    pub id: Pointer,
}

/// A request that lists comments.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The request.
    pub call: Call,
    /// Where in the answer the list is.
    pub list: Pointer,
    /// Where in an item of it the text is.
    pub text: Pointer,
    /// Where in the answer the address of the next page is.
    pub next: Option<Pointer>,
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// How.
    pub method: Method,
    pub(crate) path: Text,
    pub(crate) body: Option<Body>,
}

impl Call {
    /// The path with its query, from the `/` on. What is put in is percent-encoded.
    pub fn path(&self, facts: &Facts<'_>) -> String {
        self.path.fill(facts, text::percent_encoded)
    }

    /// The body.
    pub fn body(&self, facts: &Facts<'_>) -> Option<Value> {
        self.body.as_ref().map(|body| body.fill(facts))
    }
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It reads.
    Get,
    /// It makes something new.
    Post,
    /// It changes what is there.
    Put,
    /// It changes a part of what is there.
    Patch,
}

impl FromStr for Method {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "GET" => Ok(Self::Get),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            _ => Err("must be one of GET, POST, PUT, PATCH"),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        })
    }
}

/// A place in JSON (RFC 6901), such as `/tickets/0/id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// What is there.
    pub fn find<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        answer.pointer(&self.0)
    }

    /// The text or number there, as text; an empty text is none.
    pub fn of(&self, answer: &Value) -> Option<String> {
        match self.find(answer)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl FromStr for Pointer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.is_empty() || text.starts_with('/') {
            true => Ok(Self(text.to_owned())),
            false => Err("must be a place in the answer, such as /tickets/0/id"),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
