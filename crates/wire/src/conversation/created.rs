//! A new conversation, and a conversation as the platform has it.

use super::{Context, Direction, Participant, State};
use crate::{
    Faults, UtcTime,
    fault::{self, Object},
    ids::ConversationId,
    words::words,
};
use serde::{Deserialize, Serialize};

words! {
    /// What kind of conversation it is.
    ConversationType {
        /// Messages on a web page.
        Webchat = "webchat",
    }
}

/// `POST /api/v2/conversations`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewConversation {
    /// Its id, which the client chooses.
    pub id: ConversationId,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Queued, pending or active; active when it is not said.
    pub state: State,
    /// Who takes part.
    pub participants: Vec<Participant>,
    /// What is kept with it.
    pub context: Context,
}

impl NewConversation {
    /// Reads the request body; all faults at once.
    ///
    /// ```
    /// use wire::conversation::NewConversation;
    ///
    /// let faults = NewConversation::parse(r#"{"id": "a/b", "state": "ended", "participants": []}"#).unwrap_err();
    /// assert_eq!(faults.as_slice(), [
    ///     "id must be printable ASCII without blanks and / ? # %, so '/' can't be in it",
    ///     "type is missing",
    ///     "state must be queued, pending or active in a new conversation, not ended",
    ///     "participants must have 1 to 16 items, not 0",
    /// ]);
    /// ```
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(text, &mut faults);
        let read = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, text, &mut faults));
        faults.finish(read)
    }

    fn read(body: &Object<'_>, text: &str, faults: &mut Faults) -> Option<Self> {
        let id = body.parsed("id", faults);
        let kind = body.parsed("type", faults);
        let state: Option<State> = match body.has("state") {
            true => body.parsed("state", faults),
            false => Some(State::Active),
        };
        if let Some(state) = state.filter(|state| state.is_over()) {
            faults.push(format!(
                "state must be queued, pending or active in a new conversation, not {state}"
            ));
        }
        let participants = Participant::read_all(body, faults);
        let context = Context::read(body, text, faults);
        Some(Self {
            id: id?,
            kind: kind?,
            state: state?,
            participants: participants?,
            context: context?,
        })
    }

    /// What the other side would find wrong with it: fields may have been filled with anything of their types.
    pub fn check(&self) -> Result<(), Faults> {
        Self::parse(&serde_json::to_string(self).unwrap_or_default()).map(drop)
    }

    /// The customer: the first participant with the direction inbound.
    pub fn customer(&self) -> Option<&Participant> {
        customer(&self.participants)
    }

    /// The bot that is to answer: that of the first participant who stands for one.
    pub fn bot_instance(&self) -> Option<&str> {
        self.participants.iter().find_map(Participant::bot_instance)
    }
}

fn customer(participants: &[Participant]) -> Option<&Participant> {
    participants
        .iter()
        .find(|participant| participant.direction == Direction::Inbound)
}

/// A conversation as the platform has it. What a platform other than the center leaves out is absent, false or 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Where it is in its life.
    pub state: State,
    /// Who takes part.
    pub participants: Vec<Participant>,
    /// What is kept with it.
    #[serde(default)]
    pub context: Context,
    /// The bot that answers, if one does.
    #[serde(default)]
    pub bot_id: Option<String>,
    /// Whether the bot says that the matter is settled.
    #[serde(default)]
    pub resolved: bool,
    /// Whether it was handed to a person (not in the contract).
    #[serde(default)]
    pub escalated: bool,
    /// When it was created.
    pub created_date: UtcTime,
    /// When it changed last, interactions included.
    pub updated_date: UtcTime,
    /// One more with every change, from 1; the `ETag` has it too (not in the contract).
    #[serde(default)]
    pub version: u64,
}

