//! Conversations, messages, long polls, and walks along the list.

use crate::support::{Watch, rig};
use client::{Conversations, Error, FailureKind, testing::Reply};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use wire::{
    conversation::{
        ConversationChange, ConversationSummary, DetailsQuery, InteractionsAsked, NewConversation,
        NewInteraction, Order, State,
    },
    ids::ConversationId,
};

const PATH: &str = "/api/v2/conversations";

fn id() -> ConversationId {
    "conv-1".parse().unwrap()
}

fn new() -> NewConversation {
    let body = json!({"id": "conv-1", "type": "webchat", "state": "active",
        "participants": [{"id": "user-1", "direction": "inbound"}], "context": {"botSession": {}}});
    NewConversation::parse(&body.to_string()).unwrap()
}

fn view(state: &str) -> Value {
    json!({"id": "conv-1", "type": "webchat", "state": state, "participants": [{"id": "user-1", "direction": "inbound"}],
        "context": {"botSession": {"z": 1, "a": 2}}, "botId": null, "resolved": false, "version": 3,
        "createdDate": "2026-11-21T09:30:00.000Z", "updatedDate": "2026-11-21T09:30:00.000Z"})
}

fn interaction(sequence: u64) -> Value {
    json!({"id": format!("int-{sequence}"), "sequence": sequence, "direction": "outbound", "type": "message", "text": "hi",
        "read": false, "createdDate": "2026-11-21T09:30:00.000Z", "inReplyTo": "int-1", "participantId": "bot-1"})
}

fn page(ids: &[&str], next: Option<&str>) -> String {
    let entity = |id: &&str| json!({"id": id, "state": "active", "updatedDate": "2026-11-21T09:30:00.000Z"});
    let entities: Vec<_> = ids.iter().map(entity).collect();
    json!({"entities": entities, "nextUri": next}).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_created_once_and_read_in_order() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::fail(FailureKind::Broken),
        2 => Reply::answer(201, view("active").to_string()),
        3 => Reply::answer(404, ""),
        _ => {
            // The order of the session's keys is in the text alone.
            let text = view("active")
                .to_string()
                .replace(r#"{"a":2,"z":1}"#, r#"{"z":1,"a":2}"#);
            Reply::answer(200, text)
        }
    });
    let conversations = Conversations::new(&transport).with_correlation("corr-1".parse().unwrap());
    let created = conversations.create(&new()).await.unwrap();
    assert_eq!((created.state, created.version), (State::Active, 3));
    assert!(conversations.get(&id()).await.unwrap().is_none());
    let read = conversations.get(&id()).await.unwrap().unwrap();
    assert_eq!(read.context.session.unwrap().iter().next().unwrap().0, "z");
    let posts = http.seen_at(PATH);
    assert_eq!(posts.len(), 2);
    assert_eq!(
        posts[0].header("idempotency-key"),
        posts[1].header("idempotency-key")
    );
    assert_eq!(posts[0].header("x-correlation-id"), "corr-1");
    let token = http.seen_at("/oauth/token").remove(0);
    let form = std::str::from_utf8(token.request.body()).unwrap();
    for scope in [
        "conversations%3Aread",
        "conversations%3Awrite",
        "analytics%3Aread",
    ] {
        assert!(form.contains(scope), "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_faults_is_not_sent() {
    let (http, transport) = rig(|_, _| Reply::answer(201, view("active").to_string()));
    let conversations = Conversations::new(&transport);
    let mut large = new();
    large.context.session_mut().set("note", json!("é".repeat(40_000)));
    for error in [
        conversations.create(&large).await.unwrap_err(),
        conversations
            .change(
                &id(),
                &ConversationChange {
                    state: None,
                    context: Some(large.context.clone()),
                },
                None,
            )
            .await
            .unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("80026 bytes") && text.contains("65536"), "{text}");
    }
    let message = NewInteraction::message("user-1".parse().unwrap(), "x".repeat(10_001));
    let error = conversations.post(&id(), &message).await.unwrap_err().to_string();
    assert!(
        error.contains("at most 10000 characters long, not 10001"),
        "{error}"
    );
    assert_eq!(http.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_may_have_a_condition() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::answer(412, json!({"message": "it has version 4"}).to_string()),
        _ => Reply::answer(200, view("closed").to_string()),
    });
    let conversations = Conversations::new(&transport);
    let close = ConversationChange::to(State::Closed);
    let error = conversations.change(&id(), &close, Some(3)).await.unwrap_err();
    assert_eq!(error.status(), Some(412));
    let closed = conversations.change(&id(), &close, None).await.unwrap();
    assert_eq!(closed.state, State::Closed);
    let puts = http.seen_at("/conv-1");
    assert!(
        puts.iter()
            .all(|put| put.request.method() == Method::PUT && put.request.body() == r#"{"state":"closed"}"#)
    );
    assert_eq!(
        (puts[0].header("if-match"), puts[1].header("if-match")),
        ("\"3\"", "")
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_is_said_once_however_often_it_is_sent() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::answer(429, "").with_header("retry-after", "3"),
        2 => Reply::fail(FailureKind::TimedOut),
        _ => Reply::answer(201, r#"{"id":"int-1","sequence":7}"#),
    });
    let watch = Watch::start();
    let message = NewInteraction::message("user-1".parse().unwrap(), "where is my order?");
    let posted = Conversations::new(&transport)
        .post(&id(), &message)
        .await
        .unwrap();
    assert_eq!((posted.id.as_str(), posted.sequence), ("int-1", 7));
    assert!(watch.ms() >= 3_000, "429 costs waiting time");
    let posts = http.seen_at("/conv-1/interactions");
    assert_eq!(posts.len(), 3);
    assert!(
        posts
            .iter()
            .all(|post| post.header("idempotency-key") == posts[0].header("idempotency-key"))
    );
}

