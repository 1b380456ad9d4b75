//! The list with all there is of each conversation: for those who keep another system in step.
//!
//! One question to the store for many conversations, instead of two for each: `benches/sync.rs` measures what that makes possible.

use super::{
    Conversations,
    kept::{FACTS, Facts, Kept, TURN, Turn, read},
    trouble::Trouble,
};
use futures_util::{StreamExt as _, stream};
use std::collections::HashMap;
use store::{Found, Record, Store};
use wire::{
    conversation::{Expanded, Interaction, MOST_EXPANDED},
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
    /// The first of these conversations with all there is of them, as many as a page holds; at least one portion. One that is not
    /// whole any more (its person was erased) has nothing.
    pub(super) async fn expand(&self, shown: &[Found]) -> Result<Vec<Option<Box<Expanded>>>, Trouble> {
        let portions: Vec<_> = shown
            .chunks(PORTION)
            .map(|portion| portion.iter().map(|found| found.record.clone()).collect())
            // By tasks of their own: reading JSON takes longer than finding it.
            .map(|portion| async { tokio::spawn(expand(self.store.clone(), portion)).await })
            .collect();
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
    records: Vec<Record>,
) -> Result<(Vec<Option<Box<Expanded>>>, usize), store::Error> {
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    let facts = store.records_of(FACTS, &ids).await?;
    let facts: HashMap<&str, &Record> = facts.iter().map(|record| (record.id.as_str(), record)).collect();
    // Each record has one interaction at the least.
    let turns = store.find_each(TURN, &ids, MOST_EXPANDED).await?;
    let (mut expanded, mut bytes) = (Vec::with_capacity(records.len()), 0);
    for (record, turns) in records.iter().zip(turns) {
        let (facts, turns) = (facts.get(record.id.as_str()), first(turns));
        bytes += record.body.len() + facts.map_or(0, |facts| facts.body.len());
        bytes += turns.iter().map(|turn| turn.record.body.len()).sum::<usize>();
        expanded.push(facts.and_then(|facts| whole(record, facts, &turns)));
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

fn whole(record: &Record, facts: &Record, turns: &[Found]) -> Option<Box<Expanded>> {
    let id: ConversationId = record.id.parse().ok()?;
    let (kept, facts): (Kept, Facts) = (read(&record.body)?, read(&facts.body)?);
    let turns = turns.iter().filter_map(|turn| read::<Turn>(&turn.record.body));
    let interactions: Vec<Interaction> = turns
        .flat_map(|turn| turn.interactions)
        .take(MOST_EXPANDED)
        .collect();
    Some(Box::new(Expanded {
        conversation: kept.view(&id, &facts, record.version),
        interactions,
    }))
}
