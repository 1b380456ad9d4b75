//! Fan-out: what an event owes to which endpoints.

use crate::{
    endpoint::{Endpoint, QUEUES, is_event_type},
    incoming::LARGEST_INCOMING,
};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, time::Duration};
use store::{EffectKey, Intent};
use wire::{Faults, fault::shorten};

/// The largest body of a webhook, in bytes: what is taken in can go out.
pub const LARGEST_BODY: usize = LARGEST_INCOMING;
/// The longest source, id and subject of an event, in bytes.
const LONGEST_NAME: usize = 256;

/// An event that goes out. Its source and id together are unique, and name the same event for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutEvent {
    source: String,
    id: String,
    kind: String,
    subject: Option<String>,
    body: String,
}

impl OutEvent {
    /// Checks an event. `kind` is its type, such as `call.ended`; events of one `subject` are delivered in order; `body` is JSON
    /// text, and exactly what is sent.
    pub fn new(
        source: &str,
        id: &str,
        kind: &str,
        subject: Option<&str>,
        body: String,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        for (name, text) in [("source", Some(source)), ("id", Some(id)), ("subject", subject)] {
            let fits = |text: &str| (1..=LONGEST_NAME).contains(&text.len());
            if !text.is_none_or(fits) {
                faults.push(format!(
                    "the event's {name} must be 1 to {LONGEST_NAME} bytes long"
                ));
            }
        }
        if subject.is_some_and(|subject| subject.chars().any(char::is_control)) {
            faults.push("the event's subject must have no control characters");
        }
        if !is_event_type(kind) {
            faults.push(format!(
                "{:?} is no type of events; write it like call.ended",
                shorten(kind)
            ));
        }
        if body.len() > LARGEST_BODY {
            faults.push(format!(
                "the body has {} bytes, of {LARGEST_BODY} at most",
                body.len()
            ));
        } else if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&body) {
            faults.push(format!("the body is not JSON: {error}"));
        }
        faults.finish(Some(Self {
            source: source.to_owned(),
            id: id.to_owned(),
            kind: kind.to_owned(),
            subject: subject.map(str::to_owned),
            body,
        }))
    }
}

/// What the queues of deliveries begin with: those to one endpoint, or to all.
pub fn queue_prefix(endpoint: Option<&str>) -> String {
    format!("{QUEUES}{}", endpoint.unwrap_or_default())
}

/// The endpoint that a queue's deliveries go to.
pub fn endpoint_of(queue: &str) -> &str {
    queue.strip_prefix(QUEUES).unwrap_or(queue)
}

/// What an event owes: one delivery to each endpoint that is enabled and wants its type. They belong into the commit that
/// accepts the event.
///
/// ```
/// use webhooks::{Endpoint, OutEvent, intents};
///
/// # fn example(endpoints: &[Endpoint]) -> Result<(), wire::Faults> {
/// let ended = OutEvent::new("center", "evt-1", "call.ended", Some("call-1"), r#"{"callId":"call-1"}"#.into())?;
/// for intent in intents(endpoints, &ended) {
///     println!("{} is owed {}", intent.queue, intent.effect.event);
/// }
/// # Ok(())
/// # }
/// ```
pub fn intents<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>, event: &OutEvent) -> Vec<Intent> {
    let wants = |endpoint: &&Endpoint| endpoint.is_enabled() && endpoint.events.contains(&event.kind);
    let intent = |endpoint: &Endpoint| Intent {
        effect: EffectKey {
            source: event.source.clone(),
            event: event.id.clone(),
            step: format!("deliver:{}", endpoint.id),
        },
        queue: endpoint.queue(),
        subject: event.subject.clone(),
        body: event.body.clone(),
        after: Duration::ZERO,
    };
    endpoints.into_iter().filter(wants).map(intent).collect()
}

