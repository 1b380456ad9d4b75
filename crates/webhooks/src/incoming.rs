//! Webhooks in: is it genuine, is it bounded, is it an object, and which event is it?

use crate::{
    outgoing::hex,
    secret::Secret,
    signature::{self, SignatureError, verify},
};
use audit::mask;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, time::Duration};
use wire::{Faults, UtcTime, fault, ids::CorrelationId};

/// The largest body that is taken, in bytes; whoever reads it from the network stops there.
pub const LARGEST_INCOMING: usize = 1024 * 1024;
/// How deep a body's objects and lists may be nested.
pub const DEEPEST: usize = 64;
/// The longest id of an event, in bytes.
const LONGEST_ID: usize = 128;

/// The longest name of a source, in bytes.
const LONGEST_NAME: usize = 64;

/// Somebody who sends webhooks.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name: events are unique by it and their id.
    pub name: String,
    /// What it signs with; without any, signatures are not checked.
    pub secrets: Vec<Secret>,
    /// How far its clock may be from ours; [`signature::TOLERANCE`] is usual.
    pub tolerance: Duration,
}

impl Source {
    /// Checks a source as a configuration has it; all faults at once. No secret is quoted.
    pub fn parse(name: &str, secrets: &[String], tolerance: Duration) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.chars().all(plain) {
            faults.push(format!(
                "name must be 1 to {LONGEST_NAME} letters, digits, hyphens, underscores or dots, not {:?}",
                fault::shorten(name)
            ));
        }
        let secrets = secrets.iter().enumerate().filter_map(|(at, secret)| {
            let secret = secret.parse::<Secret>();
            faults.keep(secret.map_err(|wrong| format!("secrets[{at}]: {wrong}")))
        });
        let secrets = secrets.collect();
        faults.finish(Some(Self {
            name: name.to_owned(),
            secrets,
            tolerance,
        }))
    }
}

/// An event that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The header `webhook-id`, or the body's `eventId` or `id`, or `sha256:` and the hash of [`Incoming::text`]: the same
    /// for a repeat.
    pub event_id: String,
    /// The body's members, with card numbers, codes and secrets masked ([`audit::mask`]).
    pub body: Map<String, Value>,
    /// The header `X-Correlation-Id`.
    pub correlation: Option<CorrelationId>,
    text: String,
}

impl Incoming {
    /// The body as JSON text: as it was sent, numbers to the last digit, unless something in it had to be masked.
    pub fn text(&self) -> String {
        self.text.clone()
    }
}

/// Why a request is refused. The text is for the sender; for a signature it does not say what is wrong, the source does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not genuine.
    #[error("the signature is missing or not valid")]
    Unauthorised(#[source] SignatureError),
    /// It is too large.
    #[error("the body has {0} bytes, of {LARGEST_INCOMING} at most")]
    TooLarge(usize),
    /// It is not what it should be.
    #[error("{0}")]
    Malformed(Faults),
}

