//! A conversation as it is kept: what changes with every turn, what seldom does, and what was said.

use super::people::{names_of, person};
use crate::once::hashed;
use flow::bot::{Act, CallRequest, Dialogue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::VecDeque, time::Duration};
use store::{Expect, MOST_TERMS, Put, Terms};
use wire::{
    UtcTime,
    conversation::{
        BotTrace, Context, Conversation, ConversationSummary, ConversationType, Direction, Interaction,
        NewConversation, Participant, Posted, State, Traits,
    },
    ids::{ConversationId, InteractionId},
};

/// The records of what changes with every turn.
pub(super) const CONVERSATION: &str = "conversation";
/// The records of participants and contexts.
pub(super) const FACTS: &str = "conversation-facts";
/// The records of what was said: those of one commit are together.
pub(super) const TURN: &str = "conversation-turn";
/// The records by which a conversation's customers are found that have more names than its facts have terms.
pub(super) const PEOPLE: &str = "conversation-people";
/// The term of all conversations, by when they changed.
pub(super) const LIST: &str = "list";
/// The term of the conversations that owe something, by when it is due.
pub(super) const OWES: &str = "owes";

/// The keys of a session in which a bot says how it stands.
const OF_BOT: [&str; 3] = ["intent", "step", "slots"];

/// After so many bytes of text, a record of what was said at once is followed by another one. As JSON it is at most six times that.
const MOST_TURN_BYTES: usize = 64 * 1024;
/// The longest record of a conversation, well below what a store keeps.
const MOST_BYTES: usize = store::MOST_BODY / 8 * 7;

/// Most messages that are remembered as not answered; then the oldest goes.
const MOST_OPEN_MESSAGES: usize = 16;
/// Most answer times that are kept of a conversation; then the oldest goes.
const MOST_TIMES: usize = 64;

/// What changes with every turn; small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kept {
    #[serde(rename = "type")]
    pub(super) kind: ConversationType,
    pub(super) state: State,
    /// The bot's id, whether or not it is known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bot_id: Option<String>,
    /// What the customer talks by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<String>,
    #[serde(default)]
    pub(super) resolved: bool,
    #[serde(default)]
    pub(super) escalated: bool,
    pub(super) created: UtcTime,
    pub(super) updated: UtcTime,
    pub(super) last_sequence: u64,
    /// How many messages the customers sent.
    pub(super) turns: u64,
    /// The size of the context as its client set it, in bytes.
    pub(super) context_bytes: usize,
    /// The version of its facts: of those that are read with this, another version is of another time. 0 when it is not known.
    #[serde(default)]
    pub(super) facts_version: i64,
    /// By how much the conversation's clock is ahead.
    #[serde(default)]
    pub(super) ahead_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dialogue: Option<Dialogue>,
    /// What a bot without a dialogue here (a webhook) has set.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) slots: Map<String, Value>,
    /// What is to happen later, in order, by the conversation's clock.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(super) owed: VecDeque<Owed>,
    /// What is asked of others, and not answered yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) errands: Vec<Errand>,
    /// How many errands there were.
    #[serde(default)]
    pub(super) errands_sent: u64,
    /// Since when the customer says nothing, by the conversation's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) silent_since: Option<UtcTime>,
    /// The customers' messages that are not answered, and when they came, by the conversation's clock.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(super) open_messages: VecDeque<(InteractionId, UtcTime)>,
    /// How long answers took, in microseconds.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(super) times_us: VecDeque<u64>,
}

/// A bot's act that is to happen later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owed {
    pub(super) due: UtcTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<InteractionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<BotTrace>,
    pub(super) act: Act,
}

