//! A conversation in memory: as it stands, and what was said last.

use super::{
    MOST_TRIES,
    bot::Bot,
    kept::{CONVERSATION, FACTS, Facts, Kept, Key, Turn, read},
    said::turns_of,
};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use store::Store;
use wire::{
    conversation::{Conversation, Interaction, InteractionsAsked, Order, Posted},
    ids::ConversationId,
};

/// Most interactions that are kept in memory of a conversation, and about how many bytes of them.
const MOST_RECENT: usize = 200;
const MOST_RECENT_BYTES: usize = 128 * 1024;
/// About what an interaction takes besides its text.
const INTERACTION_BYTES: usize = 300;
/// About what a key takes, and what a conversation takes besides.
const KEY_BYTES: usize = 400;
const ROOM_BYTES: usize = 2_000;
/// Most idempotency keys that are kept in memory of a conversation: those of its last messages.
const MOST_KEYS: usize = 1_000;

/// A conversation as it stands.
pub(super) struct Live {
    pub(super) kept: Kept,
    /// The version of its record.
    pub(super) version: i64,
    pub(super) facts: Arc<Facts>,
    /// The client's context as a value.
    pub(super) context: Arc<Value>,
    pub(super) bot: Bot,
    /// How many bytes its two records have.
    kept_bytes: usize,
    facts_bytes: usize,
    recent: Recent,
}

/// What an idempotency key was used for.
pub(super) enum Used<'a> {
    /// For this message, with this hash of the request's body.
    For(&'a Posted, &'a str),
    /// For nothing.
    Nothing,
    /// The store knows.
    Unknown,
}

/// What was said last, without gaps.
#[derive(Default)]
struct Recent {
    interactions: VecDeque<Arc<Interaction>>,
    bytes: usize,
    /// Nothing was said before.
    is_all: bool,
    keys: HashMap<String, (Posted, String)>,
    /// There are no others.
    has_all_keys: bool,
    /// The keys by age.
    ages: VecDeque<String>,
}

impl Live {
    /// One that was just created.
    pub(super) fn new(
        kept: Kept,
        facts: Arc<Facts>,
        context: Arc<Value>,
        bot: Bot,
        turns: Vec<Turn>,
    ) -> Self {
        let mut live = Self {
            kept_bytes: json_bytes(&kept),
            facts_bytes: json_bytes(&*facts),
            kept,
            version: 1,
            facts,
            context,
            bot,
            recent: Recent {
                is_all: true,
                has_all_keys: true,
                ..Recent::default()
            },
        };
        turns.into_iter().for_each(|turn| live.said(turn));
        live
    }

    /// The conversation from the store; `bot_of` finds its bot.
    pub(super) async fn load(
        store: &Store,
        id: &ConversationId,
        bot_of: impl FnOnce(Option<&str>) -> Bot,
    ) -> Result<Option<Self>, store::Error> {
        let Some((kept, facts, version)) = load_head(store, id).await? else {
            return Ok(None);
        };
        let bot = bot_of(kept.bot_id.as_deref());
        let mut live = Self {
            kept_bytes: json_bytes(&kept),
            facts_bytes: json_bytes(&facts),
            kept,
            version,
            context: Arc::new(facts.context.to_value()),
            facts: Arc::new(facts),
            bot,
            recent: Recent::default(),
        };
        live.recent = Recent::load(store, id).await?;
        Ok(Some(live))
    }

    /// The conversation as it is shown.
    pub(super) fn view(&self, id: &ConversationId) -> Conversation {
        self.kept.view(id, &self.facts, self.version)
    }

    /// What was said at once is remembered.
    pub(super) fn said(&mut self, turn: Turn) {
        self.recent.remember(&turn);
        for interaction in turn.interactions {
            self.recent.push(Arc::new(interaction));
        }
    }

    /// What an idempotency key was used for.
    pub(super) fn used(&self, key: &Key) -> Used<'_> {
        match self.recent.keys.get(&key.id) {
            Some((posted, body)) => Used::For(posted, body),
            None if self.recent.has_all_keys => Used::Nothing,
            None => Used::Unknown,
        }
    }

    /// What was asked for, if it is in memory.
    pub(super) fn heard(&self, asked: &InteractionsAsked) -> Option<Vec<Arc<Interaction>>> {
        let after = asked.after.unwrap_or(0);
        let next = after.saturating_add(1);
        let first = match self.recent.interactions.front() {
            _ if self.recent.is_all => 0,
            Some(first) => first.sequence,
            None => return None,
        };
        let newer = self.recent.interactions.iter().filter(|one| one.sequence > after);
        match asked.order {
            Order::Ascending => (next >= first).then(|| newer.take(asked.limit).cloned().collect()),
            Order::Descending => {
                let newest: Vec<_> = newer.rev().take(asked.limit).cloned().collect();
                let is_all = next >= first || newest.len() == asked.limit;
                is_all.then_some(newest)
            }
        }
    }

    /// It is written as this, with new facts if there are some.
    pub(super) fn written(&mut self, kept: Kept, kept_bytes: usize, facts: Option<Facts>) {
        (self.kept, self.kept_bytes) = (kept, kept_bytes);
        self.version += 1;
        if let Some(facts) = facts {
            self.facts_bytes = json_bytes(&facts);
            self.context = Arc::new(facts.context.to_value());
            self.facts = Arc::new(facts);
        }
    }

    /// About how many bytes it takes. The context is there twice, and values take more than their JSON.
    pub(super) fn bytes(&self) -> usize {
        let records = 2 * (self.kept_bytes + self.facts_bytes);
        records + self.recent.bytes + KEY_BYTES * self.recent.keys.len() + ROOM_BYTES
    }

    /// Marks an interaction as read in memory.
    pub(super) fn mark_read(&mut self, sequence: u64) {
        let found = self
            .recent
            .interactions
            .iter_mut()
            .find(|one| one.sequence == sequence);
        if let Some(one) = found {
            Arc::make_mut(one).read = true;
        }
    }
}

