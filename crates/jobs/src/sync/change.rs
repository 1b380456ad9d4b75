//! A change as it leaves for another system.

use audit::mask;
use serde::Serialize;
use serde_json::{Map, Value};
use wire::conversation::{Conversation, Interaction, Session};

/// A conversation as it was when it was read, with all that was said.
///
/// Its JSON is `{"changeId": "conv-1@7", "conversation": {...}, "interactions": [...]}`: the change id names it for ever, and what is in
/// the other two is what the platform serves (contract section 5).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Names the change: `flow::sync::Change::change_id`.
    pub change_id: String,
    /// The conversation. It may be newer than the change that it is delivered for; another change follows then.
    pub conversation: Conversation,
    /// What was said, the oldest first.
    pub interactions: Vec<Interaction>,
}

impl Changed {
    /// Masks card numbers, codes, e-mail addresses and telephone numbers in whatever people write.
    pub(super) fn mask(&mut self) {
        for participant in &mut self.conversation.participants {
            mask_members(&mut participant.profile);
        }
        let context = &mut self.conversation.context;
        mask_members(&mut context.rest);
        if let Some(session) = &mut context.session {
            mask_session(session);
        }
        for interaction in &mut self.interactions {
            mask_text(&mut interaction.text);
            for button in &mut interaction.buttons {
                mask_text(&mut button.label);
                mask_text(&mut button.value);
            }
        }
    }
}

fn mask_text(text: &mut String) {
    if let std::borrow::Cow::Owned(masked) = mask::personal(text) {
        *text = masked;
    }
}

fn mask_members(members: &mut Map<String, Value>) {
    let mut object = Value::Object(std::mem::take(members));
    mask::personal_json(&mut object);
    if let Value::Object(masked) = object {
        *members = masked;
    }
}

/// Key by key, since their order is their age. A key with a telling name hides its value as a member of an object does.
fn mask_session(session: &mut Session) {
    let masked = session.iter().flat_map(|(name, value)| {
        let mut member = Map::from_iter([(name.to_owned(), value.clone())]);
        mask_members(&mut member);
        member
    });
    *session = masked.collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_people_write_is_masked_and_what_names_things_is_not() {
        // As text: only that has an order.
        let conversation = r#"{"id": "ann@example.com", "type": "webchat", "state": "active", "version": 3,
            "createdDate": "2026-11-21T09:30:00.000Z", "updatedDate": "2026-11-21T09:30:00.000Z",
            "participants": [{"id": "user-1", "direction": "inbound", "profile": {"email": "ann@example.com", "firstName": "Ann"}}],
            "context": {"botSession": {"z": "+4915112345678", "pin": 1234, "a": 1}, "metadata": {"card": "4111 1111 1111 1111"}}}"#;
        let said = json!({"id": "i-1", "sequence": 1, "direction": "inbound", "type": "message", "text": "mail bob@example.com",
            "read": false, "createdDate": "2026-11-21T09:30:00.000Z", "participantId": "user-1",
            "buttons": [{"label": "+4915112345678", "value": "yes"}]});
        let mut changed = Changed {
            change_id: "ann@example.com@3".into(),
            conversation: serde_json::from_str(conversation).unwrap(),
            interactions: vec![serde_json::from_value(said).unwrap()],
        };
        changed.mask();
        let shown = serde_json::to_value(&changed).unwrap();
        assert_eq!(shown["changeId"], "ann@example.com@3");
        assert_eq!(shown["conversation"]["id"], "ann@example.com");
        let profile = &shown["conversation"]["participants"][0]["profile"];
        assert_eq!(*profile, json!({"email": "a**@example.com", "firstName": "Ann"}));
        assert_eq!(
            shown["conversation"]["context"],
            json!({"botSession": {"z": "+***********78", "pin": "***", "a": 1}, "metadata": {"card": "4111 11** **** 1111"}})
        );
        assert_eq!(shown["interactions"][0]["text"], "mail b**@example.com");
        assert_eq!(shown["interactions"][0]["buttons"][0]["label"], "+***********78");
        let text = serde_json::to_string(&changed).unwrap();
        assert!(
            text.contains(r#""botSession":{"z":"+***********78","pin":"***","a":1}"#),
            "the order of keys stays: {text}"
        );
    }
}