/// Something that somebody else is asked for a bot. It is asked again after a restart, under the same number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Errand {
    /// Counts the errands of a conversation, from 1.
    pub(crate) number: u64,
    /// The message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<InteractionId>,
    /// When it began, by the conversation's clock.
    pub(crate) since: UtcTime,
    pub(crate) what: What,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub(crate) enum What {
    /// A dialogue's call-out.
    Call {
        /// The dialogue's own number of it.
        call: u64,
        name: String,
        request: CallRequest,
    },
    /// A webhook bot is told of a message, and asked for answers.
    Message {
        interaction: InteractionId,
        sequence: u64,
        text: String,
    },
}

/// What seldom changes; may be large.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) participants: Vec<Participant>,
    /// As the client set it.
    pub(super) context: Context,
}

/// What was said at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Turn {
    pub(super) interactions: Vec<Interaction>,
    /// The idempotency key of the message that it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Key>,
}

/// An idempotency key of a client, and what it was used for, as hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) body: String,
}

impl Key {
    /// The key of a request.
    pub(super) fn new(client: &str, key: &str, body: &str) -> Self {
        Self {
            id: hashed(&[client, key]),
            body: hashed(&[body]),
        }
    }

    /// The term of what was said under it; no conversation's id has a slash.
    pub(super) fn term(&self, id: &ConversationId) -> String {
        format!("key/{}", hashed(&[id.as_str(), &self.id]))
    }
}

impl Kept {
    /// A conversation in which nothing has happened yet.
    pub(super) fn new(new: &NewConversation, now: UtcTime) -> Self {
        Self {
            kind: new.kind,
            state: new.state,
            bot_id: new.bot_instance().map(str::to_owned),
            channel: new.customer().and_then(|customer| customer.channel.clone()),
            resolved: false,
            escalated: false,
            created: now,
            updated: now,
            last_sequence: 0,
            turns: 0,
            context_bytes: new.context.size_bytes(),
            facts_version: 1,
            ahead_ms: 0,
            dialogue: None,
            slots: Map::new(),
            owed: VecDeque::new(),
            errands: Vec::new(),
            errands_sent: 0,
            silent_since: None,
            open_messages: VecDeque::new(),
            times_us: VecDeque::new(),
        }
    }

    /// The conversation's own time when it is `now` elsewhere.
    pub(super) fn own_time(&self, now: UtcTime) -> UtcTime {
        now.after(Duration::from_millis(self.ahead_ms))
    }

    /// Its facts are written with it.
    pub(super) fn renew_facts(&mut self) {
        self.facts_version += i64::from(self.facts_version > 0);
    }

    /// Notes that a customer waits for an answer.
    pub(super) fn asked(&mut self, message: InteractionId, now: UtcTime) {
        if self.open_messages.len() >= MOST_OPEN_MESSAGES {
            self.open_messages.pop_front();
        }
        self.open_messages.push_back((message, now));
    }

    /// When a message came that is answered now, for the first time.
    pub(super) fn answered(&mut self, message: &InteractionId) -> Option<UtcTime> {
        let at = self.open_messages.iter().position(|(id, _)| id == message)?;
        self.open_messages.remove(at).map(|(_, asked)| asked)
    }

