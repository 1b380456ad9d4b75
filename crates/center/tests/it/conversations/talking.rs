//! Messages, long polls and read marks.

use super::{PATH, Talker, each, message, new_conversation};
use crate::support::{Rig, small_tenant};
use center::{Center, Limits, Options};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::{Commit, Expect, Location, Put, Store};

async fn rig() -> Rig {
    Rig::start_with(|options| options.limits = Limits::OFF).await
}

#[tokio::test]
async fn messages_are_numbered_and_read_in_both_orders() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    assert_eq!(talker.heard("c", "").await, Vec::<Value>::new());
    for number in 1..=15 {
        assert_eq!(talker.said("c", &format!("message {number}")).await, number);
    }
    let usual = talker.heard("c", "").await;
    assert_eq!(
        each(&usual, "sequence"),
        (1..=10)
            .map(|n| json!(n))
            .collect::<Vec<_>>()
            .iter()
            .collect::<Vec<_>>()
    );
    let first = &usual[0];
    assert_eq!(
        (
            &first["direction"],
            &first["type"],
            &first["text"],
            &first["read"],
            &first["participantId"]
        ),
        (
            &json!("inbound"),
            &json!("message"),
            &json!("message 1"),
            &json!(false),
            &json!("user-1")
        )
    );
    assert!(first["inReplyTo"].is_null() && first["createdDate"].is_string());
    for (query, expected) in [
        ("?limit=3&order=desc", vec![15, 14, 13]),
        ("?limit=3&order=asc&after=4", vec![5, 6, 7]),
        ("?limit=3&order=desc&after=13", vec![15, 14]),
        ("?after=15", vec![]),
        ("?after=99&order=desc", vec![]),
        ("?after=18446744073709551615", vec![]),
        ("?after=18446744073709551615&order=desc", vec![]),
    ] {
        let heard = talker.heard("c", query).await;
        let numbers: Vec<u64> = heard
            .iter()
            .map(|one| one["sequence"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, expected, "{query}");
    }
    let wrong = talker
        .get(&format!(
            "{PATH}/c/interactions?limit=101&order=up&after=x&wait=31"
        ))
        .await;
    assert_eq!(
        wrong.refused(400, "bad_request").body["errors"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    talker
        .get(&format!("{PATH}/nobody/interactions"))
        .await
        .refused(404, "not_found");
    talker
        .get(&format!("{PATH}/nobody/interactions?wait=1"))
        .await
        .refused(404, "not_found");
    talker.say("nobody", "hi").await.refused(404, "not_found");
}

#[tokio::test]
async fn the_same_is_read_from_the_store_as_from_memory() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    for number in 1..=230 {
        talker.said("c", &format!("message {number}")).await;
    }
    let queries = [
        "?limit=100",
        "?limit=100&after=100",
        "?limit=7&order=desc",
        "?limit=50&after=20&order=desc",
        "?limit=100&after=20&order=desc",
        "?limit=3&after=227",
        "?limit=100&after=29",
        "?limit=100&after=30",
    ];
    let read = async |talker: &Talker<'_>| {
        let mut all = Vec::new();
        for query in queries {
            all.push(talker.heard("c", query).await);
        }
        all
    };
    let in_memory = read(&talker).await;
    assert!(in_memory.iter().zip(queries).all(|(heard, _)| !heard.is_empty()));
    let rig = rig.restarted(|options| options.limits = Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    assert_eq!(read(&talker).await, in_memory, "nothing is in memory");
    assert_eq!(talker.said("c", "one more").await, 231);
    assert_eq!(
        talker.heard("c", "?limit=3&after=227").await,
        in_memory[5],
        "what was said last is"
    );
}

#[tokio::test]
async fn messages_are_taken_in_two_states_only() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    for (state, takes) in [
        ("queued", false),
        ("pending", true),
        ("active", true),
        ("closed", false),
        ("ended", false),
    ] {
        let mut new = new_conversation(state);
        if !matches!(state, "closed" | "ended") {
            new["state"] = json!(state);
        }
        talker.created(new).await;
        talker.put(state, json!({"state": state})).await;
        let answer = talker.say(state, "hi").await;
        if takes {
            assert_eq!(answer.status, 201, "{state}: {}", answer.text);
        } else {
            let sentence = format!("Invalid state transition from {state} to active");
            answer.refused(400, "bad_request").mentions(&sentence);
        }
    }
}

