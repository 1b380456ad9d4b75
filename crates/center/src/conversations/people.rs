//! What customers are known by, so that their conversations are found when they are to be erased.

use crate::once::hashed;
use serde_json::{Map, Value};
use wire::conversation::{Direction, Participant};

/// What a profile, or its `customFields`, calls a person by.
const NAMES: &[&str] = &["email", "phone", "phoneNumber", "externalId", "customerId"];
/// What a custom field of a list is called by.
const FIELD_NAMES: &[&str] = &["id", "ident", "name", "fieldName"];
/// Most custom fields of a list that are looked at.
const MOST_FIELDS: usize = 1_000;

/// What the customers among the participants are known by: first the ids of all, then what their profiles have.
pub(super) fn names_of(participants: &[Participant]) -> Vec<String> {
    let customers = || {
        participants
            .iter()
            .filter(|one| one.direction == Direction::Inbound)
    };
    let ids = customers().map(|customer| customer.id.to_string());
    let named = customers().flat_map(|customer| in_profile(&customer.profile));
    let mut names: Vec<String> = Vec::new();
    for name in ids.chain(named) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The term of the conversations of a person, known by an id, an address or a number.
pub(super) fn person(name: &str) -> String {
    format!("person:{}", hashed(&[&name.trim().to_lowercase()]))
}

fn in_profile(profile: &Map<String, Value>) -> Vec<String> {
    let own = NAMES.iter().filter_map(|name| profile.get(*name));
    let custom: Vec<&Value> = match profile.get("customFields") {
        Some(Value::Object(fields)) => NAMES.iter().filter_map(|name| fields.get(*name)).collect(),
        Some(Value::Array(fields)) => fields.iter().take(MOST_FIELDS).filter_map(in_field).collect(),
        _ => Vec::new(),
    };
    own.chain(custom).filter_map(text).collect()
}

/// The value of a field such as `{"ident": "email", "value": "..."}`.
fn in_field(field: &Value) -> Option<&Value> {
    let name = FIELD_NAMES
        .iter()
        .find_map(|called| field.get(called)?.as_str())?;
    field.get("value").filter(|_| NAMES.contains(&name))
}

/// Numbers are written as numbers, too.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn customers_are_known_by_their_ids_first_and_by_what_their_profiles_have() {
        let participants = json!([
            {"id": "u-1", "direction": "inbound", "profile": {"email": "a@example.com", "phone": 15550100,
                "customFields": {"externalId": "CRM-1", "note": "nobody", "customerId": null}}},
            {"id": "bot-1", "direction": "outbound", "profile": {"email": "bot@example.com"}},
            {"id": "u-2", "direction": "inbound", "profile": {"customFields": [
                {"ident": "email", "value": "b@example.com"}, {"name": "size", "value": "9"}, 7, {"id": "customerId", "value": "u-1"}]}},
        ]);
        let participants: Vec<Participant> = serde_json::from_value(participants).unwrap();
        assert_eq!(
            names_of(&participants),
            [
                "u-1",
                "u-2",
                "a@example.com",
                "15550100",
                "CRM-1",
                "b@example.com"
            ]
        );
        assert_eq!(person(" A@Example.com "), person("a@example.com"));
    }
}