    /// Notes how long an answer took.
    pub(super) fn took(&mut self, time: Duration) {
        if self.times_us.len() >= MOST_TIMES {
            self.times_us.pop_front();
        }
        self.times_us
            .push_back(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// The conversation as it is shown: of the session's keys, three are the bot's.
    pub(super) fn view(&self, id: &ConversationId, facts: &Facts, version: i64) -> Conversation {
        Conversation {
            id: id.clone(),
            kind: self.kind,
            state: self.state,
            participants: facts.participants.clone(),
            context: self.context(facts),
            bot_id: self.bot_id.clone(),
            resolved: self.resolved,
            escalated: self.escalated,
            created_date: self.created,
            updated_date: self.updated,
            version: u64::try_from(version).unwrap_or_default(),
        }
    }

    /// The client's context with what the bot says of itself: `botSession.intent`, `.step` and `.slots`.
    pub(super) fn context(&self, facts: &Facts) -> Context {
        let mut context = facts.context.clone();
        if let Some(dialogue) = &self.dialogue {
            let session = context.session_mut();
            let [intent, step, slots] = OF_BOT;
            for (name, value) in [(intent, dialogue.intent()), (step, dialogue.step())] {
                if value.is_some() || session.get(name).is_some() {
                    session.set(name, value.into());
                }
            }
            session.set(slots, Value::Object(dialogue.slots().clone()));
        } else if !self.slots.is_empty() {
            context
                .session_mut()
                .set("slots", Value::Object(self.slots.clone()));
        }
        context
    }

    /// Of a context, what is the client's: what the bot says of itself is not, when it comes back as it was shown.
    pub(super) fn of_client(&self, mut given: Context, facts: &Facts) -> Context {
        let shown = self.context(facts);
        let (Some(session), Some(shown)) = (&mut given.session, &shown.session) else {
            return given;
        };
        let own = facts.context.session.as_ref();
        let mut is_bots = false;
        for name in OF_BOT {
            if session.get(name).is_none() || session.get(name) != shown.get(name) {
                continue;
            }
            match own.and_then(|own| own.get(name)) {
                Some(own) => session.set(name, own.clone()),
                None => is_bots |= session.remove(name).is_some(),
            }
        }
        if is_bots && session.is_empty() && own.is_none() {
            given.session = None;
        }
        given
    }

    /// The write that keeps it. What a bot owes is given up when there is more of it than can be kept: no bot may make
    /// a conversation that can't be written any more.
    pub(super) fn put(&mut self, id: &ConversationId, expect: Expect) -> Put {
        let whole = put(CONVERSATION, id.as_str(), self, expect);
        if whole.body.as_ref().is_none_or(|body| body.len() <= MOST_BYTES) {
            return whole;
        }
        tracing::error!(%id, "a bot owes more than can be kept; its dialogue is given up");
        self.owed.clear();
        self.errands.clear();
        self.slots.clear();
        self.dialogue = None;
        put(CONVERSATION, id.as_str(), self, expect)
    }

    /// How it is found. `due`: when it owes something, by the clock of the center.
    pub(super) fn terms(&self, id: &ConversationId, due: Option<i64>) -> Terms {
        let list = (LIST.to_owned(), to_ms(self.updated));
        let owes = due.map(|due| (OWES.to_owned(), due));
        Terms {
            kind: CONVERSATION.into(),
            id: id.to_string(),
            terms: [list].into_iter().chain(owes).collect(),
        }
    }
}

impl Facts {
    /// The direction of what a participant says: one whom nobody knows is the customer.
    pub(super) fn direction_of(&self, participant: &wire::ids::ParticipantId) -> Direction {
        let known = self.participants.iter().find(|known| known.id == *participant);
        known.map_or(Direction::Inbound, |known| known.direction)
    }

    /// Who stands for the bot: its answers are that participant's.
    pub(super) fn bot(&self) -> Option<&Participant> {
        self.participants
            .iter()
            .find(|participant| participant.bot_instance().is_some())
    }

    /// By whom it is found: the first of its customers' names.
    pub(super) fn terms(&self, id: &ConversationId) -> Terms {
        let names = names_of(&self.participants).into_iter().take(MOST_TERMS);
        Terms {
            kind: FACTS.into(),
            id: id.to_string(),
            terms: names.map(|name| (person(&name), 0)).collect(),
        }
    }

    /// The other names: records of no content, which are found by them and by the conversation.
    pub(super) fn people(&self, id: &ConversationId) -> Vec<(Put, Terms)> {
        let names = names_of(&self.participants);
        let others = names.get(MOST_TERMS..).unwrap_or_default();
        let portions = others.chunks(MOST_TERMS - 1).enumerate();
        let record = portions.map(|(at, names)| {
            let record = format!("{id}/{at}");
            let names = names.iter().map(|name| (person(name), 0));
            let terms = Terms {
                kind: PEOPLE.into(),
                id: record.clone(),
                terms: names.chain([(id.to_string(), 0)]).collect(),
            };
            (put(PEOPLE, &record, &Map::new(), Expect::Any), terms)
        });
        record.collect()
    }

    pub(super) fn put(&self, id: &ConversationId) -> Put {
        // Only with the conversation's own record, whose version is checked.
        put(FACTS, id.as_str(), self, Expect::Any)
    }
}

impl Turn {
    /// What was said, as records: seldom more than one. A message with an idempotency key begins one.
    pub(super) fn of(said: &[Interaction], keyed: Option<&(Key, u64)>) -> Vec<Self> {
        let mut turns: Vec<Self> = Vec::new();
        let mut bytes = 0;
        for one in said {
            let key = keyed
                .filter(|(_, sequence)| *sequence == one.sequence)
                .map(|(key, _)| key.clone());
            match turns.last_mut() {
                Some(last) if key.is_none() && bytes < MOST_TURN_BYTES => last.interactions.push(one.clone()),
                _ => {
                    bytes = 0;
                    let interactions = vec![one.clone()];
                    turns.push(Self { interactions, key });
                }
            }
            bytes += one.text.len();
        }
        turns
    }

    /// The message that it begins with.
    pub(super) fn posted(&self) -> Option<Posted> {
        let first = self.interactions.first()?;
        Some(Posted {
            id: first.id.clone(),
            sequence: first.sequence,
        })
    }

    pub(super) fn put(&self, id: &ConversationId, expect: Expect) -> Put {
        put(TURN, &self.id(id), self, expect)
    }

    /// It is found by its conversation, at the place of its last interaction, by its key, and by the customers in it who are not
    /// listed among the participants.
    pub(super) fn terms(&self, id: &ConversationId, participants: &[Participant]) -> Terms {
        let last = self.interactions.last().map_or(0, |last| last.sequence);
        let of_conversation = (id.to_string(), i64::try_from(last).unwrap_or(i64::MAX));
        let of_key = self.key.iter().map(|key| (key.term(id), 0));
        let is_listed = |one: &Interaction| participants.iter().any(|known| known.id == one.participant_id);
        let strangers = self.interactions.iter().filter(|one| !is_listed(one));
        let strangers = strangers.map(|one| (person(one.participant_id.as_str()), 0));
        let terms = [of_conversation].into_iter().chain(of_key).chain(strangers);
        Terms {
            kind: TURN.into(),
            id: self.id(id),
            // A message begins its turn: who said it is the first of them.
            terms: terms.take(MOST_TERMS).collect(),
        }
    }

    fn id(&self, id: &ConversationId) -> String {
        let first = self.interactions.first().map_or(0, |first| first.sequence);
        format!("{id}/{first}")
    }
}

/// Of a conversation's record, what lists and reports need.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Brief {
    #[serde(rename = "type")]
    kind: ConversationType,
    state: State,
    #[serde(default)]
    bot_id: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    resolved: bool,
    #[serde(default)]
    escalated: bool,
    pub(super) created: UtcTime,
    updated: UtcTime,
    last_sequence: u64,
    pub(super) turns: u64,
    #[serde(default)]
    pub(super) times_us: Vec<u64>,
}

impl From<Kept> for Brief {
    fn from(kept: Kept) -> Self {
        Self {
            kind: kept.kind,
            state: kept.state,
            bot_id: kept.bot_id,
            channel: kept.channel,
            resolved: kept.resolved,
            escalated: kept.escalated,
            created: kept.created,
            updated: kept.updated,
            last_sequence: kept.last_sequence,
            turns: kept.turns,
            times_us: kept.times_us.into(),
        }
    }
}

impl Brief {
    pub(super) fn summary<E>(
        self,
        id: ConversationId,
        version: i64,
        expanded: Option<E>,
    ) -> ConversationSummary<E> {
        ConversationSummary {
            id,
            kind: Some(self.kind),
            state: self.state,
            created_date: Some(self.created),
            updated_date: self.updated,
            bot_id: self.bot_id,
            resolved: self.resolved,
            escalated: self.escalated,
            version: u64::try_from(version).unwrap_or_default(),
            last_sequence: self.last_sequence,
            expanded,
        }
    }

