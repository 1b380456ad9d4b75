//! What is read of conversations: as they stand, what was said, and long polls.

use super::{
    Conversations,
    changing::Cause,
    kept::{CONVERSATION, Turn},
    live::{Live, load_head},
    rooms::Room,
    said::{from_store, turns_of},
    trouble::Trouble,
};
use futures_util::{TryStreamExt as _, future};
use std::{sync::Arc, time::Duration};
use store::Expect;
use tokio::time::{Instant, sleep_until, timeout_at};
use wire::{
    conversation::{Conversation, Interaction, InteractionsAsked, Order},
    ids::{ConversationId, InteractionId},
};

/// How often a long poll looks into a store that other centers write to, too.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Conversations {
    /// A conversation as it stands.
    pub(super) async fn view(&self, id: &ConversationId) -> Result<Conversation, Trouble> {
        if let Some(room) = self.rooms.existing(id) {
            let mut place = room.live.lock().await;
            if let Some(live) = self.current(&room, &mut place, id).await? {
                return Ok(live.view(id));
            }
        }
        let head = load_head(&self.store, id).await?;
        let (kept, facts, version) = head.ok_or_else(|| Trouble::Unknown(id.clone()))?;
        Ok(kept.view(id, &facts, version))
    }

    /// What was said; with a time to wait, as soon as there is something newer.
    pub(super) async fn heard(
        &self,
        id: &ConversationId,
        asked: &InteractionsAsked,
    ) -> Result<Vec<Arc<Interaction>>, Trouble> {
        if asked.wait_s > 0 {
            return self.heard_later(id, asked).await;
        }
        if let Some(room) = self.rooms.existing(id) {
            let mut place = room.live.lock().await;
            let live = self.current(&room, &mut place, id).await?;
            if let Some(heard) = live.and_then(|live| live.heard(asked)) {
                return Ok(heard);
            }
        }
        let heard = from_store(&self.store, id, asked).await?;
        if heard.is_empty() && self.store.record(CONVERSATION, id.as_str()).await?.is_none() {
            return Err(Trouble::Unknown(id.clone()));
        }
        Ok(heard)
    }

    async fn heard_later(
        &self,
        id: &ConversationId,
        asked: &InteractionsAsked,
    ) -> Result<Vec<Arc<Interaction>>, Trouble> {
        let deadline = Instant::now() + Duration::from_secs(asked.wait_s);
        let room = self.rooms.room(id);
        let mut seat = self.rooms.wait(&room)?;
        if let Err(trouble) = self.refresh(&room, id).await {
            drop(seat);
            self.rooms.forget(id, room);
            return Err(trouble);
        }
        let after = asked.after.unwrap_or(0);
        loop {
            if *seat.news.borrow_and_update() > after {
                return self.heard_now(&room, id, asked).await;
            }
            let look = match self.store.is_shared() {
                true => deadline.min(Instant::now() + LOOK_EVERY),
                false => deadline,
            };
            tokio::select! {
                changed = timeout_at(look, seat.news.changed()) => {
                    if changed.is_err() && look < deadline {
                        self.refresh(&room, id).await?;
                    }
                }
                () = self.closing.cancelled() => return Ok(Vec::new()),
                () = sleep_until(deadline) => return Ok(Vec::new()),
            }
        }
    }

    async fn heard_now(
        &self,
        room: &Room,
        id: &ConversationId,
        asked: &InteractionsAsked,
    ) -> Result<Vec<Arc<Interaction>>, Trouble> {
        let heard = room.live.lock().await.as_ref().and_then(|live| live.heard(asked));
        match heard {
            Some(heard) => Ok(heard),
            None => Ok(from_store(&self.store, id, asked).await?),
        }
    }

    /// Has the conversation in memory as the store has it.
    async fn refresh(&self, room: &Room, id: &ConversationId) -> Result<(), Trouble> {
        let mut place = room.live.lock().await;
        if self.current(room, &mut place, id).await?.is_none() {
            *place = self.load(room, id).await?;
        }
        match *place {
            Some(_) => Ok(()),
            None => Err(Trouble::Unknown(id.clone())),
        }
    }

    /// The conversation that is in memory, or the store's, if that is newer.
    async fn current<'a>(
        &self,
        room: &Room,
        place: &'a mut Option<Live>,
        id: &ConversationId,
    ) -> Result<Option<&'a Live>, Trouble> {
        if let Some(live) = place.as_ref()
            && !self.is_current(live, id).await?
        {
            *place = self.load(room, id).await?;
        }
        Ok(place.as_ref())
    }

    /// Whether the store has none that is newer: other centers may change it, and of one that is over the person may have been erased.
    pub(super) async fn is_current(&self, live: &Live, id: &ConversationId) -> Result<bool, store::Error> {
        if !self.store.is_shared() && !live.kept.state.is_over() {
            return Ok(true);
        }
        let record = self.store.record(CONVERSATION, id.as_str()).await?;
        Ok(record.is_some_and(|record| record.version == live.version))
    }

    /// Marks an interaction as read; false when it was marked before.
    pub(super) async fn mark(
        self: &Arc<Self>,
        id: &ConversationId,
        interaction: &InteractionId,
        cause: &Cause,
    ) -> Result<bool, Trouble> {
        for _ in 0..super::MOST_TRIES {
            let Some((mut turn, version)) = self.turn_with(id, interaction).await? else {
                self.view(id).await?;
                return Err(Trouble::NoInteraction(id.clone(), interaction.clone()));
            };
            let Some(one) = turn.interactions.iter_mut().find(|one| one.id == *interaction) else {
                return Ok(false);
            };
            if std::mem::replace(&mut one.read, true) {
                return Ok(false);
            }
            let sequence = one.sequence;
            let put = turn.put(id, Expect::Version(version));
            let marked = self.attempt(
                id,
                cause,
                Some(put),
                |_, _| Ok(()),
                |(), live| live.mark_read(sequence),
            );
            if marked.await?.is_some() {
                return Ok(true);
            }
        }
        Err(Trouble::Busy)
    }

    /// The record that an interaction is in, and its version.
    async fn turn_with(
        &self,
        id: &ConversationId,
        interaction: &InteractionId,
    ) -> Result<Option<(Turn, i64)>, Trouble> {
        let is_in = |(turn, _): &(Turn, i64)| turn.interactions.iter().any(|one| one.id == *interaction);
        let turns = turns_of(&self.store, id, Order::Descending);
        let mut found = turns.try_filter(|turn| future::ready(is_in(turn)));
        Ok(found.try_next().await?)
    }
}
