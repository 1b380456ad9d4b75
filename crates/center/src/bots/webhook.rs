//! What a webhook bot is told, and what it answers.

use crate::conversations::{Sent, What};
use flow::bot::{Act, Button, MAX_SAID};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use wire::{
    Faults,
    fault::{self, Object, kind, shorten},
};

/// Most messages of an answer, and most buttons of a message.
const MOST_MESSAGES: usize = 20;
const MOST_BUTTONS: usize = 20;
/// The longest label or value of a button, in characters.
const LONGEST_LABEL: usize = 100;
const LONGEST_PAUSE_MS: u64 = 30_000;
/// Most slots that a conversation has, and how long their names and texts may be, in characters.
const MOST_SLOTS: usize = 100;
const LONGEST_SLOT: usize = 64;
const LONGEST_VALUE: usize = 1_000;
/// The longest reason for handing over, in characters.
const LONGEST_REASON: usize = 500;
/// Why a human takes over when the bot does not say.
const NO_REASON: &str = "the bot hands over";

/// The body of the webhook about a message.
pub(super) fn body(sent: &Sent) -> String {
    let (interaction, sequence, text) = match &sent.errand.what {
        What::Message {
            interaction,
            sequence,
            text,
        } => (json!(interaction), json!(sequence), text.as_str()),
        What::Call { .. } => (Value::Null, Value::Null, ""),
    };
    json!({
        "conversationId": sent.conversation,
        "interactionId": interaction,
        "sequence": sequence,
        "text": text,
        "context": sent.context,
        "slots": slots(&sent.context).cloned().unwrap_or_default(),
    })
    .to_string()
}

/// What the bot has set so far.
fn slots(context: &Value) -> Option<&Map<String, Value>> {
    context.get("botSession")?.get("slots")?.as_object()
}

/// Reads an answer; an empty one does nothing. All faults at once.
pub(super) fn read(answer: &[u8], context: &Value) -> Result<Vec<Act>, Faults> {
    if answer.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let mut faults = Faults::new();
    let text = std::str::from_utf8(answer).map_err(|_| "the body is not UTF-8");
    let text = faults.keep(text).unwrap_or("{}");
    let value = fault::json(text, &mut faults);
    let acts = value.and_then(|value| Some(acts(&Object::top(&value, &mut faults)?, context, &mut faults)));
    faults.finish(acts)
}

/// What it sets and decides comes before what it says: whoever reads that finds the conversation as it says. It hands over, or
/// ends, afterwards.
fn acts(body: &Object<'_>, context: &Value, faults: &mut Faults) -> Vec<Act> {
    let mut acts = set(body, context, faults);
    match body.optional_bool("resolved", faults) {
        Some(true) => acts.push(Act::Resolve),
        Some(false) => acts.push(Act::Unresolve),
        None => {}
    }
    let messages = body.optional_list("messages", faults).unwrap_or_default();
    too_many("messages", messages.len(), MOST_MESSAGES, faults);
    for (at, message) in messages.iter().enumerate().take(MOST_MESSAGES) {
        let message = Object::at(message, &format!("messages[{at}]"), faults);
        acts.extend(message.and_then(|message| say(&message, faults)));
    }
    acts.extend(reason(body, faults).map(|reason| Act::Escalate { reason }));
    if body.optional_bool("close", faults) == Some(true) {
        acts.push(Act::Close);
    }
    acts
}

fn set(body: &Object<'_>, context: &Value, faults: &mut Faults) -> Vec<Act> {
    let fields = match body.get("set") {
        None => return Vec::new(),
        Some(Value::Object(fields)) => fields,
        Some(other) => {
            faults.push(format!("set must be a JSON object, not {}", kind(other)));
            return Vec::new();
        }
    };
    let known = slots(context).into_iter().flat_map(Map::keys);
    let all: BTreeSet<&String> = known.chain(fields.keys()).collect();
    too_many("slots of a conversation", all.len(), MOST_SLOTS, faults);
    let mut acts = Vec::new();
    for (name, value) in fields.iter().take(MOST_SLOTS) {
        let name_fits =
            (1..=LONGEST_SLOT).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        let value_fits = match value {
            Value::String(text) => text.chars().nth(LONGEST_VALUE).is_none() && !text.contains('\0'),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::Array(_) | Value::Object(_) => false,
        };
        if !name_fits || !value_fits {
            faults.push(format!(
                "set.{} must be a text of at most {LONGEST_VALUE} characters, a number, a truth value or null, under a name of at most {LONGEST_SLOT}",
                shorten(name)
            ));
        }
        acts.push(Act::Set {
            slot: name.clone(),
            value: value.clone(),
        });
    }
    acts
}

fn say(message: &Object<'_>, faults: &mut Faults) -> Option<Act> {
    let text = message.filled_text("text", MAX_SAID, faults);
    let pause_ms = message.optional_whole("pauseMs", 0..=LONGEST_PAUSE_MS, faults);
    let listed = message.optional_list("buttons", faults).unwrap_or_default();
    too_many(&message.name("buttons"), listed.len(), MOST_BUTTONS, faults);
    let buttons = listed.iter().enumerate().take(MOST_BUTTONS);
    let buttons =
        buttons.filter_map(|(at, one)| button(one, &message.name(&format!("buttons[{at}]")), faults));
    let buttons: Vec<Button> = buttons.collect();
    Some(Act::Say {
        text: text?.to_owned(),
        buttons,
        pause_ms: pause_ms.unwrap_or(0),
    })
}

