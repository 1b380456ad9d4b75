//! The list with all there is of each conversation: `expand=all`.

use super::{PATH, Talker, new_conversation};
use crate::support::Rig;
use center::Limits;
use serde_json::{Value, json};

async fn rig() -> Rig {
    Rig::start_with(|options| options.limits = Limits::OFF).await
}

async fn page(talker: &Talker<'_>, path: &str) -> Value {
    let answer = talker.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn a_conversation_comes_as_it_is_got_alone() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker.created(new_conversation("silent")).await;
    for text in ["one", "two", "three"] {
        talker.said("c", text).await;
    }
    let listed = page(&talker, &format!("{PATH}?expand=all")).await;
    let entities = listed["entities"].as_array().unwrap();
    assert_eq!(entities.len(), 2);
    for entity in entities {
        let id = entity["id"].as_str().unwrap();
        let alone = page(&talker, &format!("{PATH}/{id}")).await;
        assert_eq!(entity["expanded"]["conversation"], alone);
        let said = page(&talker, &format!("{PATH}/{id}/interactions?limit=100")).await;
        assert_eq!(entity["expanded"]["interactions"], said);
    }
    let plain = page(&talker, PATH).await;
    assert!(
        plain["entities"][0].get("expanded").is_none(),
        "only who asks gets it"
    );
    talker
        .get(&format!("{PATH}?expand=some"))
        .await
        .refused(400, "bad_request");
}

#[tokio::test]
async fn a_page_ends_where_it_is_large_and_the_next_one_goes_on() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    for number in 0..70 {
        let mut new = new_conversation(&format!("c{number:02}"));
        new["context"] = json!({"metadata": {"text": "x".repeat(65_000)}});
        talker.created(new).await;
    }
    let (mut path, mut ids, mut pages) = (format!("{PATH}?expand=all&pageSize=1000"), Vec::new(), 0);
    loop {
        let page = page(&talker, &path).await;
        pages += 1;
        for entity in page["entities"].as_array().unwrap() {
            assert_eq!(entity["expanded"]["conversation"]["id"], entity["id"]);
            ids.push(entity["id"].as_str().unwrap().to_owned());
        }
        match page["nextUri"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = (0..70).map(|number| format!("c{number:02}")).collect();
    assert_eq!((ids, pages > 1), (expected, true));
}

#[tokio::test]
async fn what_was_said_is_cut_where_it_is_long_and_begins_with_the_first() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("long")).await;
    for number in 0..40 {
        talker
            .said("long", &format!("{number} {}", "x".repeat(9_900)))
            .await;
    }
    talker.created(new_conversation("many")).await;
    for number in 0..105 {
        talker.said("many", &format!("{number}")).await;
    }
    let listed = page(&talker, &format!("{PATH}?expand=all")).await;
    for (at, last) in [(0, 40), (1, 105)] {
        let entity = &listed["entities"][at];
        assert_eq!(entity["lastSequence"], last);
        let said = entity["expanded"]["interactions"].as_array().unwrap();
        let numbers: Vec<u64> = said.iter().map(|one| one["sequence"].as_u64().unwrap()).collect();
        assert!(numbers.len() >= 20 && numbers.len() < last, "{}", numbers.len());
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<u64>>());
    }
}
