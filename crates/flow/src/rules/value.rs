//! What a form or a completion says, as the kind of value that a field is. What is something else is told as what it is.

use super::{
    judge::Case,
    model::{Field, Kind, Source},
};
use crate::condition::MAX_FIELD_BYTES;
use serde_json::{Number, Value};
use wire::fault;

/// The value of a field; null when it is optional and was not given.
pub(super) fn read(field: &Field, case: &Case<'_>) -> Result<Value, String> {
    let (said, name) = match &field.source {
        Source::Form(name) => {
            let said = case.form.value(name);
            (
                said.map_err(|contradiction| format!("{name} {contradiction}"))?,
                name,
            )
        }
        Source::Event(name) => (case.event.get(name), name),
    };
    let place = match &field.source {
        Source::Form(_) => "the form",
        Source::Event(_) => "the completion",
    };
    let empty = |text: &str| text.trim().is_empty() && !matches!(field.kind, Kind::Text { values: None });
    match said {
        None | Some(Value::Null) if field.optional => Ok(Value::Null),
        Some(Value::String(text)) if field.optional && empty(text) => Ok(Value::Null),
        None => Err(format!("{name} is missing in {place}")),
        Some(said) => match &field.kind {
            Kind::Number { least, most } => number(said, *least, *most),
            Kind::Text { values } => text(said, values.as_deref()),
            Kind::Truth => truth(said),
        }
        .map_err(|problem| format!("{name} is {}, {problem}", kind(said))),
    }
}

fn number(said: &Value, least: Option<f64>, most: Option<f64>) -> Result<Value, String> {
    let number = match said {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => return Err("where a number is needed".into()),
        Value::String(text) if is_decimal(text.trim()) => text.trim().parse().ok(),
        _ => return Err("which is no number; write it like 4.5".into()),
    };
    let number = number.filter(|number: &f64| number.is_finite());
    let number = number.ok_or("which is too large to reckon with")?;
    if let Some(least) = least.filter(|least| number < *least) {
        return Err(format!("which is less than {}", show(least)));
    }
    if let Some(most) = most.filter(|most| number > *most) {
        return Err(format!("which is more than {}", show(most)));
    }
    Ok(json(number))
}

fn text(said: &Value, values: Option<&[String]>) -> Result<Value, String> {
    let Value::String(text) = said else {
        return Err("which is no text".into());
    };
    match values {
        None if text.len() > MAX_FIELD_BYTES => Err(format!(
            "which is over {MAX_FIELD_BYTES} bytes long; have less sent"
        )),
        None => Ok(Value::from(text.as_str())),
        Some(values) => match values.iter().find(|value| *value == text.trim()) {
            Some(value) => Ok(Value::from(value.as_str())),
            None => Err(format!("which is none of {}", values.join(", "))),
        },
    }
}

fn truth(said: &Value) -> Result<Value, String> {
    match said {
        Value::Bool(truth) => Ok(Value::Bool(*truth)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err("which is neither true nor false".into()),
    }
}

/// Sign, digits, point and digits, exponent: what everybody reads as the same number.
fn is_decimal(text: &str) -> bool {
    fn digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let text = unsigned(text);
    let Some(mut rest) = digits(&text) else {
        return false;
    };
    if let Some(fraction) = rest.strip_prefix('.') {
        match digits(fraction) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    match rest.strip_prefix(['e', 'E']) {
        Some(exponent) => digits(&unsigned(exponent)) == Some(""),
        None => rest.is_empty(),
    }
}

/// A number as JSON: whole ones without a point.
pub(super) fn json(number: f64) -> Value {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= MAX_EXACT {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

pub(super) fn show(number: f64) -> String {
    json(number).to_string()
}

/// What was said, for a sentence that begins with "... is".
fn kind(said: &Value) -> String {
    match said {
        Value::String(text) if text.trim().is_empty() => "empty".into(),
        Value::Bool(truth) => truth.to_string(),
        said => fault::kind(said),
    }
}
