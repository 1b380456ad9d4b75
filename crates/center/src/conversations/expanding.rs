//! The list with all there is of each conversation: for those who keep another system in step.
//!
//! One question to the store for many conversations, instead of two for each: `benches/sync.rs` measures what that makes possible.

use super::{
    Conversations,
    kept::{FACTS, Facts, Kept, TURN, Turn, read},
    trouble::Trouble,
};
use std::collections::HashMap;
use store::{Found, Record};
use wire::{
    conversation::{Expanded, Interaction, MOST_EXPANDED},
    ids::ConversationId,
};

/// How many conversations are read at once.
const PORTION: usize = 20;
/// How much of the store's JSON goes into one page, in bytes: what comes after is for the next page. The last portion can make it more,
/// up to some 15 MB when all participants and contexts are as large as they may be; clients read 16.
const MOST_BYTES: usize = 3 * 1024 * 1024;
/// How much of what was said of one conversation, in bytes; the rest is to be asked for.
const MOST_OF_ONE: usize = 256 * 1024;

impl Conversations {
    /// The first of these conversations with all there is of them, as many as a page holds; at least one portion. One that is not
    /// whole any more (its person was erased) has nothing.
    pub(super) async fn expand(&self, shown: &[Found]) -> Result<Vec<Option<Box<Expanded>>>, Trouble> {
        let mut expanded = Vec::with_capacity(shown.len());
        let mut bytes = 0;
        for portion in shown.chunks(PORTION) {
            let ids: Vec<String> = portion.iter().map(|found| found.record.id.clone()).collect();
            let facts = self.store.records_of(FACTS, &ids).await?;
            let facts: HashMap<&str, &Record> =
                facts.iter().map(|record| (record.id.as_str(), record)).collect();
            // Each record has one interaction at the least.
            let turns = self.store.find_each(TURN, &ids, MOST_EXPANDED).await?;
            for (found, turns) in portion.iter().zip(turns) {
                let facts = facts.get(found.record.id.as_str());
                let turns = first(turns);
                bytes += found.record.body.len() + facts.map_or(0, |facts| facts.body.len());
                bytes += turns.iter().map(|turn| turn.record.body.len()).sum::<usize>();
                expanded.push(facts.and_then(|facts| whole(&found.record, facts, &turns)));
            }
            if bytes >= MOST_BYTES {
                break;
            }
        }
        Ok(expanded)
    }
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