    pub(super) fn traits(&self) -> Traits<'_> {
        Traits {
            bot_id: self.bot_id.as_deref(),
            state: self.state,
            resolved: self.resolved,
            escalated: self.escalated,
            channel: self.channel.as_deref(),
        }
    }
}

pub(super) fn put<T: Serialize>(kind: &str, id: &str, body: &T, expect: Expect) -> Put {
    Put {
        kind: kind.into(),
        id: id.to_owned(),
        // Texts, numbers, and maps with texts for keys: that always can be written as JSON.
        body: Some(serde_json::to_string(body).unwrap_or_default()),
        expect,
    }
}

/// Reads a record's body.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Option<T> {
    serde_json::from_str(body)
        .inspect_err(|error| tracing::error!(%error, "a conversation in the store can't be read"))
        .ok()
}

/// Milliseconds since 1970.
pub(super) fn to_ms(time: UtcTime) -> i64 {
    time.timestamp().as_millisecond()
}

/// The time so many milliseconds after 1970.
pub(super) fn from_ms(ms: i64) -> UtcTime {
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::MAX)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[usize]) -> Vec<Interaction> {
        let one = |(at, length): (usize, &usize)| {
            let text = "x".repeat(*length);
            let sequence = at as u64 + 1;
            serde_json::from_value(serde_json::json!({"id": format!("int-{sequence}"), "sequence": sequence, "direction": "inbound",
                "type": "message", "text": text, "read": false, "createdDate": "2026-11-21T09:30:00.000Z", "participantId": "u"}))
            .unwrap()
        };
        texts.iter().enumerate().map(one).collect()
    }

    fn sequences(turns: &[Turn]) -> Vec<Vec<u64>> {
        let of = |turn: &Turn| turn.interactions.iter().map(|one| one.sequence).collect();
        turns.iter().map(of).collect()
    }

    #[test]
    fn what_is_said_at_once_is_one_record_unless_it_is_long() {
        assert_eq!(sequences(&Turn::of(&[], None)), Vec::<Vec<u64>>::new());
        assert_eq!(sequences(&Turn::of(&said(&[1, 2, 3]), None)), [[1, 2, 3]]);
        let long = Turn::of(&said(&[40_000, 40_000, 40_000, 1]), None);
        assert_eq!(sequences(&long), [[1, 2], [3, 4]]);
        let most = "\u{1}".repeat(10_000);
        let mut worst = said(&[0; 50]);
        worst.iter_mut().for_each(|one| one.text.clone_from(&most));
        let id = "c".parse().unwrap();
        let bodies = Turn::of(&worst, None)
            .into_iter()
            .map(|turn| turn.put(&id, Expect::Absent).body.unwrap().len());
        assert!(bodies.into_iter().all(|length| length < store::MOST_BODY));
    }

    #[test]
    fn a_message_with_a_key_begins_its_record() {
        let key = Key::new("alice", "k", "body");
        let turns = Turn::of(&said(&[1, 1, 1, 1]), Some(&(key.clone(), 3)));
        assert_eq!(sequences(&turns), [[1, 2], [3, 4]]);
        assert_eq!((&turns[0].key, &turns[1].key), (&None, &Some(key)));
    }

    #[test]
    fn keys_of_clients_and_bodies_are_apart() {
        let key = Key::new("alice", "k", "body");
        assert_eq!(key, Key::new("alice", "k", "body"));
        assert_eq!(key.id, Key::new("alice", "k", "other").id);
        assert_ne!(key.body, Key::new("alice", "k", "other").body);
        assert_ne!(key.id, Key::new("alic", "ek", "body").id);
    }
}