#[tokio::test]
async fn who_is_unknown_is_the_customer_and_who_is_outbound_is_not() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    let path = format!("{PATH}/c/interactions");
    for (participant, direction) in [
        ("user-user-1", "inbound"),
        ("user-1", "inbound"),
        ("bot-nobody", "outbound"),
    ] {
        let body =
            json!({"participantId": participant, "type": "message", "text": "hi", "inReplyTo": "int-7"});
        let posted = talker.ask(Method::POST, &path, &body).await;
        assert_eq!(posted.status, 201, "{}", posted.text);
        let last = &talker.heard("c", "?limit=1&order=desc").await[0];
        assert_eq!(
            (&last["id"], &last["direction"]),
            (&posted.body["id"], &json!(direction))
        );
        assert_eq!(last["inReplyTo"].is_null(), direction == "inbound");
    }
}

#[tokio::test]
async fn texts_are_bounded_and_a_large_body_is_refused() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    assert_eq!(talker.say("c", &"🦀".repeat(10_000)).await.status, 201);
    let long = talker.say("c", &"🦀".repeat(10_001)).await;
    long.refused(400, "bad_request")
        .mentions("at most 10000 characters long, not 10001");
    talker
        .say("c", &"x".repeat(10 * 1024 * 1024))
        .await
        .refused(413, "too_large");
    talker
        .ask(Method::POST, &format!("{PATH}/c/interactions"), &json!({}))
        .await
        .refused(400, "bad_request");
}

#[tokio::test]
async fn a_message_is_said_once_under_its_key_also_after_a_restart() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    let path = format!("{PATH}/c/interactions");
    let key = [("idempotency-key", "k-1")];
    let post = async |talker: &Talker<'_>, text: &str| {
        talker.ask_with(Method::POST, &path, &message(text), &key).await
    };
    let first = join_all((0..20).map(|_| post(&talker, "hi"))).await;
    assert!(
        first
            .iter()
            .all(|answer| answer.status == 201 && answer.body == first[0].body)
    );
    let replayed = first
        .iter()
        .filter(|answer| answer.header("idempotency-replayed") == "true");
    assert_eq!(replayed.count(), 19);
    post(&talker, "other").await.refused(422, "unprocessable");
    let rig = rig.restarted(|options| options.limits = Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    assert_eq!(post(&talker, "hi").await.body, first[0].body);
    assert_eq!(talker.heard("c", "").await.len(), 1);
}

#[tokio::test]
async fn a_key_is_remembered_however_much_is_said_after_it() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    let path = format!("{PATH}/c/interactions");
    let post = async |talker: &Talker<'_>, number: usize, text: &str| {
        let key = format!("k-{number}");
        let key = [("idempotency-key", key.as_str())];
        talker.ask_with(Method::POST, &path, &message(text), &key).await
    };
    let first = post(&talker, 0, "hi").await;
    for number in 1..=1_000 {
        assert_eq!(post(&talker, number, "hi").await.status, 201);
    }
    let is_remembered = async |talker: &Talker<'_>| {
        let again = post(talker, 0, "hi").await;
        assert_eq!(
            (&again.body, again.header("idempotency-replayed")),
            (&first.body, "true")
        );
        post(talker, 0, "other").await.refused(422, "unprocessable");
    };
    is_remembered(&talker).await;
    let rig = rig.restarted(|options| options.limits = Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    is_remembered(&talker).await;
    let new = post(&talker, 1_001, "hi").await;
    assert_eq!(new.body["sequence"], 1_002, "a key that is not known is new");
    assert_eq!(post(&talker, 1_001, "hi").await.body, new.body);
}

#[tokio::test]
async fn a_long_poll_is_woken_by_what_is_said() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    let after = talker.said("c", "first").await;
    let begun = Instant::now();
    let (heard, ()) = tokio::join!(talker.heard("c", "?after=1&wait=20"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        talker.said("c", "second").await;
    });
    assert_eq!((after, heard.len(), &heard[0]["text"]), (1, 1, &json!("second")));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let at_once = talker.heard("c", "?after=0&wait=20").await;
    assert_eq!(at_once.len(), 2, "what is there is not waited for");
    let begun = Instant::now();
    assert_eq!(talker.heard("c", "?after=2&wait=1").await, Vec::<Value>::new());
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(
        talker.heard("c", "").await.iter().all(|one| one["read"] == false),
        "nothing was marked"
    );
}