/// The `webhook-id` of an effect: the same in every attempt and replay, and another one for every endpoint.
pub fn message_id(effect: &EffectKey) -> String {
    let mut hash = Sha256::new();
    for part in [&effect.source, &effect.event, &effect.step] {
        // The length separates the parts: without it, `a` + `bc` would be `ab` + `c`.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("msg_{}", hex(&hash.finalize()[..16]))
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Secret,
        endpoint::{Disabled, EndpointId, NewEndpoint},
    };
    use proptest::prelude::*;

    fn endpoint(number: u128, events: &[&str]) -> Endpoint {
        let id = EndpointId::from_uuid(uuid::Uuid::from_u128(number));
        let new = NewEndpoint::parse("https://x.example/", "", events, None).unwrap();
        let now = "2026-11-21T09:30:00Z".parse().unwrap();
        new.with_id(id, || Secret::generate(&[1; 32]), now)
    }

    fn event(body: &str) -> Result<OutEvent, Faults> {
        OutEvent::new("center", "evt-1", "call.ended", Some("call-1"), body.to_owned())
    }

    #[test]
    fn every_enabled_endpoint_that_wants_the_type_is_owed_it() {
        let mut off = endpoint(3, &["*"]);
        off.disabled = Some(Disabled {
            why: "gone".into(),
            at: off.created,
        });
        let endpoints = [
            endpoint(1, &["*"]),
            endpoint(2, &["call.started"]),
            off,
            endpoint(4, &["call.started", "call.ended"]),
        ];
        let owed = intents(&endpoints, &event(r#"{ "a" : 1.0 }"#).unwrap());
        let queues: Vec<_> = owed.iter().map(|intent| intent.queue.clone()).collect();
        assert_eq!(queues, [endpoints[0].queue(), endpoints[3].queue()]);
        assert_eq!(owed[0].effect.step, format!("deliver:{}", endpoints[0].id));
        assert_eq!(owed[0].subject.as_deref(), Some("call-1"));
        assert_eq!(owed[0].body, r#"{ "a" : 1.0 }"#, "byte for byte");
        assert_ne!(message_id(&owed[0].effect), message_id(&owed[1].effect));
    }

    #[test]
    fn the_id_of_a_message_never_changes() {
        // Receivers know messages by it across our releases.
        let effect = EffectKey {
            source: "center".into(),
            event: "evt-1".into(),
            step: "deliver:ep_1".into(),
        };
        assert_eq!(message_id(&effect), "msg_d48e369367b03542dd782081c4f2b387");
    }

    #[test]
    fn all_faults_of_an_event_are_told_at_once() {
        let faults = OutEvent::new("", &"x".repeat(257), "no type", Some(""), "{".into());
        assert_eq!(
            faults.unwrap_err().into_vec(),
            [
                "the event's source must be 1 to 256 bytes long",
                "the event's id must be 1 to 256 bytes long",
                "the event's subject must be 1 to 256 bytes long",
                r#""no type" is no type of events; write it like call.ended"#,
                "the body is not JSON: EOF while parsing an object at line 1 column 1",
            ]
        );
        let zero = OutEvent::new("center", "evt-1", "call.ended", Some("call\0"), "{}".into());
        assert_eq!(
            zero.unwrap_err().into_vec(),
            ["the event's subject must have no control characters"]
        );
        let fits = format!("\"{}\"", "x".repeat(LARGEST_BODY - 2));
        assert!(event(&fits).is_ok());
        assert_eq!(
            event(&format!("{fits} ")).unwrap_err().into_vec(),
            ["the body has 1048577 bytes, of 1048576 at most"]
        );
    }

    proptest! {
        #[test]
        fn different_effects_have_different_ids(a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}") {
            let effect = |source: &str, event: &str| EffectKey {
                source: source.into(), event: event.into(), step: "s".into(),
            };
            let (one, other) = (effect(&a, &b), effect(&c, &d));
            prop_assert_eq!(message_id(&one) == message_id(&other), one == other);
            prop_assert!(crate::signature::is_id(&message_id(&one)));
        }
    }
}