#[tokio::test(start_paused = true)]
async fn how_long_a_message_was_held_up_is_told_from_the_attempt_that_was_taken() {
    let message = NewInteraction::message("user-1".parse().unwrap(), "hello");
    let held_up = async |lost: bool| {
        let (_, transport) = rig(move |number, _| match number {
            1 => Reply::answer(429, "").with_header("retry-after", "3"),
            2 if lost => Reply::fail(FailureKind::Broken).after(Duration::from_secs(1)),
            3 if lost => Reply::answer(429, "").with_header("retry-after", "5"),
            _ => Reply::answer(201, r#"{"id":"int-1","sequence":7}"#).after(Duration::from_secs(1)),
        });
        let key = "key-1".parse().unwrap();
        let said = Conversations::new(&transport)
            .post_keyed(&id(), &message, key)
            .await;
        said.unwrap().held_up.as_secs_f64()
    };
    assert!((3.0..3.3).contains(&held_up(false).await));
    // The second one may be the one that was taken.
    assert!((3.0..3.3).contains(&held_up(true).await));
}

#[tokio::test(start_paused = true)]
async fn an_error_says_whether_it_may_have_been_done_all_the_same() {
    let may_be_done = async |replies: [fn() -> Reply; 2]| {
        let (_, transport) = rig(move |number, _| replies[usize::from(number > 1)]());
        let error = Conversations::new(&transport).create(&new()).await.unwrap_err();
        error.may_be_done()
    };
    let dead: fn() -> Reply = || Reply::fail(FailureKind::NotConnected);
    let lost: fn() -> Reply = || Reply::fail(FailureKind::Broken);
    let no: fn() -> Reply = || Reply::answer(400, "");
    let odd: fn() -> Reply = || Reply::answer(201, "<html>");
    let busy: fn() -> Reply = || Reply::answer(429, "");
    for (replies, wanted) in [
        ([dead, dead], false),
        ([busy, no], false),
        ([no, no], false),
        ([lost, dead], true),
        ([lost, busy], true),
        ([lost, no], true),
        ([odd, odd], true),
    ] {
        assert_eq!(may_be_done(replies).await, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_is_given_the_time_it_asks_for() {
    let (http, transport) = rig(|_, _| {
        Reply::answer(200, json!([interaction(3), interaction(4)]).to_string())
            .after(std::time::Duration::from_secs(29))
    });
    let asked = InteractionsAsked {
        limit: 50,
        order: Order::Ascending,
        after: Some(2),
        wait_s: 30,
    };
    let heard = Conversations::new(&transport)
        .interactions(&id(), &asked)
        .await
        .unwrap();
    assert_eq!(heard.iter().map(|one| one.sequence).collect::<Vec<_>>(), [3, 4]);
    let polls = http.seen_at("/conv-1/interactions");
    assert_eq!(polls.len(), 1);
    assert_eq!(
        polls[0].request.uri().query(),
        Some("limit=50&order=asc&after=2&wait=30")
    );
}

#[tokio::test(start_paused = true)]
async fn an_interaction_is_marked_as_read() {
    let (http, transport) = rig(|_, _| Reply::answer(204, ""));
    let conversations = Conversations::new(&transport);
    conversations
        .read(&id(), &"int-1".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(http.seen_at("/conv-1/interactions/int-1/read").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn links_are_followed_as_they_were_given() {
    let next = "/api/v2/conversations?pageSize=2&cursor=a%2Bb%3D&x";
    let (http, transport) = rig(move |number, _| match number {
        1 => Reply::answer(200, page(&["a", "b"], Some(next))),
        2 => Reply::answer(503, ""),
        _ => Reply::answer(200, page(&["c"], None)),
    });
    let conversations = Conversations::new(&transport);
    let since = "2026-11-21T09:30:00Z".parse().unwrap();
    let mut walk = conversations.changes(Some(since), 2);
    let first = walk.next_page::<ConversationSummary>().await.unwrap().unwrap();
    assert_eq!(first.next_uri.as_deref(), Some(next));
    let second = walk.next_page::<ConversationSummary>().await.unwrap().unwrap();
    assert_eq!(second.entities[0].id.as_str(), "c");
    assert!(walk.next_page::<ConversationSummary>().await.unwrap().is_none());
    let queries: Vec<_> = http
        .seen_at(PATH)
        .iter()
        .map(|seen| seen.request.uri().query().unwrap().to_owned())
        .collect();
    assert_eq!(
        queries[0],
        "pageSize=2&updatedDateGte=2026-11-21T09%3A30%3A00.000Z"
    );
    assert_eq!(queries[2], "pageSize=2&cursor=a%2Bb%3D&x");

    let mut resumed = conversations.changes_from(next).unwrap();
    assert!(
        resumed
            .next_page::<ConversationSummary>()
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_that_comes_again_or_leads_elsewhere_ends_the_walk() {
    for (links, told) in [
        (&["/api/v2/conversations?cursor=1"; 3][..], "leads back"),
        (
            &["/api/v2/conversations?cursor=1", "/api/v2/conversations?cursor=2"],
            "leads back",
        ),
        (
            &["https://evil.example/api/v2/conversations?cursor=1"],
            "another host",
        ),
        (
            &["http://platform.example/api/v2/conversations?cursor=1"],
            "another host",
        ),
    ] {
        let links: Vec<String> = links.iter().map(|link| (*link).to_owned()).collect();
        let (http, transport) =
            rig(move |number, _| Reply::answer(200, page(&["a"], Some(&links[(number - 1) % links.len()]))));
        let mut walk = Conversations::new(&transport).changes(None, 1);
        let error = loop {
            match walk.next_page::<ConversationSummary>().await {
                Ok(page) => assert!(page.is_some()),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(error, Error::BadAnswer { .. }) && error.to_string().contains(told),
            "{error}"
        );
        assert!(walk.next_page::<ConversationSummary>().await.unwrap().is_none());
        assert!(http.seen_at(PATH).len() <= 6);
        assert!(
            http.seen()
                .iter()
                .all(|seen| seen.request.uri().host() == Some("platform.example"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn details_are_asked_for() {
    let (http, transport) = rig(|_, _| Reply::answer(200, r#"{"totalHits":0,"groups":[]}"#));
    let query = r#"{"dateFrom":"2026-11-21T00:00:00Z","dateTo":"2026-11-22T00:00:00Z"}"#;
    let query = DetailsQuery::parse(query).unwrap();
    let conversations = Conversations::new(&transport);
    assert_eq!(conversations.details(&query).await.unwrap().total_hits, 0);
    let wrong = DetailsQuery {
        date_from: query.date_to,
        date_to: query.date_from,
        ..query
    };
    assert!(conversations.details(&wrong).await.is_err());
    assert_eq!(http.seen_at("/analytics/conversations/details/query").len(), 1);
}
