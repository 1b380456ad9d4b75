//! Messages and answers.

use super::Direction;
use crate::{
    Faults, UtcTime,
    fault::{self, Object},
    ids::{InteractionId, ParticipantId},
    words::words,
};
use serde::{Deserialize, Serialize};

/// The longest text, in characters.
pub const LONGEST_TEXT: usize = 10_000;

words! {
    /// What an interaction is.
    InteractionType {
        /// A text.
        Message = "message",
    }
}

/// `POST /api/v2/conversations/{id}/interactions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewInteraction {
    /// Who says it. One whom the conversation does not know is the customer.
    pub participant_id: ParticipantId,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: InteractionType,
    /// What is said: 1 to [`LONGEST_TEXT`] characters, not only white space, without control characters but line ends and
    /// tabs.
    pub text: String,
    /// What it answers, when an agent or a bot says it; of what a customer says it is ignored (not in the contract).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<InteractionId>,
}

impl NewInteraction {
    /// A message.
    pub fn message(participant_id: ParticipantId, text: impl Into<String>) -> Self {
        Self {
            participant_id,
            kind: InteractionType::Message,
            text: text.into(),
            in_reply_to: None,
        }
    }

    /// Reads the request body; all faults at once. The type is `message` when it is not said.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(text, &mut faults);
        let read = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(read)
    }

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let participant_id = body.parsed("participantId", faults);
        let kind = match body.has("type") {
            true => body.parsed("type", faults),
            false => Some(InteractionType::Message),
        };
        let text = body.filled_text("text", LONGEST_TEXT, faults);
        let in_reply_to = body.optional_parsed("inReplyTo", faults);
        Some(Self {
            participant_id: participant_id?,
            kind: kind?,
            text: text?.to_owned(),
            in_reply_to,
        })
    }

    /// What the other side would find wrong with it.
    pub fn check(&self) -> Result<(), Faults> {
        Self::parse(&serde_json::to_string(self).unwrap_or_default()).map(drop)
    }
}

/// What a posted message became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Its id: answers to it name it in `inReplyTo`.
    pub id: InteractionId,
    /// Its number.
    pub sequence: u64,
}

/// A button or quick reply beside an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What is on it.
    pub label: String,
    /// What is said by it.
    pub value: String,
}

/// What the bot understood of a message, and which steps it walked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotTrace {
    /// The intent it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// How sure it is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

/// A message or an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interaction {
    /// Its id.
    pub id: InteractionId,
    /// Its number in the conversation, from 1 without gaps.
    pub sequence: u64,
    /// Inbound is what the customer says.
    pub direction: Direction,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: InteractionType,
    /// What is said.
    pub text: String,
    /// Whether somebody marked it as read.
    pub read: bool,
    /// When it was said.
    pub created_date: UtcTime,
    /// What it answers, if it answers something.
    #[serde(default)]
    pub in_reply_to: Option<InteractionId>,
    /// Who says it.
    pub participant_id: ParticipantId,
    /// Quick replies (not in the contract).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// What the bot understood (not in the contract).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotTrace>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_read_as_it_is_written() {
        let text = r#"{"participantId":"user-1","type":"message","text":"where is my order?"}"#;
        let message = NewInteraction::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        assert_eq!(
            message,
            NewInteraction::message("user-1".parse().unwrap(), "where is my order?")
        );
        assert_eq!(message.check(), Ok(()));
        assert_eq!(
            NewInteraction::parse(r#"{"participantId":"user-1","text":"where is my order?"}"#),
            Ok(message)
        );
    }

    #[test]
    fn texts_are_bounded_in_characters() {
        let of = |text: String| {
            NewInteraction::message("u".parse().unwrap(), text)
                .check()
                .map_err(Faults::into_vec)
        };
        for good in [
            "x".to_owned(),
            "🦀".repeat(9_999),
            "🦀".repeat(10_000),
            "a\nb\tc".into(),
        ] {
            assert_eq!(of(good), Ok(()));
        }
        assert_eq!(
            of("x".repeat(10_001)).unwrap_err(),
            ["text must be at most 10000 characters long, not 10001"]
        );
        assert_eq!(of(" \n".into()).unwrap_err(), ["text must not be empty"]);
        assert_eq!(
            of("a\0b".into()).unwrap_err(),
            ["text must not contain control characters"]
        );
    }

    #[test]
    fn all_faults_at_once() {
        let faults =
            NewInteraction::parse(r#"{"participantId":"","type":"wave","inReplyTo":7}"#).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            [
                "participantId must not be empty",
                "type must be one of message, not \"wave\"",
                "text is missing",
                "inReplyTo must be a text, not the number 7",
            ]
        );
    }

    #[test]
    fn an_interaction_is_read_as_it_is_written() {
        let bare = json!({"id": "int-1", "sequence": 1, "direction": "inbound", "type": "message", "text": "hi",
            "read": false, "createdDate": "2026-11-21T09:30:00.000Z", "inReplyTo": null, "participantId": "u"});
        let mut full = bare.clone();
        full["inReplyTo"] = json!("int-0");
        full["buttons"] = json!([{"label": "Yes", "value": "yes"}]);
        full["bot"] = json!({"intent": "greet", "confidence": 0.5, "steps": ["hello"]});
        for text in [bare, full] {
            let read: Interaction = serde_json::from_value(text.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), text);
        }
        // JSON has no such number, and what is read back has none.
        let trace = BotTrace {
            confidence: Some(f64::NAN),
            ..BotTrace::default()
        };
        let text = serde_json::to_string(&trace).unwrap();
        assert_eq!(
            serde_json::from_str::<BotTrace>(&text).unwrap(),
            BotTrace::default()
        );
    }
}
