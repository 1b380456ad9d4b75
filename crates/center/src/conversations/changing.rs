//! One change of a conversation: under its lock, drafted, committed, told.

use super::{
    Bot, Conversations, MOST_TRIES,
    draft::{Draft, idle_due},
    entries::{self, Note},
    kept::{Facts, Kept, Key, Turn, from_ms, to_ms},
    live::{Live, Used},
    rooms::Room,
    said::under_key,
    trouble::Trouble,
};
use crate::clock::Clock;
use flow::Moment;
use serde_json::Value;
use std::sync::Arc;
use store::{Commit, Committed, Expect, Put};
use wire::{
    Faults,
    conversation::{Conversation, ConversationChange, IfMatch, NewInteraction, Posted, State},
    ids::{ConversationId, CorrelationId},
};

/// How long an errand has before another center may do it again.
const ERRAND_MS: i64 = 60_000;

/// The request that leads to a change.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    pub(super) received: Moment,
    pub(super) correlation: Option<CorrelationId>,
}

impl Conversations {
    /// Changes a conversation as `act` does with its draft, after what was due before. A draft that changes nothing is not written.
    pub(super) async fn alter<T>(
        self: &Arc<Self>,
        id: &ConversationId,
        cause: &Cause,
        act: impl FnMut(&mut Draft, &Live) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.alter_and_see(id, cause, act, |acted, _| acted).await
    }

    /// The same; `see` looks at what came of it before anybody else can change it.
    async fn alter_and_see<T, R>(
        self: &Arc<Self>,
        id: &ConversationId,
        cause: &Cause,
        mut act: impl FnMut(&mut Draft, &Live) -> Result<T, Trouble>,
        see: impl Fn(T, &mut Live) -> R,
    ) -> Result<R, Trouble> {
        for _ in 0..MOST_TRIES {
            let seen = self.attempt(id, cause, None, &mut act, &see).await?;
            if let Some(seen) = seen {
                return Ok(seen);
            }
        }
        Err(Trouble::Busy)
    }

    /// One try; `None` when somebody else changed the conversation meanwhile. `also` is written with it.
    pub(super) async fn attempt<T, R>(
        self: &Arc<Self>,
        id: &ConversationId,
        cause: &Cause,
        also: Option<Put>,
        mut act: impl FnMut(&mut Draft, &Live) -> Result<T, Trouble>,
        see: impl Fn(T, &mut Live) -> R,
    ) -> Result<Option<R>, Trouble> {
        let room = self.rooms.room(id);
        let mut place = room.live.lock().await;
        let is_fresh = place.is_none();
        if is_fresh {
            *place = self.load(&room, id).await?;
        }
        let Some(live) = place.as_mut() else {
            drop(place);
            self.rooms.forget(id, room);
            return Err(Trouble::Unknown(id.clone()));
        };
        let mut draft = self.draft(id, live, cause);
        draft.pass_time();
        let acted = act(&mut draft, live);
        let is_same = draft.kept == live.kept && draft.said.is_empty() && draft.new_facts.is_none();
        let is_unwritten = acted.is_err() || (is_same && also.is_none());
        // What is written is checked by its version; what is not must not be judged by what another center has changed since.
        if is_unwritten && !is_fresh && !self.is_current(live, id).await? {
            *place = None;
            return Ok(None);
        }
        let acted = acted?;
        if is_unwritten {
            self.follow(&room, id, live);
            return Ok(Some(see(acted, live)));
        }
        let written = self.write(&room, live, draft, cause, also).await;
        if matches!(written, Ok(true)) {
            return Ok(Some(see(acted, live)));
        }
        // What the store has by now is not known.
        *place = None;
        written.map(|_| None)
    }

    /// The conversation from the store, if it is there.
    pub(super) async fn load(&self, room: &Room, id: &ConversationId) -> Result<Option<Live>, store::Error> {
        let live = Live::load(&self.store, id, |bot| self.bot_of(bot)).await?;
        if let Some(live) = &live {
            self.rooms.told(room, live);
        }
        Ok(live)
    }

