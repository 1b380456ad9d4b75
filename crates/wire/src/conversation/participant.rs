//! Who takes part in a conversation.

use super::context::size_of;
use crate::{Faults, fault::Object, ids::ParticipantId, words::words};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Most participants of a conversation.
pub const MOST_PARTICIPANTS: usize = 16;
/// The largest profile: bytes of its JSON.
pub const MAX_PROFILE_BYTES: usize = 16_384;
/// The longest name of a channel, in characters.
const LONGEST_CHANNEL: usize = 64;

words! {
    /// From where to where, seen from the contact centre.
    Direction {
        /// From the customer.
        Inbound = "inbound",
        /// To the customer.
        Outbound = "outbound",
    }
}

/// A participant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Its id, as its client chose it.
    pub id: ParticipantId,
    /// What it talks by, such as `webchat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Inbound is the customer; outbound a bot or an agent.
    pub direction: Direction,
    /// What is known of it: `firstName`, `lastName`, `email`, `customFields`; of a bot `name` and `botInstanceId`.
    #[serde(default)]
    pub profile: Map<String, Value>,
}

impl Participant {
    /// The bot it stands for: `profile.botInstanceId`, or what follows `bot-` in the id of one that is outbound.
    pub fn bot_instance(&self) -> Option<&str> {
        let named = self.profile.get("botInstanceId").and_then(Value::as_str);
        let of_id = || self.id.as_str().strip_prefix("bot-");
        named
            .or_else(of_id)
            .filter(|id| self.direction == Direction::Outbound && !id.is_empty())
    }

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let id = body.parsed("id", faults);
        let channel = body.short_text("channel", LONGEST_CHANNEL, faults);
        let direction = body.parsed("direction", faults);
        let profile = Self::read_profile(body, faults);
        Some(Self {
            id: id?,
            channel: channel.map(str::to_owned),
            direction: direction?,
            profile: profile?,
        })
    }

    fn read_profile(body: &Object<'_>, faults: &mut Faults) -> Option<Map<String, Value>> {
        let Some(value) = body.get("profile") else {
            return Some(Map::new());
        };
        let name = body.name("profile");
        Object::at(value, &name, faults)?;
        let size = size_of(value);
        if size > MAX_PROFILE_BYTES {
            faults.push(format!(
                "{name} has {size} bytes of JSON, at most {MAX_PROFILE_BYTES} are taken"
            ));
            return None;
        }
        value.as_object().cloned()
    }

    /// Reads the list `participants`: 1 to [`MOST_PARTICIPANTS`], each id once, a customer among them.
    pub(super) fn read_all(body: &Object<'_>, faults: &mut Faults) -> Option<Vec<Self>> {
        if !body.has("participants") {
            faults.push("participants is missing");
        }
        let listed = body.optional_list("participants", faults)?;
        if !(1..=MOST_PARTICIPANTS).contains(&listed.len()) {
            faults.push(format!(
                "participants must have 1 to {MOST_PARTICIPANTS} items, not {}",
                listed.len()
            ));
            return None;
        }
        let read = listed
            .iter()
            .enumerate()
            .map(|(at, item)| Self::read(&Object::at(item, &format!("participants[{at}]"), faults)?, faults));
        let read: Vec<Option<Self>> = read.collect();
        let all: Vec<Self> = read.into_iter().collect::<Option<_>>()?;
        check_all(&all, faults);
        Some(all)
    }
}

fn check_all(all: &[Participant], faults: &mut Faults) {
    let mut seen = HashSet::new();
    for (at, participant) in all.iter().enumerate() {
        if !seen.insert(&participant.id) {
            faults.push(format!(
                "participants[{at}].id {:?} is there twice",
                participant.id.as_str()
            ));
        }
    }
    let is_customer = |participant: &Participant| participant.direction == Direction::Inbound;
    if !all.iter().any(is_customer) {
        faults.push("participants must have a customer, with the direction inbound");
    }
}
