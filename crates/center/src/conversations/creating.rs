//! A new conversation.

use super::{
    Conversations, MOST_TRIES,
    changing::{Cause, drafted, due},
    draft::Draft,
    entries::Note,
    kept::{Brief, CONVERSATION, Facts, Kept, from_ms, read},
    live::Live,
    rooms::Room,
    trouble::Trouble,
};
use crate::once::{Looked, Once};
use std::sync::Arc;
use store::{Committed, Expect, Put};
use wire::{
    UtcTime,
    conversation::{Conversation, NewConversation},
    ids::ConversationId,
};

impl Conversations {
    /// Creates a conversation, and lets its bot begin. For a key that one was created under, it answers as it did then, and says so.
    pub(super) async fn create(
        self: &Arc<Self>,
        new: NewConversation,
        once: Option<Once>,
        cause: &Cause,
    ) -> Result<(Conversation, bool), Trouble> {
        let id = new.id.clone();
        let room = self.rooms.room(&id);
        let mut place = room.live.lock().await;
        let created = self.create_in(&room, &mut place, new, once, cause).await;
        let is_empty = place.is_none();
        drop(place);
        if is_empty {
            self.rooms.forget(&id, room);
        }
        created
    }

    async fn create_in(
        self: &Arc<Self>,
        room: &Arc<Room>,
        place: &mut Option<Live>,
        new: NewConversation,
        once: Option<Once>,
        cause: &Cause,
    ) -> Result<(Conversation, bool), Trouble> {
        for _ in 0..MOST_TRIES {
            let looked = match &once {
                Some(once) => once.look::<ConversationId>(&self.store).await?,
                None => Looked::Unused(Expect::Absent),
            };
            let expect = match looked {
                Looked::Made { .. } => return Ok((self.as_created(new, cause).await?, true)),
                Looked::OtherBody => return Err(Trouble::OtherBody),
                Looked::Unused(expect) => expect,
            };
            if let Some(live) = place {
                return Err(Trouble::Exists(new.id, live.kept.state));
            }
            let noted = once.as_ref().map(|once| once.put(new.id.as_str(), true, expect));
            *place = self.begin(new.clone(), noted, cause).await?;
            if let Some(live) = place {
                self.follow(room, &new.id, live);
                return Ok((live.view(&new.id), false));
            }
            *place = self.load(room, &new.id).await?;
        }
        Err(Trouble::Busy)
    }

    /// The conversation, once it is durable; `None` when there is one with its id, or something was made for its key.
    async fn begin(
        &self,
        new: NewConversation,
        noted: Option<Put>,
        cause: &Cause,
    ) -> Result<Option<Live>, store::Error> {
        let stamp = self.stamps.begin(0);
        let mut draft = self.new_draft(new, from_ms(stamp.ms), cause);
        let (turns, mut commit) = drafted(&draft, stamp.ms, cause);
        commit
            .records
            .insert(0, draft.kept.put(&draft.id, Expect::Absent));
        commit.records.push(draft.facts.put(&draft.id));
        commit.records.extend(noted);
        commit
            .terms
            .push(draft.kept.terms(&draft.id, due(&draft.kept, &draft.bot)));
        commit.terms.push(draft.facts.terms(&draft.id));
        for (record, terms) in draft.facts.people(&draft.id) {
            commit.records.push(record);
            commit.terms.push(terms);
        }
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

    /// What a conversation was when it was created, however it stands now. The request is the same, and so is what the bot began with.
    async fn as_created(&self, new: NewConversation, cause: &Cause) -> Result<Conversation, Trouble> {
        let record = self.store.record(CONVERSATION, new.id.as_str()).await?;
        let brief = record.and_then(|record| read::<Brief>(&record.body));
        let brief = brief.ok_or_else(|| Trouble::Unknown(new.id.clone()))?;
        let draft = self.new_draft(new, brief.created, cause);
        Ok(draft.kept.view(&draft.id, &draft.facts, 1))
    }

    /// A conversation that is created at `now`, with what its bot says first.
    fn new_draft(&self, new: NewConversation, now: UtcTime, cause: &Cause) -> Draft {
        let kept = Kept::new(&new, now);
        let bot = self.bot_of(kept.bot_id.as_deref());
        let facts = Facts {
            participants: new.participants,
            context: new.context,
        };
        let context = Arc::new(facts.context.to_value());
        let mut draft = self.draft_of(new.id, kept, (Arc::new(facts), context), bot, cause);
        draft.now = now;
        let state = serde_json::json!({"state": new.state});
        draft.notes.push(Note::of("conversation.created", state));
        draft.begin();
        draft
    }
}
