//! Reading the platform: its pages, and what they do not hold.

use super::Changed;
use client::{Changes, Conversations, Error};
use flow::sync::{Ask, Change};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::value::RawValue;
use wire::{
    UtcTime,
    conversation::{ConversationSummary, Expanded, Interaction, InteractionsAsked, MOST_ASKED},
    ids::ConversationId,
};

/// Conversations that are read at a time, where pages do not hold all of them.
const AT_A_TIME: usize = 8;

/// A page, as the machine takes it and as the platform gave it.
pub(super) struct Page {
    pub(super) asked_at: UtcTime,
    pub(super) listed: Vec<Listed>,
    pub(super) next: Option<String>,
}

/// A conversation of a page. What it is expanded to is read by whoever delivers it: the next page is asked for before that.
type Summary = ConversationSummary<Box<RawValue>>;

/// A conversation of a page, and its change.
pub(super) struct Listed {
    pub(super) change: Change,
    summary: Summary,
}

/// Reads one page after the other.
pub(super) struct Pages {
    conversations: Conversations,
    page_size: usize,
    walk: Option<Changes>,
}

impl Pages {
    pub(super) fn new(conversations: Conversations, page_size: usize) -> Self {
        Self {
            conversations,
            page_size,
            walk: None,
        }
    }

    /// Reads what the machine asks for. A walk holds on to the link of its next page by itself.
    pub(super) async fn read(&mut self, ask: Ask) -> Result<Page, Error> {
        if let Ask::Since(since) = ask {
            self.walk = Some(self.conversations.expanded(since, self.page_size));
        }
        let walk = match &mut self.walk {
            Some(walk) => walk,
            None => self
                .walk
                .insert(self.conversations.expanded(None, self.page_size)),
        };
        let page = walk.next_page::<Summary>().await?;
        let asked_at = walk.asked_at().unwrap_or_else(|| jiff::Timestamp::now().into());
        let (listed, next) = page.map_or_else(Default::default, |page| (page.entities, page.next_uri));
        Ok(Page {
            asked_at,
            listed: listed.into_iter().map(Listed::from).collect(),
            next,
        })
    }
}

impl From<Summary> for Listed {
    fn from(summary: Summary) -> Self {
        let change = Change {
            id: summary.id.clone(),
            updated: summary.updated_date,
            version: Some(summary.version).filter(|version| *version > 0),
        };
        Self { change, summary }
    }
}

/// Reads what the list does not hold of these conversations, in their order. One that is gone by now is left out.
pub(super) fn fill(
    conversations: &Conversations,
    listed: Vec<Listed>,
) -> impl stream::Stream<Item = Result<Option<Changed>, Error>> + '_ {
    let filled = listed.into_iter().map(|listed| fill_one(conversations, listed));
    stream::iter(filled).buffered(AT_A_TIME)
}

async fn fill_one(conversations: &Conversations, listed: Listed) -> Result<Option<Changed>, Error> {
    let change_id = listed.change.change_id();
    let summary = listed.summary;
    let (conversation, mut interactions, last) = match summary.expanded {
        Some(expanded) => {
            let expanded: Expanded = conversations.read_expanded(&expanded)?;
            (
                Some(expanded.conversation),
                expanded.interactions,
                Some(summary.last_sequence),
            )
        }
        None => (conversations.get(&summary.id).await?, Vec::new(), None),
    };
    let Some(conversation) = conversation else {
        return Ok(None);
    };
    let known = interactions.last().map_or(0, |said: &Interaction| said.sequence);
    if last.is_none_or(|last| last > known) {
        let rest = rest(conversations, &conversation.id, known);
        interactions.extend(rest.try_concat().await?);
    }
    Ok(Some(Changed {
        change_id,
        conversation,
        interactions,
    }))
}

/// All interactions after this number.
fn rest<'a>(
    conversations: &'a Conversations,
    id: &'a ConversationId,
    after: u64,
) -> impl stream::Stream<Item = Result<Vec<Interaction>, Error>> + 'a {
    stream::try_unfold(Some(after), move |after| async move {
        let Some(after) = after else {
            return Ok(None);
        };
        let asked = InteractionsAsked {
            limit: MOST_ASKED,
            after: (after > 0).then_some(after),
            ..InteractionsAsked::default()
        };
        // A platform that does not look at `after` would send the same for ever.
        let mut said = conversations.interactions(id, &asked).await?;
        let is_last = said.len() < MOST_ASKED;
        said.retain(|said| said.sequence > after);
        let next = said.last().map(|said| said.sequence).filter(|_| !is_last);
        Ok(Some((said, next)))
    })
}
