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
    /// The last answer to a field; `None` when the field is not there.
    pub fn value(&self, field: &str) -> Option<&Value> {
        let mut answers = self.responses.iter().rev();
        answers
            .find(|answer| answer.field_name == field)
            .map(|answer| &answer.value)
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
    fn the_last_answer_to_a_field_counts() {
        let body = json!({"interactionId": "int-1", "responses": [
            {"fieldName": "score", "value": "2"}, {"fieldName": "score", "value": 4}, {"fieldName": "comment"}]});
        let form = Form::parse(&body).unwrap();
        assert_eq!(form.value("score"), Some(&json!(4)));
        assert_eq!(form.value("comment"), Some(&Value::Null));
        assert_eq!(form.value("other"), None);
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
