//! Taking a person out of conversations that are over.

use super::{
    MOST_TRIES,
    kept::{FACTS, Facts, Kept, person},
    live::load_head,
    said::turns_of,
    trouble::Trouble,
};
use crate::{clock::Clock, erase::ERASED};
use futures_util::TryStreamExt as _;
use std::{collections::HashSet, time::Duration};
use store::{Commit, Committed, Expect, Find, Store, Terms};
use wire::{
    conversation::{Context, Direction, Interaction, Order},
    ids::{ConversationId, ParticipantId},
};

/// How many records are read at a time.
const PORTION: usize = 200;
/// A center may run meanwhile, in another process: its lists show the change once this has passed, which is after it is
/// written.
const LISTED_AFTER: Duration = Duration::from_secs(2);

/// What was erased.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Erased {
    pub(crate) conversations: u64,
    /// Texts of the audit log.
    pub(crate) texts: u64,
    /// Conversations that are not over: nothing of them is erased yet.
    pub(crate) open: u64,
}

/// Erases the conversations of a person, known by the participant's id or by what the profile has as `email`, `phone`,
/// `phoneNumber`, `externalId` or `customerId`. Can be repeated when it failed half-way: that they are the person's goes last.
pub(crate) async fn erase(store: &Store, name: &str) -> Result<Erased, Trouble> {
    let mut erased = Erased::default();
    let mut passed = HashSet::new();
    let find = Find {
        kind: FACTS.into(),
        term: person(name),
        ..Find::default()
    };
    loop {
        // Those that are erased are found no more; those that are open come first again.
        let find = Find {
            skip: passed.len(),
            ..find.clone()
        };
        let found = store.find(&find, PORTION).await?;
        if found.is_empty() {
            return Ok(erased);
        }
        for id in found.iter().map(|found| &found.record.id) {
            let Ok(id) = id.parse::<ConversationId>() else {
                passed.insert(id.clone());
                continue;
            };
            match erase_one(store, &id).await? {
                true => {
                    erased.conversations += 1;
                    erased.texts += store.erase_subject(id.as_str()).await?;
                }
                false => {
                    erased.open += 1;
                    passed.insert(id.to_string());
                }
            }
        }
    }
}

/// Erases what is said of anybody in a conversation; false when it is not over.
async fn erase_one(store: &Store, id: &ConversationId) -> Result<bool, Trouble> {
    for _ in 0..MOST_TRIES {
        let Some((mut kept, mut facts, version)) = load_head(store, id).await? else {
            return Ok(false);
        };
        if !kept.state.is_over() {
            return Ok(false);
        }
        erase_turns(store, id, &facts).await?;
        blot(&mut kept, &mut facts);
        let now = Clock::utc_ms().after(LISTED_AFTER);
        kept.updated = kept.updated.max(now);
        let terms = Terms {
            kind: FACTS.into(),
            id: id.to_string(),
            terms: Vec::new(),
        };
        let commit = Commit {
            records: vec![kept.put(id, Expect::Version(version)), facts.put(id)],
            terms: vec![kept.terms(id, None), terms],
            ..Commit::default()
        };
        if store.commit(commit).await? == Committed::Done {
            return Ok(true);
        }
    }
    Err(Trouble::Busy)
}

fn blot(kept: &mut Kept, facts: &mut Facts) {
    kept.dialogue = None;
    kept.slots.clear();
    kept.owed.clear();
    kept.errands.clear();
    facts.context = Context::default();
    kept.renew_facts();
    kept.context_bytes = facts.context.size_bytes();
    let customers = facts
        .participants
        .iter_mut()
        .filter(|one| one.direction == Direction::Inbound);
    for (number, customer) in customers.enumerate() {
        customer.profile.clear();
        if let Ok(id) = format!("{ERASED}-{}", number + 1).parse() {
            customer.id = id;
        }
    }
}

async fn erase_turns(store: &Store, id: &ConversationId, facts: &Facts) -> Result<(), Trouble> {
    let mut portions = turns_of(store, id, Order::Descending).try_chunks(PORTION);
    while let Some(portion) = portions.try_next().await.map_err(|error| error.1)? {
        let blotted = portion.into_iter().map(|(mut turn, version)| {
            turn.interactions.iter_mut().for_each(|one| blot_one(one, facts));
            turn.put(id, Expect::Version(version))
        });
        let commit = Commit {
            records: blotted.collect(),
            ..Commit::default()
        };
        if store.commit(commit).await? != Committed::Done {
            return Err(Trouble::Busy);
        }
    }
    Ok(())
}

fn blot_one(one: &mut Interaction, facts: &Facts) {
    ERASED.clone_into(&mut one.text);
    one.buttons.clear();
    if one.direction == Direction::Outbound {
        return;
    }
    let customers = facts
        .participants
        .iter()
        .filter(|known| known.direction == Direction::Inbound);
    let number = customers
        .into_iter()
        .position(|known| known.id == one.participant_id);
    // Who is not listed is a customer, too.
    if let Ok(id) = format!("{ERASED}-{}", number.map_or(1, |at| at + 1)).parse::<ParticipantId>() {
        one.participant_id = id;
    }
}