impl Conversation {
    /// The customer: the first participant with the direction inbound.
    pub fn customer(&self) -> Option<&Participant> {
        customer(&self.participants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body() -> Value {
        json!({"id": "conv-1", "type": "webchat", "state": "active", "participants": [
                {"id": "bot-b1", "direction": "outbound", "profile": {"name": "Bot", "botInstanceId": "b1"}},
                {"id": "user-user-1", "channel": "webchat", "direction": "inbound",
                 "profile": {"firstName": "Ada", "email": "ada@example.com", "customFields": {"tier": 1}}}],
            "context": {"botSession": {}, "metadata": {"source": "web"}}})
    }

    fn with(change: impl FnOnce(&mut Value)) -> Result<NewConversation, Vec<String>> {
        let mut body = body();
        change(&mut body);
        NewConversation::parse(&body.to_string()).map_err(Faults::into_vec)
    }

    #[test]
    fn a_conversation_is_read_as_the_contract_writes_it() {
        let new = with(|_| {}).unwrap();
        assert_eq!(serde_json::to_value(&new).unwrap(), body());
        assert_eq!(new.check(), Ok(()));
        assert_eq!(
            new.customer().unwrap().id.as_str(),
            "user-user-1",
            "the role counts, not the place"
        );
        assert_eq!(new.bot_instance(), Some("b1"));
        let less = with(|body| {
            body.as_object_mut()
                .unwrap()
                .retain(|name, _| name != "state" && name != "context");
            body["participants"][0]["profile"] = Value::Null;
        });
        let less = less.unwrap();
        assert_eq!((less.state, less.context.size_bytes()), (State::Active, 2));
        assert_eq!(less.bot_instance(), Some("b1"), "by its id");
    }

    #[test]
    fn the_order_of_the_session_is_kept() {
        let text = r#"{"id":"c","type":"webchat","participants":[{"id":"u","direction":"inbound"}],"context":{"botSession":{"z":1,"a":2}}}"#;
        let new = NewConversation::parse(text).unwrap();
        let names: Vec<&str> = new
            .context
            .session
            .iter()
            .flat_map(super::super::Session::iter)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["z", "a"]);
        assert_eq!(
            NewConversation::parse(&serde_json::to_string(&new).unwrap()),
            Ok(new)
        );
    }

    #[test]
    fn all_faults_at_once() {
        let faults = with(|body| {
            body["id"] = json!("a b");
            body["type"] = json!("fax");
            body["state"] = json!("open");
            body["participants"] = json!([{"id": "", "direction": "in", "profile": []}, 3]);
            body["context"]["botSession"] = json!([]);
        });
        assert_eq!(
            faults.unwrap_err(),
            [
                "id must be printable ASCII without blanks and / ? # %, so ' ' can't be in it",
                "type must be one of webchat, not \"fax\"",
                "state must be one of queued, pending, active, closed, ended, not \"open\"",
                "participants[0].id must not be empty",
                "participants[0].direction must be one of inbound, outbound, not \"in\"",
                "participants[0].profile must be an object, not a list",
                "participants[1] must be an object, not the number 3",
                "context.botSession must be an object, not a list",
            ]
        );
    }

    #[test]
    fn a_new_one_is_not_over() {
        for state in State::ALL {
            let read = with(|body| body["state"] = json!(state));
            assert_eq!(read.is_ok(), !state.is_over(), "{state}");
        }
    }

    #[test]
    fn participants_are_counted_and_told_apart() {
        let many = |count: usize| {
            let one = |at: usize| json!({"id": format!("u{at}"), "direction": "inbound"});
            with(|body| body["participants"] = (0..count).map(one).collect())
        };
        assert!(many(0).is_err() && many(1).is_ok() && many(16).is_ok());
        assert_eq!(
            many(17).unwrap_err(),
            ["participants must have 1 to 16 items, not 17"]
        );
        let twice = with(|body| body["participants"][0]["id"] = json!("user-user-1"));
        assert_eq!(
            twice.unwrap_err(),
            ["participants[1].id \"user-user-1\" is there twice"]
        );
        let nobody = with(|body| body["participants"][1]["direction"] = json!("outbound"));
        assert_eq!(
            nobody.unwrap_err(),
            ["participants must have a customer, with the direction inbound"]
        );
    }

    #[test]
    fn profiles_and_contexts_are_bounded_in_bytes() {
        let profile = |bytes: usize| {
            let text = "é".repeat((bytes - 8) / 2) + &"x".repeat((bytes - 8) % 2);
            with(|body| body["participants"][1]["profile"] = json!({"n": text}))
        };
        assert!(profile(16_384).is_ok());
        assert_eq!(
            profile(16_385).unwrap_err(),
            ["participants[1].profile has 16385 bytes of JSON, at most 16384 are taken"]
        );
        let context = |bytes: usize| {
            let text = "漢".repeat((bytes - 8) / 3) + &"x".repeat((bytes - 8) % 3);
            with(|body| body["context"] = json!({"n": text}))
        };
        assert!(context(65_535).is_ok() && context(65_536).is_ok());
        let faults = context(65_537).unwrap_err();
        assert!(
            faults[0].contains("65537 bytes") && faults[0].contains("65536"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_view_is_read_as_it_is_written() {
        let mut text = body();
        text["botId"] = json!("b1");
        for (name, value) in [
            ("resolved", json!(true)),
            ("escalated", json!(false)),
            ("createdDate", json!("2026-11-21T09:30:00.000Z")),
            ("updatedDate", json!("2026-11-21T09:31:00.000Z")),
            ("version", json!(7)),
        ] {
            text[name] = value;
        }
        let view: Conversation = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&view).unwrap(), text);
        assert_eq!(view.customer().unwrap().id.as_str(), "user-user-1");
        for extension in ["botId", "resolved", "escalated", "version", "context"] {
            text.as_object_mut().unwrap().remove(extension);
        }
        let bare: Conversation = serde_json::from_value(text).unwrap();
        assert_eq!((bare.version, bare.bot_id), (0, None));
    }
}