impl Refused {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorised(_) => StatusCode::UNAUTHORIZED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Takes a request in, or says why not. Whatever the content type says, the body is read as JSON; a form with a single value
/// that is JSON will do too.
///
/// ```
/// use http::HeaderMap;
/// use webhooks::{Source, TOLERANCE, receive};
///
/// let source = Source { name: "forms".into(), secrets: Vec::new(), tolerance: TOLERANCE };
/// let now = "2026-11-21T09:30:00Z".parse()?;
/// let incoming = receive(&source, &HeaderMap::new(), br#"{"eventId":"e-1","agentId":"agent-1"}"#, now)?;
/// assert_eq!(incoming.event_id, "e-1");
/// let refused = receive(&source, &HeaderMap::new(), b"[1]", now).unwrap_err();
/// assert_eq!((refused.status().as_u16(), refused.to_string()),
///     (400, "the body must be a JSON object, not a list".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn receive(source: &Source, headers: &HeaderMap, body: &[u8], now: UtcTime) -> Result<Incoming, Refused> {
    // Before the signature: hashing is work too.
    if body.len() > LARGEST_INCOMING {
        return Err(Refused::TooLarge(body.len()));
    }
    if !source.secrets.is_empty() {
        verify(headers, body, &source.secrets, now, source.tolerance).map_err(Refused::Unauthorised)?;
    }
    let mut faults = Faults::new();
    let kept = parse(body, &mut faults).map(|(members, text)| masked(members, &text));
    let event_id = event_id(headers, kept.as_ref(), &mut faults);
    let correlation = headers
        .get("x-correlation-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse().ok());
    let incoming = kept.map(|Kept { body, text }| Incoming {
        event_id,
        body,
        correlation,
        text,
    });
    faults.finish(incoming).map_err(Refused::Malformed)
}

/// What is kept of a body.
struct Kept {
    body: Map<String, Value>,
    text: String,
}

fn masked(members: Map<String, Value>, text: &str) -> Kept {
    let sent = Value::Object(members);
    let mut value = sent.clone();
    mask::json(&mut value);
    // What the text has and the value has not was not looked at: the first of two members of one name, and digits that a
    // number lost.
    let is_as_sent = value == sent
        && members_in(text) == members_of(&sent)
        && matches!(mask::text(text), Cow::Borrowed(_));
    let text = if is_as_sent {
        text.to_owned()
    } else {
        value.to_string()
    };
    let body = match value {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Kept { body, text }
}

/// How many members the objects of a JSON text have: as many as it has colons outside of strings.
fn members_in(text: &str) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// How many members the objects in a value have. The parser stops at 128 levels, so the recursion is bounded.
fn members_of(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(members_of).sum(),
        Value::Object(members) => members.len() + members.values().map(members_of).sum::<usize>(),
        _ => 0,
    }
}

/// The members of the object, and the JSON text without what it was wrapped in.
fn parse(body: &[u8], faults: &mut Faults) -> Option<(Map<String, Value>, String)> {
    let text = faults.keep(std::str::from_utf8(body).map_err(|_| "the body is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = serde_json::from_str(text)
        .map(|value| (value, text.trim().to_owned()))
        .or_else(|error| in_a_form(text).ok_or(error));
    let (value, text) = faults.keep(value.map_err(|error| format!("the body is not JSON: {error}")))?;
    if is_deeper(&value, DEEPEST) {
        faults.push(format!("the body is nested more than {DEEPEST} deep"));
    }
    match value {
        Value::Object(members) => Some((members, text)),
        other => {
            faults.push(format!(
                "the body must be a JSON object, not {}",
                fault::kind(&other)
            ));
            None
        }
    }
}

/// The JSON that is the only value of a form, or its only name: what is left of a JSON body that was sent as a form.
fn in_a_form(text: &str) -> Option<(Value, String)> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    let (name, value) = pairs.next()?;
    if pairs.next().is_some() {
        return None;
    }
    let json = if value.is_empty() { name } else { value };
    let value = serde_json::from_str(&json).ok()?;
    Some((value, json.trim().to_owned()))
}

/// Whether a value is nested deeper than this. The parser stops at 128, so the recursion is bounded.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let inner = |value: &Value| levels == 0 || is_deeper(value, levels - 1);
    match value {
        Value::Array(values) => levels == 0 || values.iter().any(inner),
        Value::Object(members) => levels == 0 || members.values().any(inner),
        _ => false,
    }
}

/// The event's id; the empty text when there are faults.
fn event_id(headers: &HeaderMap, kept: Option<&Kept>, faults: &mut Faults) -> String {
    if let Some(value) = headers.get(signature::ID) {
        let id = value
            .to_str()
            .map_err(|_| "is not ASCII".to_owned())
            .and_then(checked_id);
        let id = id.map_err(|wrong| format!("the header webhook-id {wrong}"));
        return faults.keep(id).unwrap_or_default();
    }
    let named = ["eventId", "id"].into_iter().find_map(|name| {
        let value = kept?.body.get(name).filter(|value| !value.is_null())?;
        Some((name, value))
    });
    let Some((name, value)) = named else {
        // Of what is kept: the hash of a card number that was masked could be tried out.
        let text = kept.map_or("", |kept| &kept.text);
        return format!("sha256:{}", hex(&Sha256::digest(text)));
    };
    let id = match value {
        Value::String(text) => checked_id(text),
        Value::Number(number) => checked_id(&number.to_string()),
        other => Err(format!("must be a text or a number, not {}", fault::kind(other))),
    };
    faults
        .keep(id.map_err(|wrong| format!("{name} {wrong}")))
        .unwrap_or_default()
}

fn checked_id(text: &str) -> Result<String, String> {
    let fits = (1..=LONGEST_ID).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("must be 1 to {LONGEST_ID} bytes long, without control characters"))
}

#[cfg(test)]
mod tests;
