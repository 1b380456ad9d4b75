//! Doing steps again: those that failed for good, and judging anew what could not be judged.

use super::{FORM, QUEUES, SOURCE, Story, StoryState, stories, story};
use store::{ItemFilter, ItemId, ItemState, Store};

/// Interactions that are read at once.
const PAGE: usize = 100;

/// Does again every step that failed for good; gives how many.
pub async fn replay_failed(store: &Store) -> Result<u64, store::Error> {
    store.replay(&dead()).await
}

/// Does again what failed for good of an interaction; of one that could not be judged, or had no form, the judging. Gives how many
/// steps.
pub async fn replay(store: &Store, interaction: &str) -> Result<u64, store::Error> {
    let of_it = ItemFilter {
        event: Some((SOURCE.to_owned(), interaction.to_owned())),
        ..dead()
    };
    let replayed = store.replay(&of_it).await?;
    if replayed > 0 {
        return Ok(replayed);
    }
    match story(store, interaction).await? {
        Some(story) if is_unjudged(&story, true) => judge_again(store, story.form_item).await,
        _ => Ok(0),
    }
}

/// Judges again all interactions that could not be judged: once the rules, or the forms, have been mended. Gives how many.
pub async fn replay_unjudged(store: &Store) -> Result<u64, store::Error> {
    let (mut replayed, mut before) = (0, None);
    loop {
        let page = stories(store, false, before, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(replayed);
        };
        before = Some(last.item);
        for story in page.iter().filter(|story| is_unjudged(story, false)) {
            replayed += judge_again(store, story.form_item).await?;
        }
    }
}

fn is_unjudged(story: &Story, or_without_form: bool) -> bool {
    match story.state {
        StoryState::Unjudged => true,
        StoryState::NoForm => or_without_form,
        _ => false,
    }
}

async fn judge_again(store: &Store, item: ItemId) -> Result<u64, store::Error> {
    let form = ItemFilter {
        id: Some(item),
        queue_prefix: Some(FORM.to_owned()),
        ..ItemFilter::default()
    };
    store.replay(&form).await
}

fn dead() -> ItemFilter {
    ItemFilter {
        queue_prefix: Some(QUEUES.to_owned()),
        states: vec![ItemState::Dead],
        ..ItemFilter::default()
    }
}
