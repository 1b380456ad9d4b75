//! The list with all there is of each conversation: for those who keep another system in step.
//!
//! One question to the store for many conversations, instead of two for each, and what was said goes out as it is kept, without being
//! understood: `benches/sync.rs` measures what that makes possible.

use super::{
    Conversations,
    kept::{Brief, FACTS, Kept, TURN, read},
    trouble::Trouble,
};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use std::{collections::HashMap, ops::Range, sync::Arc};
use store::{Found, Record, Store};
use wire::{
    conversation::{Conversation, Expanded, MOST_EXPANDED},
    ids::ConversationId,
};

/// How many conversations are read at once.
const PORTION: usize = 20;
/// Portions that are worked on at a time.
const AT_A_TIME: usize = 2;
/// How much of the store's JSON goes into one page, in bytes: what comes after is for the next page. The last portion can make it more,
/// up to some 15 MB when all participants and contexts are as large as they may be; clients read 16.
const MOST_BYTES: usize = 3 * 1024 * 1024;
/// How much of what was said of one conversation, in bytes; the rest is to be asked for.
const MOST_OF_ONE: usize = 256 * 1024;

impl Conversations {
    /// The first of these conversations with all there is of them, as JSON, and as many as a page holds; at least one portion. One that
    /// is not whole any more (its person was erased) is not expanded.
    pub(super) async fn expand(&self, shown: &Arc<[Found]>) -> Result<Vec<Row>, Trouble> {
        let portions = (0..shown.len()).step_by(PORTION).map(|begin| {
            let portion = begin..shown.len().min(begin + PORTION);
            // By tasks of their own: reading JSON takes longer than finding it.
            let expanded = expand(self.store.clone(), shown.clone(), portion);
            async { tokio::spawn(expanded).await }
        });
        let mut portions = stream::iter(portions).buffered(AT_A_TIME);
        let mut expanded = Vec::with_capacity(shown.len());
        let mut bytes = 0;
        while let Some(portion) = portions.next().await {
            let (more, size) = portion.map_err(Trouble::BrokenOff)??;
            expanded.extend(more);
            bytes += size;
            if bytes >= MOST_BYTES {
                break;
            }
        }
        Ok(expanded)
    }
}

/// These conversations with all there is of them, and how many bytes that is in the store.
async fn expand(
    store: Store,
    shown: Arc<[Found]>,
    portion: Range<usize>,
) -> Result<(Vec<Row>, usize), store::Error> {
    let records = shown.get(portion).unwrap_or_default();
    let ids: Vec<String> = records.iter().map(|found| found.record.id.clone()).collect();
    let facts = store.records_of(FACTS, &ids).await?;
    let facts: HashMap<&str, &Record> = facts.iter().map(|record| (record.id.as_str(), record)).collect();
    // Each record has one interaction at the least.
    let turns = store.find_each(TURN, &ids, MOST_EXPANDED).await?;
    let (mut expanded, mut bytes) = (Vec::with_capacity(records.len()), 0);
    for (Found { record, .. }, turns) in records.iter().zip(turns) {
        let (facts, turns) = (facts.get(record.id.as_str()).copied(), first(turns));
        bytes += record.body.len() + facts.map_or(0, |facts| facts.body.len());
        bytes += turns.iter().map(|turn| turn.record.body.len()).sum::<usize>();
        expanded.push(row(record, facts, &turns));
    }
    Ok((expanded, bytes))
}

/// As many as there is room for.
fn first(mut turns: Vec<Found>) -> Vec<Found> {
    let mut bytes = 0;
    let fits = |turn: &&Found| {
        bytes += turn.record.body.len();
        bytes <= MOST_OF_ONE
    };
    let most = turns.iter().take_while(fits).count();
    turns.truncate(most);
    turns
}

/// A conversation of a page, as JSON; nothing when the store's record can't be read.
pub(super) type Row = Option<Box<RawValue>>;

/// Of a turn, what was said, as it is kept.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    interactions: Vec<&'a RawValue>,
}

fn row(record: &Record, facts: Option<&Record>, turns: &[Found]) -> Row {
    let id: ConversationId = record.id.parse().ok()?;
    let kept: Kept = read(&record.body)?;
    // What was changed between the two questions to the store is not expanded: who wants it asks for it.
    let facts = facts.filter(|facts| kept.facts_version == facts.version || kept.facts_version == 0);
    let conversation = facts.and_then(|facts| Some(kept.view(&id, &read(&facts.body)?, record.version)));
    let whole = conversation.map(|conversation| whole(conversation, turns));
    to_raw_value(&Brief::from(kept).summary(id, record.version, whole)).ok()
}

fn whole(conversation: Conversation, turns: &[Found]) -> Expanded<&RawValue> {
    let turns = turns
        .iter()
        .filter_map(|turn| read::<Said<'_>>(&turn.record.body));
    Expanded {
        conversation,
        interactions: turns
            .flat_map(|turn| turn.interactions)
            .take(MOST_EXPANDED)
            .collect(),
    }
}