    fn draft(&self, id: &ConversationId, live: &Live, cause: &Cause) -> Draft {
        let facts = (live.facts.clone(), live.context.clone());
        self.draft_of(id.clone(), live.kept.clone(), facts, live.bot.clone(), cause)
    }

    /// A draft in which nothing has happened yet.
    pub(super) fn draft_of(
        &self,
        id: ConversationId,
        kept: Kept,
        (facts, context): (Arc<Facts>, Arc<Value>),
        bot: Bot,
        cause: &Cause,
    ) -> Draft {
        Draft {
            now: kept.own_time(Clock::utc_ms()),
            id,
            kept,
            said: Vec::new(),
            key: None,
            notes: Vec::new(),
            new_facts: None,
            bot,
            facts,
            context,
            clock: self.clock,
            received: cause.received,
            masks_personal: self.masks_personal,
        }
    }

    /// Writes a draft; false when the conversation is not as it was thought to be.
    async fn write(
        self: &Arc<Self>,
        room: &Arc<Room>,
        live: &mut Live,
        draft: Draft,
        cause: &Cause,
        also: Option<Put>,
    ) -> Result<bool, Trouble> {
        let id = draft.id.clone();
        let stamp = self.stamps.begin(to_ms(live.kept.updated));
        let (turns, mut commit) = drafted(&draft, stamp.ms, cause);
        let mut kept = draft.kept;
        kept.updated = from_ms(stamp.ms);
        let record = kept.put(&id, Expect::Version(live.version));
        let bytes = record.body.as_ref().map_or(0, String::len);
        commit.records.push(record);
        commit.records.extend(also);
        commit.terms.push(kept.terms(&id, due(&kept, &live.bot)));
        let committed = self.store.commit(commit).await?;
        drop(stamp);
        if committed != Committed::Done {
            return Ok(false);
        }
        live.written(kept, bytes, draft.new_facts);
        turns.into_iter().for_each(|turn| live.said(turn));
        self.follow(room, &id, live);
        Ok(true)
    }

    /// What follows from a change that is durable.
    pub(super) fn follow(self: &Arc<Self>, room: &Arc<Room>, id: &ConversationId, live: &Live) {
        self.rooms.told(room, live);
        self.arm(room, id, live);
        self.send_errands(id, live);
    }

    /// Sets the conversation's alarm, unless it is set early enough.
    fn arm(&self, room: &Room, id: &ConversationId, live: &Live) {
        let own = [
            live.kept.owed.front().map(|owed| owed.due),
            idle_due(&live.kept, &live.bot),
        ];
        let Some(own) = own.into_iter().flatten().min() else {
            return;
        };
        self.alarms.set(room, id, elsewhere(&live.kept, own));
    }

    /// Says something; the same again for the same key is what it was.
    pub(super) async fn say(
        self: &Arc<Self>,
        id: &ConversationId,
        new: NewInteraction,
        key: Option<Key>,
        cause: &Cause,
    ) -> Result<(Posted, bool), Trouble> {
        let said = self.say_if_known(id, &new, key.as_ref(), false, cause).await?;
        let (None, Some(key)) = (&said, &key) else {
            return said.ok_or(Trouble::Busy);
        };
        if let Some((posted, body)) = under_key(&self.store, id, key).await? {
            return replay(key, &posted, &body);
        }
        let said = self.say_if_known(id, &new, Some(key), true, cause).await?;
        said.ok_or(Trouble::Busy)
    }