/// The two records of a conversation, and the version of the first. They are read one by one: when somebody writes them meanwhile, they
/// are read again, as the version must not vouch for facts of another time.
pub(super) async fn load_head(
    store: &Store,
    id: &ConversationId,
) -> Result<Option<(Kept, Facts, i64)>, store::Error> {
    for _ in 0..MOST_TRIES {
        let (record, facts) = tokio::try_join!(
            store.record(CONVERSATION, id.as_str()),
            store.record(FACTS, id.as_str())
        )?;
        let (Some(record), Some(facts)) = (record, facts) else {
            return Ok(None);
        };
        let Some((kept, read)) = read::<Kept>(&record.body).zip(read(&facts.body)) else {
            return Ok(None);
        };
        if kept.facts_version == facts.version || kept.facts_version == 0 {
            return Ok(Some((kept, read, record.version)));
        }
    }
    tracing::error!(%id, "the two records of a conversation do not belong together");
    Ok(None)
}

impl Recent {
    async fn load(store: &Store, id: &ConversationId) -> Result<Self, store::Error> {
        let mut recent = Self::default();
        let mut turns = turns_of(store, id, Order::Descending);
        while let Some((turn, _)) = turns.try_next().await? {
            recent.remember_older(&turn);
            recent.push_older(turn.interactions);
            if recent.is_full() {
                return Ok(recent);
            }
        }
        recent.has_all_keys = true;
        recent.is_all = recent
            .interactions
            .front()
            .is_none_or(|first| first.sequence == 1);
        Ok(recent)
    }

    fn is_full(&self) -> bool {
        self.interactions.len() >= MOST_RECENT || self.bytes >= MOST_RECENT_BYTES
    }

    /// What was said before, as long as there is room and no gap.
    fn push_older(&mut self, older: Vec<Interaction>) {
        for one in older.into_iter().rev() {
            let adjoins = self
                .interactions
                .front()
                .is_none_or(|first| first.sequence == one.sequence + 1);
            if self.is_full() || !adjoins {
                return;
            }
            self.bytes += bytes_of(&one);
            self.interactions.push_front(Arc::new(one));
        }
    }

    fn push(&mut self, one: Arc<Interaction>) {
        self.bytes += bytes_of(&one);
        self.interactions.push_back(one);
        while self.is_full()
            && self.interactions.len() > 1
            && let Some(old) = self.interactions.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(bytes_of(&old));
            self.is_all = false;
        }
    }

    fn remember(&mut self, turn: &Turn) {
        let (Some(key), Some(posted)) = (&turn.key, turn.posted()) else {
            return;
        };
        self.ages.push_back(key.id.clone());
        self.keys.insert(key.id.clone(), (posted, key.body.clone()));
        if self.ages.len() > MOST_KEYS
            && let Some(old) = self.ages.pop_front()
        {
            self.keys.remove(&old);
            self.has_all_keys = false;
        }
    }

    /// Of so few turns that there is room.
    fn remember_older(&mut self, turn: &Turn) {
        if let (Some(key), Some(posted)) = (&turn.key, turn.posted()) {
            self.ages.push_front(key.id.clone());
            self.keys.insert(key.id.clone(), (posted, key.body.clone()));
        }
    }
}

fn json_bytes<T: Serialize>(value: &T) -> usize {
    serde_json::to_string(value).map_or(0, |json| json.len())
}

fn bytes_of(one: &Interaction) -> usize {
    one.text.len() + INTERACTION_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::conversation::NewConversation;

    #[test]
    fn what_a_conversation_takes_is_counted_whatever_it_is() {
        let bytes = |profile: &str, slot: &str| {
            let new = json!({"id": "c", "type": "webchat", "participants": [
                {"id": "u", "direction": "inbound", "profile": {"note": profile}}]});
            let new = NewConversation::parse(&new.to_string()).unwrap();
            let mut kept = Kept::new(&new, "2026-11-21T09:30:00.000Z".parse().unwrap());
            kept.slots.insert("note".into(), slot.into());
            let facts = Facts {
                participants: new.participants,
                context: new.context,
            };
            Live::new(kept, Arc::new(facts), Arc::default(), Bot::None, Vec::new()).bytes()
        };
        let (least, long) = (bytes("", ""), "x".repeat(10_000));
        assert!(bytes(&long, "") >= least + 10_000);
        assert!(bytes("", &long) >= least + 10_000);
    }
}
