//! What conditions look at, bounded.

use super::ENV;
use cel::{
    Context, Value,
    objects::{Key, Map},
};
use serde_json::Value as Json;
use std::{collections::HashMap, fmt, sync::Arc};
use wire::{
    ids::{ExternalId, PhoneNumber},
    profile::Profile,
};

/// Most items of a list or map in a profile.
pub const MAX_ITEMS: usize = 1000;
/// Longest text in a profile, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;
/// Deepest nesting of lists and maps in a profile.
pub const MAX_DEPTH: usize = 8;
/// Most values in a profile altogether.
pub const MAX_VALUES: usize = 10_000;

/// Longest text of a field, in bytes: the longest answer in a form.
pub const MAX_FIELD_BYTES: usize = wire::form::LONGEST_VALUE;

/// Why a profile or a field is no ground for conditions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each text says what it is")]
pub enum FactsError {
    #[error("the profile's {place} {problem}; have the CRM send less")]
    Profile { place: String, problem: String },
    #[error("{0} is over {MAX_FIELD_BYTES} bytes long; have less sent")]
    FieldTooLong(String),
    #[error("{0} is a list or an object; a field is a number, a text or a truth value")]
    FieldNotSimple(String),
}

/// What is known of a call before anybody looked the caller up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFacts {
    /// The caller's number.
    pub ani: PhoneNumber,
    /// The number that was called.
    pub dnis: PhoneNumber,
    /// The caller in the CRM, if the network or an earlier step told.
    pub external_id: Option<ExternalId>,
}

/// What conditions look at; made once per call or form.
pub struct Facts {
    pub(super) context: Context<'static, 'static>,
    known: bool,
}

impl Facts {
    /// The facts of a call whose caller is not known: `profile` is empty.
    pub fn unknown(call: &CallFacts) -> Self {
        Self::new(call, None)
    }

    /// The facts of a call whose caller was found.
    pub fn known(call: &CallFacts, profile: &Profile) -> Result<Self, FactsError> {
        let mut values = 0;
        let attributes = profile.attributes.iter().map(|(name, json)| {
            Ok((
                key(name),
                value(json, &format!("attribute `{}`", shorten(name)), 1, &mut values)?,
            ))
        });
        let attributes: HashMap<Key, Value> = attributes.collect::<Result<_, _>>()?;
        Ok(Self::new(call, Some(attributes)))
    }

    /// The facts of a form: fields by their names. Numbers are compared as they are; so that arithmetic means the same for
    /// 3 and 3.5, all of them are floating point. Absent fields are null.
    pub fn named<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Json)>) -> Result<Self, FactsError> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, json) in fields {
            let value = match json {
                Json::Null => Value::Null,
                Json::Bool(truth) => Value::Bool(*truth),
                Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
                Json::String(text) if text.len() <= MAX_FIELD_BYTES => Value::from(text.as_str()),
                Json::String(_) => return Err(FactsError::FieldTooLong(shorten(name))),
                Json::Array(_) | Json::Object(_) => return Err(FactsError::FieldNotSimple(shorten(name))),
            };
            context.add_variable_from_value(name, value);
        }
        Ok(Self {
            context,
            known: false,
        })
    }

    /// The facts of a conversation: names with any JSON. What is over the bounds is left out, as if it were not there.
    pub fn nested<'a>(named: impl IntoIterator<Item = (&'a str, &'a Json)>) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENV));
        let mut values = 0;
        for (name, json) in named {
            let value = within_bounds(json, 0, &mut values).unwrap_or(Value::Null);
            context.add_variable_from_value(name, value);
        }
        Self {
            context,
            known: false,
        }
    }

    fn new(call: &CallFacts, profile: Option<HashMap<Key, Value>>) -> Self {
        let known = profile.is_some();
        let mut numbers = HashMap::from([
            (key("ani"), Value::from(call.ani.as_str())),
            (key("dnis"), Value::from(call.dnis.as_str())),
        ]);
        numbers.extend(
            call.external_id
                .iter()
                .map(|id| (key("externalId"), Value::from(id.as_str()))),
        );
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.add_variable_from_value("profile", map(profile.unwrap_or_default()));
        context.add_variable_from_value("known", Value::Bool(known));
        context.add_variable_from_value("call", map(numbers));
        Self { context, known }
    }

    /// Whether the caller's profile is part of the facts.
    pub fn caller_is_known(&self) -> bool {
        self.known
    }
}

impl fmt::Debug for Facts {
    // A profile does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

fn value(json: &Json, place: &str, depth: usize, values: &mut usize) -> Result<Value, FactsError> {
    let too = |problem: String| {
        Err(FactsError::Profile {
            place: place.to_owned(),
            problem,
        })
    };
    *values += 1;
    match json {
        _ if *values > MAX_VALUES => too(format!("is one of more than {MAX_VALUES} values")),
        Json::Null => Ok(Value::Null),
        Json::Bool(truth) => Ok(Value::Bool(*truth)),
        Json::Number(number) => Ok(match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::Int(whole),
            (_, Some(large)) => Value::UInt(large),
            _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Json::String(text) if text.len() > MAX_TEXT_BYTES => {
            too(format!("is over {MAX_TEXT_BYTES} bytes long"))
        }
        Json::String(text) => Ok(Value::from(text.as_str())),
        Json::Array(_) | Json::Object(_) if depth > MAX_DEPTH => {
            too(format!("is nested over {MAX_DEPTH} deep"))
        }
        Json::Array(items) if items.len() > MAX_ITEMS => too(format!("has over {MAX_ITEMS} items")),
        Json::Object(fields) if fields.len() > MAX_ITEMS => too(format!("has over {MAX_ITEMS} fields")),
        Json::Array(items) => {
            let items = items.iter().map(|item| value(item, place, depth + 1, values));
            Ok(Value::List(Arc::new(items.collect::<Result<_, _>>()?)))
        }
        Json::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, item)| Ok((key(name), value(item, place, depth + 1, values)?)));
            Ok(map(fields.collect::<Result<_, _>>()?))
        }
    }
}

/// A value without the parts of it that are too large.
fn within_bounds(json: &Json, depth: usize, values: &mut usize) -> Option<Value> {
    if *values >= MAX_VALUES || depth > MAX_DEPTH {
        return None;
    }
    match json {
        Json::Array(items) => {
            *values += 1;
            let items = items.iter().take(MAX_ITEMS);
            let items = items.filter_map(|item| within_bounds(item, depth + 1, values));
            Some(Value::List(Arc::new(items.collect())))
        }
        Json::Object(fields) => {
            *values += 1;
            let fields = fields.iter().take(MAX_ITEMS);
            let fields =
                fields.filter_map(|(name, item)| Some((key(name), within_bounds(item, depth + 1, values)?)));
            Some(map(fields.collect()))
        }
        simple => value(simple, "", depth, values).ok(),
    }
}

fn map(fields: HashMap<Key, Value>) -> Value {
    Value::Map(Map {
        map: Arc::new(fields),
    })
}

fn key(name: &str) -> Key {
    Key::String(Arc::new(name.to_owned()))
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
