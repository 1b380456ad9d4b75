//! Taking a person out of conversations that are over.

use super::{
    MOST_TRIES,
    kept::{FACTS, Facts, Kept, PEOPLE, TURN},
    live::load_head,
    people::person,
    said::turns_of,
    trouble::Trouble,
};
use crate::{clock::Clock, erase::ERASED};
use futures_util::TryStreamExt as _;
use std::{collections::HashSet, time::Duration};
use store::{Commit, Committed, Expect, Find, Put, Store, Terms};
use wire::{
    conversation::{Context, Direction, Interaction, Order, State},
    ids::{ConversationId, ParticipantId},
};

/// How what stands for a customer's id begins: a number follows.
const ERASED_PREFIX: &str = "erased-";
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

/// Erases the conversations of a person, known by a participant's id or by what a profile or its `customFields` have as `email`, `phone`,
/// `phoneNumber`, `externalId` or `customerId`. Can be repeated when it failed half-way: that they are the person's goes last.
pub(crate) async fn erase(store: &Store, name: &str) -> Result<Erased, Trouble> {
    let mut erased = Erased::default();
    let mut seen = HashSet::new();
    for kind in [FACTS, PEOPLE, TURN] {
        let mut find = Find {
            kind: kind.into(),
            term: person(name),
            ..Find::default()
        };
        loop {
            // Each page begins behind the one before, of which some may be found no more.
            let found = store.find(&find, PORTION).await?;
            let Some(last) = found.last() else { break };
            (find.after, find.after_id) = (Some(last.place), Some(last.record.id.clone()));
            for found in found {
                // Of the conversation `a`, others than its facts are `a/1`.
                let id = found.record.id.split('/').next().unwrap_or_default().parse();
                if let Some(id) = id.ok().filter(|id: &ConversationId| seen.insert(id.clone())) {
                    erased.add(erase_one(store, &id).await?);
                }
            }
        }
    }
    Ok(erased)
}

impl Erased {
    /// A conversation with so many texts of the log, or one that is open.
    fn add(&mut self, texts: Option<u64>) {
        match texts {
            Some(texts) => {
                self.conversations += 1;
                self.texts += texts;
            }
            None => self.open += 1,
        }
    }
}

/// Erases what is said of anybody in a conversation, and ends it for good. Gives how many texts of the log that were; `None` when it is
/// not over.
async fn erase_one(store: &Store, id: &ConversationId) -> Result<Option<u64>, Trouble> {
    let mut texts = 0;
    for _ in 0..MOST_TRIES {
        let Some((mut kept, mut facts, version)) = load_head(store, id).await? else {
            return Ok(None);
        };
        if !kept.state.is_over() {
            return Ok(None);
        }
        if kept.state != State::Ended {
            // First of all: nobody opens it again while it is being erased.
            kept.state = State::Ended;
            write(store, id, &mut kept, None, version).await?;
            continue;
        }
        texts += store.erase_subject(id.as_str()).await?;
        erase_turns(store, id, &facts).await?;
        blot(&mut kept, &mut facts);
        if write(store, id, &mut kept, Some(&facts), version).await? {
            forget_people(store, id, &facts).await?;
            return Ok(Some(texts));
        }
    }
    Err(Trouble::Busy)
}

/// Writes the two records of a conversation that is over; false when it has changed meanwhile.
async fn write(
    store: &Store,
    id: &ConversationId,
    kept: &mut Kept,
    facts: Option<&Facts>,
    version: i64,
) -> Result<bool, Trouble> {
    let now = Clock::utc_ms().after(LISTED_AFTER);
    kept.updated = kept.updated.max(now);
    let facts = facts.map(|facts| facts.put(id));
    let commit = Commit {
        records: [kept.put(id, Expect::Version(version))]
            .into_iter()
            .chain(facts)
            .collect(),
        terms: vec![kept.terms(id, None)],
        ..Commit::default()
    };
    Ok(store.commit(commit).await? == Committed::Done)
}

/// Makes that the conversation is found by nobody's name any more: the last thing, as by that it is found again.
async fn forget_people(store: &Store, id: &ConversationId, facts: &Facts) -> Result<(), Trouble> {
    let mut portions = turns_of(store, id, Order::Descending).try_chunks(PORTION);
    while let Some(portion) = portions.try_next().await.map_err(|error| error.1)? {
        let commit = Commit {
            // Who is in them is a stranger no more.
            terms: portion
                .iter()
                .map(|(turn, _)| turn.terms(id, &facts.participants))
                .collect(),
            ..Commit::default()
        };
        store.commit(commit).await?;
    }
    let people = Find {
        kind: PEOPLE.into(),
        term: id.to_string(),
        ..Find::default()
    };
    let people = store.find(&people, PORTION).await?.into_iter().map(|found| Put {
        kind: PEOPLE.into(),
        id: found.record.id,
        body: None,
        expect: Expect::Any,
    });
    let terms = Terms {
        kind: FACTS.into(),
        id: id.to_string(),
        terms: Vec::new(),
    };
    let commit = Commit {
        records: people.collect(),
        terms: vec![terms],
        ..Commit::default()
    };
    store.commit(commit).await?;
    Ok(())
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
        if let Ok(id) = format!("{ERASED_PREFIX}{}", number + 1).parse() {
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
    if one.participant_id.as_str().starts_with(ERASED_PREFIX) {
        // It was erased before, half-way.
        return;
    }
    let number = customers
        .into_iter()
        .position(|known| known.id == one.participant_id);
    // Who is not listed is a customer, too.
    if let Ok(id) = format!("{ERASED_PREFIX}{}", number.map_or(1, |at| at + 1)).parse::<ParticipantId>() {
        one.participant_id = id;
    }
}