#[tokio::test]
async fn a_conversation_has_so_many_long_polls_at_most() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker.created(new_conversation("d")).await;
    let polls = (0..70).map(|_| talker.get("/api/v2/conversations/c/interactions?wait=20"));
    let all = join_all(polls);
    let (answers, ()) = tokio::join!(all, async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(
            talker.heard("d", "?wait=1").await.len(),
            0,
            "others are not concerned"
        );
        talker.said("c", "hi").await;
    });
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 6);
    assert_eq!(
        refused[0].refused(429, "too_many_requests").header("retry-after"),
        "1"
    );
    assert!(
        answers
            .iter()
            .filter(|answer| answer.status == 200)
            .all(|answer| answer.body[0]["text"] == "hi")
    );
}

#[tokio::test]
async fn an_interaction_is_marked_as_read_once() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker.said("c", "one").await;
    talker.said("c", "two").await;
    let id = talker.heard("c", "").await[1]["id"].as_str().unwrap().to_owned();
    let mark = async |id: &str| {
        talker
            .ask(
                Method::POST,
                &format!("{PATH}/c/interactions/{id}/read"),
                &json!({}),
            )
            .await
    };
    let version = async || talker.get(&format!("{PATH}/c")).await.body["version"].clone();
    assert_eq!(mark(&id).await.status, 204);
    let marked = version().await;
    assert_eq!(
        each(&talker.heard("c", "").await, "read"),
        [&json!(false), &json!(true)]
    );
    assert_eq!(mark(&id).await.status, 204);
    assert_eq!(version().await, marked, "the second time changes nothing");
    mark("int-0").await.refused(404, "not_found").mentions("int-0");
    let rig = rig.restarted(|options| options.limits = Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    assert_eq!(
        each(&talker.heard("c", "").await, "read"),
        [&json!(false), &json!(true)]
    );
}

#[tokio::test]
async fn a_close_that_races_messages_lets_none_in_after_it() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    for round in 0..40 {
        let id = format!("race-{round}");
        talker.created(new_conversation(&id)).await;
        let messages = join_all((0..6).map(|_| talker.say(&id, "hi")));
        let (answers, closed) = tokio::join!(messages, talker.put(&id, json!({"state": "closed"})));
        assert_eq!(closed.status, 200);
        let taken = answers.iter().filter(|answer| answer.status == 201).count();
        let refused = answers.iter().filter(|answer| answer.status == 400).count();
        assert_eq!(taken + refused, 6);
        let heard = talker.heard(&id, "").await;
        assert_eq!(heard.len(), taken, "what was taken is there, and nothing else");
        let view = talker.get(&format!("{PATH}/{id}")).await.body;
        assert_eq!(view["version"], json!(taken + 2), "each change is one version");
        let before_close = closed.body["version"].as_u64().unwrap() - 2;
        assert_eq!(
            taken as u64, before_close,
            "all that was taken was taken before it was closed"
        );
    }
}

#[tokio::test]
async fn a_conversation_takes_so_many_interactions() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker.said("c", "x").await;
    rig.center.close().await;
    let file = rig.folder.path().join("data").join("trunkline.db");
    let store = Store::open(&Location::Sqlite(file)).await.unwrap();
    let record = store.record("conversation", "c").await.unwrap().unwrap();
    let body = record.body.replace("\"lastSequence\":1", "\"lastSequence\":9998");
    let put = Put {
        kind: "conversation".into(),
        id: "c".into(),
        body: Some(body),
        expect: Expect::Any,
    };
    store
        .commit(Commit {
            records: vec![put],
            ..Commit::default()
        })
        .await
        .unwrap();
    store.close().await;
    let mut options = Options::local(rig.folder.path().join("data"), small_tenant());
    options.limits = Limits::OFF;
    let center = Center::start(options).await.unwrap();
    let rig = Rig {
        base: center.addresses().base_url(),
        center,
        ..rig
    };
    let talker = Talker::new(&rig).await;
    assert_eq!(talker.said("c", "x").await, 9_999);
    assert_eq!(talker.said("c", "x").await, 10_000);
    talker
        .say("c", "x")
        .await
        .refused(409, "conflict")
        .mentions("10000 interactions");
    assert_eq!(talker.put("c", json!({"state": "closed"})).await.status, 200);
}
