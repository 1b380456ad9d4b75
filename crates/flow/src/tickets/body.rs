//! JSON with places in its texts.

use super::{facts::Facts, text::Text};
use serde_json::{Map, Value};

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A text; one that is nothing but a place becomes the value there.
    Text(Text),
    /// A number or a truth value.
    Fixed(Value),
    /// A list.
    List(Vec<Body>),
    /// An object.
    Object(Vec<(String, Body)>),
}

impl Body {
    /// The body with what is known put in.
    pub(super) fn fill(&self, facts: &Facts<'_>) -> Value {
        match self {
            Self::Text(text) => text.value(facts),
            Self::Fixed(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.fill(facts)).collect(),
            Self::Object(members) => {
                let filled = members
                    .iter()
                    .map(|(name, body)| (name.clone(), body.fill(facts)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
        }
    }

    /// Whether a place in it begins like this.
    pub(super) fn uses(&self, wanted: &str) -> bool {
        match self {
            Self::Text(text) => text.uses(wanted),
            Self::Fixed(_) => false,
            Self::List(items) => items.iter().any(|item| item.uses(wanted)),
            Self::Object(members) => members.iter().any(|(_, body)| body.uses(wanted)),
        }
    }
}
