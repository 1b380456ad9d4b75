//! The list by (`updatedDate`, id), while others write.

use super::{PATH, Talker, new_conversation};
use crate::support::Rig;
use center::Limits;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::sync::watch;

async fn rig() -> Rig {
    Rig::start_with(|options| options.limits = Limits::OFF).await
}

/// All pages from a path on.
async fn walk(talker: &Talker<'_>, first: String) -> Vec<Vec<Value>> {
    let (mut pages, mut next) = (Vec::new(), Some(first));
    while let Some(path) = next {
        let answer = talker.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        pages.push(answer.body["entities"].as_array().unwrap().clone());
        next = answer.body["nextUri"].as_str().map(str::to_owned);
    }
    pages
}

fn place(entity: &Value) -> (String, String) {
    let text = |name: &str| entity[name].as_str().unwrap().to_owned();
    (text("updatedDate"), text("id"))
}

#[tokio::test]
async fn pages_are_in_order_and_have_everything_once() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    assert_eq!(walk(&talker, PATH.into()).await, [Vec::<Value>::new()]);
    join_all((0..60).map(|number| talker.created(new_conversation(&format!("c-{number}"))))).await;
    talker.said("c-7", "hi").await;
    let pages = walk(&talker, format!("{PATH}?pageSize=7")).await;
    assert_eq!(pages.len(), 9);
    assert!(pages[..8].iter().all(|page| page.len() == 7));
    let all: Vec<Value> = pages.concat();
    let places: Vec<_> = all.iter().map(place).collect();
    assert!(places.is_sorted(), "{places:?}");
    let ids: BTreeSet<_> = places.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!((ids.len(), places.len()), (60, 60));
    let last = all.last().unwrap();
    assert_eq!(
        (
            &last["id"],
            &last["version"],
            &last["lastSequence"],
            &last["state"]
        ),
        (&json!("c-7"), &json!(2), &json!(1), &json!("active")),
        "what is said moves a conversation to the end"
    );
    let since = |at: usize| format!("{PATH}?pageSize=1000&updatedDateGte={}", places[at].0);
    let from: Vec<Value> = walk(&talker, since(30)).await.concat();
    let expected = places.iter().filter(|place| place.0 >= places[30].0).count();
    assert_eq!(from.len(), expected);

    let wrong = talker
        .get(&format!("{PATH}?pageSize=0&updatedDateGte=soon"))
        .await;
    assert_eq!(
        wrong.refused(400, "bad_request").body["errors"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    for cursor in ["x", "AAAA", "MSwyLGE_Yg"] {
        talker
            .get(&format!("{PATH}?cursor={cursor}"))
            .await
            .refused(400, "bad_request")
            .mentions("cursor");
    }
}

#[tokio::test]
async fn what_was_written_before_is_in_the_list() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    for round in 1..=40u64 {
        let sequence = talker.said("c", "hi").await;
        let listed = walk(&talker, PATH.into()).await.concat();
        assert_eq!(
            (listed[0]["lastSequence"].as_u64(), sequence),
            (Some(round), round)
        );
    }
}

/// Walks again and again, each time only from after what it saw: without overlap, a single change that is passed is never seen.
#[tokio::test]
async fn no_change_is_passed_by_a_reader_that_walks_while_others_write() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    let ids: Vec<String> = (0..24).map(|number| format!("c-{number}")).collect();
    join_all(ids.iter().map(|id| talker.created(new_conversation(id)))).await;
    let over = AtomicBool::new(false);
    let (walked, walks) = watch::channel(0);
    let write = async |id: &str| {
        for nth in 0..60 {
            // However slow the reader is, it walks while they write.
            walks.clone().wait_for(|walks| *walks >= nth / 20).await.unwrap();
            talker.said(id, "hi").await;
        }
    };
    let writers = async {
        join_all(ids.iter().map(|id| write(id))).await;
        over.store(true, Ordering::Relaxed);
    };
    let reader = async {
        let (mut seen, mut watermark) = (HashMap::new(), String::new());
        loop {
            let is_last = over.load(Ordering::Relaxed);
            let path = format!("{PATH}?pageSize=5&updatedDateGte={watermark}");
            for entity in walk(&talker, path).await.concat() {
                let at: jiff::Timestamp = entity["updatedDate"].as_str().unwrap().parse().unwrap();
                let after = at + jiff::SignedDuration::from_millis(1);
                watermark = watermark.max(format!("{after:.3}"));
                let version = entity["version"].as_u64().unwrap();
                let before = seen.insert(entity["id"].as_str().unwrap().to_owned(), version);
                assert!(
                    before.is_none_or(|before| before < version),
                    "{entity} was seen before"
                );
            }
            walked.send_modify(|walks| *walks += 1);
            if is_last {
                return seen;
            }
        }
    };
    let ((), seen) = tokio::join!(writers, reader);
    assert_eq!(seen.len(), 24);
    for (id, version) in seen {
        assert_eq!(version, 61, "{id}");
    }
}

/// It moves from where the walk has not been yet to the end of the list, and is met there.
#[tokio::test]
async fn what_changes_while_a_walk_is_under_way_is_met_at_its_end() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    let ids: Vec<String> = (0..9).map(|number| format!("c-{number}")).collect();
    for id in &ids {
        talker.created(new_conversation(id)).await;
    }
    let first = talker.get(&format!("{PATH}?pageSize=2")).await;
    // One that was shown, and two that were not.
    for id in [&ids[0], &ids[4], &ids[7]] {
        talker.said(id, "hi").await;
    }
    let rest = walk(&talker, first.body["nextUri"].as_str().unwrap().to_owned()).await;
    let mut shown = first.body["entities"].as_array().unwrap().clone();
    shown.extend(rest.concat());
    let versions = |id: &String| {
        let of_it = shown.iter().filter(|entity| entity["id"] == id.as_str());
        of_it
            .map(|entity| entity["version"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(versions(&ids[0]), [1, 2]);
    assert_eq!(versions(&ids[4]), [2]);
    assert_eq!(versions(&ids[7]), [2]);
    assert!(ids.iter().all(|id| !versions(id).is_empty()));
}
