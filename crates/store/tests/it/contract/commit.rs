//! What is written together is there together.

use crate::{database::Database, make};
use store::{Commit, Committed, ItemState};

pub(crate) async fn an_event_its_effects_and_its_entry_are_there_together(database: &Database) {
    let store = database.open().await;
    assert_eq!(
        store.commit(make::accepted("e-1")).await.unwrap(),
        Committed::Done
    );
    let kept = store.event("survey", "e-1").await.unwrap().unwrap();
    assert_eq!(kept.event, make::event("e-1"));
    let item = store.effect(&make::key("e-1", "task")).await.unwrap().unwrap();
    assert_eq!(
        (item.state, item.body.as_str()),
        (ItemState::Ready, "task for e-1")
    );
    assert_eq!(store.log().await.unwrap().size(), 1);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.events, counts.waiting, counts.entries), (1, 1, 1));
}

pub(crate) async fn a_repeated_event_gets_the_first_answer_and_writes_nothing(database: &Database) {
    let store = database.open().await;
    store.commit(make::accepted("e-1")).await.unwrap();
    let mut again = make::accepted("e-1");
    if let Some(event) = &mut again.event {
        event.answer = "another answer".into();
    }
    again.intents[0].effect.step = "another step".into();
    let answer = "answer to e-1".to_owned();
    assert_eq!(
        store.commit(again).await.unwrap(),
        Committed::Duplicate { answer }
    );
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.events, counts.waiting, counts.entries), (1, 1, 1));
    assert_eq!(store.commit(Commit::default()).await.unwrap(), Committed::Done);
}