/// A text, or a label and what the customer says by it.
fn button(value: &Value, path: &str, faults: &mut Faults) -> Option<Button> {
    if let Some(label) = value.as_str() {
        let fits = !label.trim().is_empty() && label.chars().nth(LONGEST_LABEL).is_none();
        if !fits {
            faults.push(format!("{path} must have 1 to {LONGEST_LABEL} characters"));
        }
        return Some(Button {
            label: label.to_owned(),
            value: label.to_owned(),
        });
    }
    let table = Object::at(value, path, faults)?;
    let label = table.filled_text("label", LONGEST_LABEL, faults)?;
    let value = match table.has("value") {
        true => table.filled_text("value", LONGEST_LABEL, faults)?,
        false => label,
    };
    Some(Button {
        label: label.to_owned(),
        value: value.to_owned(),
    })
}

/// Why a human takes over: a text, or true without one.
fn reason(body: &Object<'_>, faults: &mut Faults) -> Option<String> {
    match body.get("escalate")? {
        Value::Bool(false) => None,
        Value::Bool(true) => Some(NO_REASON.to_owned()),
        _ => body
            .filled_text("escalate", LONGEST_REASON, faults)
            .map(str::to_owned),
    }
}

fn too_many(what: &str, found: usize, most: usize, faults: &mut Faults) {
    if found > most {
        faults.push(format!("there are {found} {what}, at most {most} are taken"));
    }
}

/// A message without buttons.
pub(super) fn says(text: String) -> Act {
    Act::Say {
        text,
        buttons: Vec::new(),
        pause_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(answer: &Value) -> Result<Vec<Act>, Vec<String>> {
        read(answer.to_string().as_bytes(), &json!({})).map_err(Faults::into_vec)
    }

    #[test]
    fn an_answer_sets_says_and_hands_over_in_that_order() {
        let acts = told(&json!({
            "messages": [{"text": "One"}, {"text": "Two", "buttons": ["Yes", {"label": "No", "value": "n"}], "pauseMs": 5}],
            "set": {"status": "found", "count": 2, "gone": null},
            "escalate": "angry",
            "resolved": false,
            "close": true,
            "mood": "unknown fields are ignored",
        }));
        let button = |label: &str, value: &str| Button {
            label: label.into(),
            value: value.into(),
        };
        let set = |slot: &str, value: Value| Act::Set {
            slot: slot.into(),
            value,
        };
        assert_eq!(
            acts.unwrap(),
            [
                set("count", json!(2)),
                set("gone", Value::Null),
                set("status", json!("found")),
                Act::Unresolve,
                says("One".into()),
                Act::Say {
                    text: "Two".into(),
                    buttons: vec![button("Yes", "Yes"), button("No", "n")],
                    pause_ms: 5
                },
                Act::Escalate {
                    reason: "angry".into()
                },
                Act::Close,
            ]
        );
        assert_eq!(told(&json!({})), Ok(Vec::new()));
        assert_eq!(read(b" \n", &json!({})).unwrap(), []);
        assert_eq!(
            told(&json!({"escalate": true})).unwrap(),
            [Act::Escalate {
                reason: NO_REASON.into()
            }]
        );
        assert_eq!(
            told(&json!({"escalate": false, "resolved": null, "close": false})),
            Ok(Vec::new())
        );
    }

    #[test]
    fn every_fault_of_an_answer_is_told() {
        let long = "x".repeat(MAX_SAID + 1);
        let faults = told(&json!({
            "messages": [{"text": ""}, "Hi", {"text": long, "pauseMs": -1, "buttons": [7, ""]}],
            "set": {"list": []},
            "escalate": 7,
            "resolved": "yes",
            "close": 1,
        }));
        assert_eq!(faults.unwrap_err().len(), 10);
        assert_eq!(
            told(&json!([])).unwrap_err(),
            ["the body must be a JSON object, not a list"]
        );
        assert!(read(b"<html>", &json!({})).is_err() && read(b"\xff{}", &json!({})).is_err());
        let many: Vec<_> = (0..21).map(|_| json!({"text": "x"})).collect();
        assert_eq!(
            told(&json!({"messages": many})).unwrap_err(),
            ["there are 21 messages, at most 20 are taken"]
        );
    }

    #[test]
    fn slots_do_not_grow_for_ever() {
        let names = |from: usize| {
            (from..from + 60)
                .map(|nth| (format!("s{nth}"), json!(1)))
                .collect::<Map<_, _>>()
        };
        let context = json!({"botSession": {"slots": names(0)}});
        let set =
            |fields: Map<String, Value>| read(json!({ "set": fields }).to_string().as_bytes(), &context);
        assert!(set(names(0)).is_ok());
        let faults = set(names(60)).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            ["there are 120 slots of a conversation, at most 100 are taken"]
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_reading_panic(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}\":,a-z0-9]{0,60}") {
            let _ = read(&bytes, &Value::Null);
            let _ = read(text.as_bytes(), &Value::Null);
            let _ = read(format!("{{\"messages\":[{text}],\"set\":{text}}}").as_bytes(), &Value::Null);
        }
    }
}
