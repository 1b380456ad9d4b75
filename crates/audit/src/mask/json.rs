//! Card numbers, codes and secrets in JSON.

use super::{cards, names, personal, text};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// What stands for a secret, whatever it was and however long.
const SECRET: &str = "***";

/// Members that say what another member of their object holds, and that other member:
/// `{"fieldName": "cvv", "value": "123"}`.
const LABELS: [&str; 5] = ["fieldName", "field", "name", "key", "label"];
const LABELLED: &str = "value";

/// Masks all strings like [`text`], whole numbers that are card numbers, and secrets.
///
/// - A member whose name is a secret (`cvv`, `pin`, `password`, `access_token`, `Authorization`...) becomes `"***"`.
/// - A member whose name is an identifier (`id`, `callId`, `call_id`, `correlationId`...) is left alone, even if it looks
///   like a card number: it names something on the platform and must stay equal to it.
pub fn json(value: &mut Value) {
    mask_value(value, text);
}

/// The same, with all strings masked like [`personal`].
pub fn personal_json(value: &mut Value) {
    mask_value(value, personal);
}

/// How strings are masked.
type Mask = for<'a> fn(&'a str) -> Cow<'a, str>;

fn mask_value(value: &mut Value, mask: Mask) {
    match value {
        Value::String(string) => mask_string(string, mask),
        Value::Number(number) => {
            if let Some(masked) = mask_number(number) {
                *value = Value::String(masked);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_value(item, mask)),
        Value::Object(members) => mask_members(members, mask),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The text of a member: what [`json`] makes of it under that name.
pub fn member<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match name {
        name if names::is_secret(name) => Cow::Borrowed(SECRET),
        name if names::is_identifier(name) => Cow::Borrowed(value),
        _ => text(value),
    }
}

fn mask_string(string: &mut String, mask: Mask) {
    if let Cow::Owned(masked) = mask(string) {
        *string = masked;
    }
}

/// A number that is a card number, masked; also one that was written like `4.1e15`.
fn mask_number(number: &Number) -> Option<String> {
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        (1e12..1e19).contains(&float).then_some(float as u64)
    })?;
    cards::only(&whole.to_string())
}

fn mask_members(members: &mut Map<String, Value>, mask: Mask) {
    let label = LABELS.iter().find_map(|label| members.get(*label)?.as_str());
    let labelled_secret = label.is_some_and(names::is_secret);
    for (name, value) in members.iter_mut() {
        if names::is_secret(name) || (labelled_secret && name == LABELLED) {
            *value = Value::from(SECRET);
        } else if names::is_identifier(name) {
            mask_inside_identifier(value, mask);
        } else {
            mask_value(value, mask);
        }
    }
    if members.keys().any(|name| matches!(mask(name), Cow::Owned(_))) {
        let renamed = std::mem::take(members).into_iter();
        *members = renamed
            .map(|(name, value)| (mask(&name).into_owned(), value))
            .collect();
    }
}

/// Ids stay; what else hangs there is masked.
fn mask_inside_identifier(value: &mut Value, mask: Mask) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| mask_inside_identifier(item, mask)),
        Value::Object(members) => mask_members(members, mask),
        _ => {}
    }
}
