//! A new conversation.

use super::{
    Conversations,
    changing::{Cause, drafted, due},
    draft::Draft,
    entries::Note,
    kept::{Facts, Kept, Key, from_ms},
    live::Live,
    trouble::Trouble,
};
use std::{collections::VecDeque, sync::Arc};
use store::{Committed, Expect};
use wire::conversation::{Conversation, NewConversation};

impl Conversations {
    /// Creates a conversation, and lets its bot begin; or gives the one that was created under the same key, and says so.
    pub(super) async fn create(
        self: &Arc<Self>,
        new: NewConversation,
        key: Option<Key>,
        cause: &Cause,
    ) -> Result<(Conversation, bool), Trouble> {
        let id = new.id.clone();
        let room = self.rooms.room(&id);
        let mut place = room.live.lock().await;
        if place.is_none() {
            match self.begin(new, key.clone(), cause).await? {
                Some(live) => {
                    self.follow(&room, &id, &live);
                    let view = live.view(&id);
                    *place = Some(live);
                    return Ok((view, false));
                }
                None => *place = self.load(&room, &id).await?,
            }
        }
        let Some(live) = place.as_ref() else {
            return Err(Trouble::Busy);
        };
        match (&key, &live.facts.key) {
            (Some(key), Some(first)) if key == first => Ok((live.view(&id), true)),
            (Some(key), Some(first)) if key.id == first.id => Err(Trouble::OtherBody),
            _ => Err(Trouble::Exists(id, live.kept.state)),
        }
    }

    /// The conversation, once it is durable; `None` when there is one with its id.
    async fn begin(
        &self,
        new: NewConversation,
        key: Option<Key>,
        cause: &Cause,
    ) -> Result<Option<Live>, store::Error> {
        let stamp = self.stamps.begin(0);
        let now = from_ms(stamp.ms);
        let bot_id = new.bot_instance().map(str::to_owned);
        let bot = self.bot_of(bot_id.as_deref());
        let facts = Facts {
            participants: new.participants,
            context: new.context,
            key,
        };
        let kept = Kept {
            kind: new.kind,
            state: new.state,
            bot_id,
            channel: facts.customer().and_then(|customer| customer.channel.clone()),
            resolved: false,
            escalated: false,
            created: now,
            updated: now,
            last_sequence: 0,
            turns: 0,
            context_bytes: facts.context.size_bytes(),
            ahead_ms: 0,
            dialogue: None,
            slots: Default::default(),
            owed: VecDeque::new(),
            errands: Vec::new(),
            errands_sent: 0,
            silent_since: None,
            unanswered: None,
            times_us: VecDeque::new(),
        };
        let mut draft = Draft {
            id: new.id,
            kept,
            said: Vec::new(),
            key: None,
            notes: vec![Note::of(
                "conversation.created",
                serde_json::json!({"state": new.state}),
            )],
            new_facts: None,
            context: Arc::new(facts.context.to_value()),
            facts: Arc::new(facts),
            bot,
            now,
            clock: self.clock,
            received: cause.received,
            masks_personal: self.masks_personal,
        };
        draft.begin();
        let (turns, mut commit) = drafted(&draft, stamp.ms, cause);
        commit
            .records
            .insert(0, draft.kept.put(&draft.id, Expect::Absent));
        commit.records.push(draft.facts.put(&draft.id));
        commit
            .terms
            .push(draft.kept.terms(&draft.id, due(&draft.kept, &draft.bot)));
        commit.terms.push(draft.facts.terms(&draft.id));
        let committed = self.store.commit(commit).await?;
        drop(stamp);
        let Draft {
            kept,
            facts,
            context,
            bot,
            ..
        } = draft;
        Ok((committed == Committed::Done).then(|| Live::new(kept, facts, context, bot, turns)))
    }
}
