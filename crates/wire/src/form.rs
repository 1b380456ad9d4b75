//! What a customer answered after an interaction: `GET /api/v2/interactions/{id}/postinteractionforms` (contract section 7).

use crate::{Faults, fault::Object, ids::InteractionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Most responses of a form.
pub const MOST_RESPONSES: usize = 200;
/// The longest name of a field, in bytes.
pub const LONGEST_FIELD: usize = 128;
/// The longest value of a response, in bytes as JSON.
pub const LONGEST_VALUE: usize = 16 * 1024;
/// The longest responses that a test call or a tenant can give a customer, in bytes as JSON: they are kept while the call
/// lasts.
pub const LONGEST_RESPONSES: usize = 64 * 1024;

/// A form that was filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// The interaction that it is about.
    pub interaction_id: InteractionId,
    /// The answers.
    pub responses: Vec<Response>,
}

/// One answer. `value` is a text in the contract; what else comes is kept as it is, and judged by rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The field.
    pub field_name: String,
    /// What was answered; null when nothing was.
    #[serde(default)]
    pub value: Value,
}

impl Form {
    /// The answer to a field; `None` when the field is not there.
    pub fn value(&self, field: &str) -> Result<Option<&Value>, Contradiction> {
        let mut answers = self.responses.iter().filter(|answer| answer.field_name == field);
        let first = answers.next().map(|answer| &answer.value);
        match answers.find(|other| Some(&other.value) != first) {
            Some(_) => Err(Contradiction),
            None => Ok(first),
        }
    }

    /// Reads a form as a platform sends it, whatever else is in it: numbers that JSON does not have (`NaN`, `1e400`) are taken as the
    /// texts that they are, and answers that are too long are cut. All faults at once.
    pub fn read_text(text: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value =
            serde_json::from_str(text).or_else(|_| serde_json::from_str(&with_numbers_as_texts(text)));
        let value: Option<Value> = faults.keep(value.map_err(|error| {
            format!(
                "it is not JSON, at line {} column {}",
                error.line(),
                error.column()
            )
        }));
        let form = value.and_then(|mut value| {
            cut(&mut value);
            Self::read(&Object::top(&value, &mut faults)?, &mut faults)
        });
        faults.finish(form)
    }

    /// Reads a form; all faults at once.
    pub fn parse(body: &Value) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let form = Object::top(body, &mut faults).and_then(|form| Self::read(&form, &mut faults));
        faults.finish(form)
    }

    /// Reads the form from an object, wherever it came from.
    pub fn read(form: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let interaction_id = form.parsed("interactionId", faults);
        if !form.has("responses") {
            faults.push(format!("{} is missing", form.name("responses")));
        }
        let listed = form.optional_list("responses", faults).unwrap_or_default();
        let responses = read_responses(listed, &form.name("responses"), faults);
        Some(Self {
            interaction_id: interaction_id?,
            responses,
        })
    }
}

/// A form answers a field twice, and not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is answered twice, and not the same")]
pub struct Contradiction;

/// The same text, with what stands where a number should and is none of JSON's in quotes.
fn with_numbers_as_texts(text: &str) -> String {
    let (mut quoted, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(|sign: char| sign == '"' || is_of_a_number(sign)) {
        let (before, found) = rest.split_at(at);
        quoted.push_str(before);
        let end = match found.strip_prefix('"') {
            Some(inner) => 1 + end_of_string(inner),
            None => found.find(|sign| !is_of_a_number(sign)).unwrap_or(found.len()),
        };
        let (token, after) = found.split_at(end);
        let is_json = token.starts_with('"') || serde_json::from_str::<Value>(token).is_ok();
        match is_json {
            true => quoted.push_str(token),
            false => quoted.push_str(&format!("\"{token}\"")),
        }
        rest = after;
    }
    quoted + rest
}

/// What numbers, `NaN`, `Infinity`, and also `true`, `false` and `null` are made of.
fn is_of_a_number(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '-' | '+' | '.')
}

/// Where a string ends whose opening quote was taken off: behind the closing one.
fn end_of_string(inner: &str) -> usize {
    let mut is_escaped = false;
    for (at, sign) in inner.char_indices() {
        match sign {
            '"' if !is_escaped => return at + 1,
            '\\' if !is_escaped => is_escaped = true,
            _ => is_escaped = false,
        }
    }
    inner.len()
}

/// Shortens the answers that are too long, so that they do not spoil the others; lists and objects become nothing.
fn cut(form: &mut Value) {
    let responses = form.get_mut("responses").and_then(Value::as_array_mut);
    let values = responses
        .into_iter()
        .flatten()
        .filter_map(|response| response.get_mut("value"));
    for value in values {
        match value {
            Value::String(text) if text.len() > LONGEST_VALUE => {
                let end = (0..=LONGEST_VALUE).rev().find(|end| text.is_char_boundary(*end));
                text.truncate(end.unwrap_or(0));
            }
            Value::Array(_) | Value::Object(_) if value.to_string().len() > LONGEST_VALUE => {
                *value = Value::Null
            }
            _ => {}
        }
    }
}

