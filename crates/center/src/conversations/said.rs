//! What was said, from the store.

use super::kept::{Key, TURN, Turn, read};
use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _, future,
    stream::{self, BoxStream},
};
use std::sync::Arc;
use store::{Find, Store};
use wire::{
    conversation::{Interaction, InteractionsAsked, Order, Posted},
    ids::ConversationId,
};

/// How many records are read at a time.
const PORTION: usize = 50;

/// The records of what was said in a conversation, each with its version, read page by page as they are asked for.
pub(super) fn turns_of<'a>(
    store: &'a Store,
    id: &ConversationId,
    order: Order,
) -> BoxStream<'a, Result<(Turn, i64), store::Error>> {
    pages(store, id, order, None, PORTION).boxed()
}

/// `after`: the number of an interaction that was said before, in this order.
fn pages<'a>(
    store: &'a Store,
    id: &ConversationId,
    order: Order,
    after: Option<u64>,
    portion: usize,
) -> impl Stream<Item = Result<(Turn, i64), store::Error>> + use<'a> {
    let first = Find {
        kind: TURN.into(),
        term: id.to_string(),
        descending: order == Order::Descending,
        after: after.map(|after| i64::try_from(after).unwrap_or(i64::MAX)),
        ..Find::default()
    };
    stream::try_unfold(Some(first), move |find| async move {
        let Some(find) = find else { return Ok(None) };
        let found = store.find(&find, portion).await?;
        let last = found.last().map(|found| found.place);
        let next = last.filter(|_| found.len() == portion).map(|last| Find {
            after: Some(last),
            ..find
        });
        let turns = found
            .into_iter()
            .filter_map(|found| Some(Ok((read::<Turn>(&found.record.body)?, found.record.version))));
        Ok(Some((stream::iter(turns), next)))
    })
    .try_flatten()
}

/// What was asked for, from the store. Empty also when there is no such conversation.
pub(super) async fn from_store(
    store: &Store,
    id: &ConversationId,
    asked: &InteractionsAsked,
) -> Result<Vec<Arc<Interaction>>, store::Error> {
    let after = asked.after.unwrap_or(0);
    let is_descending = asked.order == Order::Descending;
    // Each record has one interaction at the least.
    let portion = asked.limit.clamp(1, PORTION);
    let begin = (!is_descending).then_some(after);
    let heard = pages(store, id, asked.order, begin, portion)
        .map_ok(|(turn, _)| {
            let mut said = turn.interactions;
            if is_descending {
                said.reverse();
            }
            stream::iter(said.into_iter().map(Ok))
        })
        .try_flatten()
        // A record that begins before may end after.
        .try_skip_while(|one| future::ok(!is_descending && one.sequence <= after))
        .try_take_while(|one| future::ok(one.sequence > after))
        .take(asked.limit)
        .map_ok(Arc::new);
    heard.try_collect().await
}

/// What was said under an idempotency key, and the hash of its request's body.
pub(super) async fn under_key(
    store: &Store,
    id: &ConversationId,
    key: &Key,
) -> Result<Option<(Posted, String)>, store::Error> {
    let find = Find {
        kind: TURN.into(),
        term: key.term(id),
        ..Find::default()
    };
    let found = store.find(&find, 1).await?.into_iter().next();
    let turn = found.and_then(|found| read::<Turn>(&found.record.body));
    Ok(turn.and_then(|turn| {
        let posted = turn.posted()?;
        Some((posted, turn.key?.body))
    }))
}