    /// `None` when only the store knows whether the key was used, unless it `is_unused` there.
    async fn say_if_known(
        self: &Arc<Self>,
        id: &ConversationId,
        new: &NewInteraction,
        key: Option<&Key>,
        is_unused: bool,
        cause: &Cause,
    ) -> Result<Option<(Posted, bool)>, Trouble> {
        self.alter(id, cause, |draft, live| {
            if let Some(key) = key {
                match live.used(key) {
                    Used::For(posted, body) => return replay(key, posted, body).map(Some),
                    Used::Unknown if !is_unused => return Ok(None),
                    Used::Unknown | Used::Nothing => {}
                }
            }
            let posted = draft.say(new.clone())?;
            draft.key = key.cloned().map(|key| (key, posted.sequence));
            Ok(Some((posted, false)))
        })
        .await
    }

    /// Changes state or context.
    pub(super) async fn change(
        self: &Arc<Self>,
        id: &ConversationId,
        change: ConversationChange,
        condition: Option<IfMatch>,
        cause: &Cause,
    ) -> Result<Conversation, Trouble> {
        let act = |draft: &mut Draft, live: &Live| {
            let version = u64::try_from(live.version).unwrap_or_default();
            if condition
                .as_ref()
                .is_some_and(|condition| !condition.holds(version))
            {
                return Err(Trouble::OtherVersion(version));
            }
            let context = change.context.clone();
            let context = context.map(|context| live.kept.of_client(context, &live.facts));
            if let Some(context) = context.filter(|context| *context != live.facts.context) {
                if live.kept.state == State::Ended {
                    return Err(Trouble::Ended);
                }
                let is_small = context.check_size();
                is_small.map_err(|error| Trouble::Faults(Faults::one(error.to_string())))?;
                draft.kept.context_bytes = context.size_bytes();
                draft.kept.renew_facts();
                draft.context = Arc::new(context.to_value());
                draft.new_facts = Some(Facts {
                    context,
                    ..Facts::clone(&live.facts)
                });
                let bytes = serde_json::json!({"contextBytes": draft.kept.context_bytes});
                draft.notes.push(Note::of("conversation.context", bytes));
            }
            if let Some(next) = change.state {
                draft.go_to(next)?;
            }
            Ok(())
        };
        self.alter_and_see(id, cause, act, |(), live| live.view(id)).await
    }
}

/// What was said under a key, for who says it again.
fn replay(key: &Key, posted: &Posted, body: &str) -> Result<(Posted, bool), Trouble> {
    match key.body == body {
        true => Ok((posted.clone(), true)),
        false => Err(Trouble::OtherBody),
    }
}

/// What a draft is as a commit, but for the conversation's own record.
pub(super) fn drafted(draft: &Draft, stamp_ms: i64, cause: &Cause) -> (Vec<Turn>, Commit) {
    let turns = Turn::of(&draft.said, draft.key.as_ref());
    let facts = draft.new_facts.iter().map(|facts| facts.put(&draft.id));
    // Whose numbers these are is checked with the conversation's own record.
    let said = turns.iter().map(|turn| turn.put(&draft.id, Expect::Any));
    let participants = &draft.facts.participants;
    let terms = turns.iter().map(|turn| turn.terms(&draft.id, participants));
    let commit = Commit {
        records: said.chain(facts).collect(),
        terms: terms.collect(),
        audit: entries::of(draft, from_ms(stamp_ms), cause.correlation.as_ref()),
        ..Commit::default()
    };
    (turns, commit)
}

/// When somebody must look after a conversation, by the center's clock.
pub(super) fn due(kept: &Kept, bot: &Bot) -> Option<i64> {
    let owed = kept.owed.front().map(|owed| elsewhere(kept, owed.due));
    let idle = idle_due(kept, bot).map(|due| elsewhere(kept, due));
    let errand = kept
        .errands
        .first()
        .map(|errand| elsewhere(kept, errand.since).saturating_add(ERRAND_MS));
    [owed, idle, errand].into_iter().flatten().min()
}

/// A time of the conversation by the center's clock.
fn elsewhere(kept: &Kept, own: wire::UtcTime) -> i64 {
    to_ms(own).saturating_sub(i64::try_from(kept.ahead_ms).unwrap_or(i64::MAX))
}