/// Reads a list of responses, which faults call `name`.
pub fn read_responses(listed: &[Value], name: &str, faults: &mut Faults) -> Vec<Response> {
    if listed.len() > MOST_RESPONSES {
        faults.push(format!(
            "{name} must have at most {MOST_RESPONSES} items, not {}",
            listed.len()
        ));
    }
    let read = |(at, item): (usize, &Value)| {
        read_response(&Object::at(item, &format!("{name}[{at}]"), faults)?, faults)
    };
    listed
        .iter()
        .take(MOST_RESPONSES)
        .enumerate()
        .filter_map(read)
        .collect()
}

/// Reads the responses at `field` that a customer is to give, at most [`LONGEST_RESPONSES`]; without the field there is no
/// form.
pub fn read_short(body: &Object<'_>, field: &str, faults: &mut Faults) -> Option<Vec<Response>> {
    let listed = body.optional_list(field, faults)?;
    let name = body.name(field);
    let responses = read_responses(listed, &name, faults);
    let length = json!(responses).to_string().len();
    if length > LONGEST_RESPONSES {
        faults.push(format!(
            "{name} must be at most {LONGEST_RESPONSES} bytes long, not {length}"
        ));
    }
    Some(responses)
}

fn read_response(response: &Object<'_>, faults: &mut Faults) -> Option<Response> {
    let field_name = response.text("fieldName", faults)?;
    if field_name.is_empty() || field_name.len() > LONGEST_FIELD {
        faults.push(format!(
            "{} must be 1 to {LONGEST_FIELD} bytes long, not {}",
            response.name("fieldName"),
            field_name.len()
        ));
        return None;
    }
    let value = response.get("value").cloned().unwrap_or_default();
    let length = match &value {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    };
    if length > LONGEST_VALUE {
        faults.push(format!(
            "{} must be at most {LONGEST_VALUE} bytes long, not {length}",
            response.name("value")
        ));
        return None;
    }
    Some(Response {
        field_name: field_name.to_owned(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_answer() {
        let body = json!({"interactionId": "int-1", "responses": [
            {"fieldName": "score", "value": "2"}, {"fieldName": "score", "value": "2"}, {"fieldName": "comment"},
            {"fieldName": "effort", "value": 1}, {"fieldName": "effort", "value": 5}]});
        let form = Form::parse(&body).unwrap();
        assert_eq!(form.value("score"), Ok(Some(&json!("2"))));
        assert_eq!(form.value("comment"), Ok(Some(&Value::Null)));
        assert_eq!(form.value("effort"), Err(Contradiction));
        assert_eq!(form.value("other"), Ok(None));
    }

    #[test]
    fn numbers_that_json_does_not_have_are_texts() {
        let read = |value: &str| {
            let text = format!(
                r#"{{"interactionId":"int-1","n":[true,null,-1.5e3],"responses":[{{"fieldName":"a \\\" 1e400","value":{value}}}]}}"#
            );
            let form = Form::read_text(&text).unwrap_or_else(|faults| panic!("{value}: {faults}"));
            assert_eq!(form.responses[0].field_name, "a \\\" 1e400".replace("\\\\", "\\"));
            form.responses[0].value.clone()
        };
        assert_eq!(read("1e400"), "1e400");
        assert_eq!(read("NaN"), "NaN");
        assert_eq!(read("-Infinity"), "-Infinity");
        assert_eq!(read("4.5"), 4.5);
        assert!(Form::read_text("<html>").is_err());
        assert!(Form::read_text(r#"{"interactionId":"int-1","responses":["#).is_err());
    }

    #[test]
    fn answers_that_are_too_long_are_cut() {
        let long = "é".repeat(LONGEST_VALUE);
        let body = json!({"interactionId": "int-1", "responses": [
            {"fieldName": "comment", "value": long}, {"fieldName": "list", "value": [long]}, {"fieldName": "score", "value": 2}]});
        let form = Form::read_text(&body.to_string()).unwrap();
        let comment = form.value("comment").unwrap().unwrap().as_str().unwrap();
        assert_eq!(comment.len(), LONGEST_VALUE);
        assert_eq!(form.value("list"), Ok(Some(&Value::Null)));
        assert_eq!(form.value("score"), Ok(Some(&json!(2))));
    }

    #[test]
    fn all_faults_at_once() {
        let body = json!({"responses": [7, {"fieldName": ""}, {"value": 1}]});
        let faults = Form::parse(&body).unwrap_err().into_vec();
        assert_eq!(
            faults,
            [
                "interactionId is missing",
                "responses[0] must be an object, not the number 7",
                "responses[1].fieldName must be 1 to 128 bytes long, not 0",
                "responses[2].fieldName is missing",
            ]
        );
    }
}
