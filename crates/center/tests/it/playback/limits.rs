//! How many streams a client may have, whose sessions they are, and how they are listed.

use super::*;
use crate::support::tenant_with;
use center::Options;

const CAROL: (&str, &str) = ("carol", "carol-secret-3");

/// Two clients that may play.
fn with_carol(options: &mut Options) {
    options.tenant = tenant_with("[[client]]\nid = \"carol\"\nsecret = \"carol-secret-3\"\nscopes = \"all\"");
    unlimited_rates(options);
}

#[tokio::test]
async fn the_51st_stream_is_refused_until_one_is_over() {
    let rig = Rig::start_with(with_carol).await;
    let (token, others) = (rig.token().await, rig.token_of(CAROL, "").await);
    for number in 1..=50 {
        created(&rig, &token, &directive(number)).await;
        let paused = control(&rig, &token, number, json!({"action": "pause"})).await;
        assert_eq!(paused.status, 200, "{}", paused.text);
    }
    let refused = create(&rig, &token, &directive(51)).await;
    refused
        .refused(409, "conflict")
        .mentions("limit of 50 concurrent streams");
    created(&rig, &others, &directive(52)).await;
    assert_eq!(
        get(&rig, &token, &format!("{SESSIONS}/{}", id(51))).await.status,
        404
    );
    control(&rig, &token, 7, json!({"action": "stop"})).await;
    created(&rig, &token, &directive(51)).await;
    rig.center.close().await;
}

#[tokio::test]
async fn who_asks_for_at_most_two_gets_no_third() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let at_most = |number, most: u32| {
        let mut directive = directive(number);
        directive["sessionMetadata"]["maxConcurrentStreams"] = most.into();
        directive
    };
    created(&rig, &token, &at_most(1, 1)).await;
    created(&rig, &token, &at_most(2, 2)).await;
    let refused = create(&rig, &token, &at_most(3, 2)).await;
    refused.refused(409, "conflict").mentions("limit of 2 concurrent");
    created(&rig, &token, &directive(3)).await;
    let more = create(&rig, &token, &at_most(4, 51)).await;
    more.refused(400, "bad_request").mentions("maxConcurrentStreams");
    rig.center.close().await;
}

#[tokio::test]
async fn an_id_is_taken_as_long_as_its_session_is_remembered() {
    let rig = Rig::start_with(with_carol).await;
    let (token, others) = (rig.token().await, rig.token_of(CAROL, "").await);
    created(&rig, &token, &directive(1)).await;
    for token in [&token, &others] {
        let refused = create(&rig, token, &directive(1)).await;
        refused.refused(409, "conflict").mentions("exists already");
    }
    control(&rig, &token, 1, json!({"action": "stop"})).await;
    let refused = create(&rig, &token, &directive(1)).await;
    refused.refused(409, "conflict").mentions("exists already");
    rig.center.close().await;
}

#[tokio::test]
async fn the_same_idempotency_key_starts_it_once() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let ask = async || {
        let request = rig.request(Method::POST, SESSIONS).bearer_auth(&token);
        let request = request.header("idempotency-key", "k-1");
        send(request.body(directive(1).to_string())).await
    };
    let (first, again) = (ask().await, ask().await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.text, again.text);
    assert_eq!(again.header("idempotency-replayed"), "true");
    rig.center.close().await;
}

#[tokio::test]
async fn the_sessions_of_others_are_not_to_be_found() {
    let rig = Rig::start_with(with_carol).await;
    let (token, others) = (rig.token().await, rig.token_of(CAROL, "").await);
    created(&rig, &token, &directive(1)).await;
    let path = format!("{SESSIONS}/{}", id(1));
    get(&rig, &others, &path).await.refused(404, "not_found");
    control(&rig, &others, 1, json!({"action": "stop"}))
        .await
        .refused(404, "not_found");
    send(rig.request(Method::DELETE, &path).bearer_auth(&others))
        .await
        .refused(404, "not_found");
    assert_eq!(get(&rig, &others, SESSIONS).await.body["totalCount"], 0);
    assert_eq!(session(&rig, &token, 1).await["playbackState"], "playing");
    rig.center.close().await;
}

#[tokio::test]
async fn sessions_are_listed_in_pages_by_their_state() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    for number in 1..=5 {
        created(&rig, &token, &directive(number)).await;
        control(&rig, &token, number, json!({"action": "pause"})).await;
    }
    for number in [2, 4] {
        control(&rig, &token, number, json!({"action": "stop"})).await;
    }
    let list = async |query: &str| {
        let answer = get(&rig, &token, &format!("{SESSIONS}{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    };
    let ids = |page: &Value| {
        let entities = page["entities"].as_array().unwrap();
        let ids = entities.iter().map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let page = list("?status=active&pageSize=2&pageNumber=1").await;
    assert_eq!(ids(&page), [id(5), id(3)]);
    assert_eq!(
        (&page["totalCount"], &page["pageSize"], &page["pageNumber"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let next = page["nextUri"].as_str().unwrap();
    let page = get(&rig, &token, next).await.body;
    assert_eq!(ids(&page), [id(1)]);
    assert_eq!(page["nextUri"], Value::Null);
    assert_eq!(ids(&list("?status=finished").await), [id(4), id(2)]);
    assert_eq!(list("").await["totalCount"], 5);
    let refused = get(&rig, &token, &format!("{SESSIONS}?status=loud&pageSize=0")).await;
    refused.refused(400, "bad_request");
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2);
    rig.center.close().await;
}

#[tokio::test]
async fn who_starts_too_many_in_a_time_is_told_to_wait() {
    // Five a second unless it is said otherwise (`limits.rs`); here in a time that no machine is too slow for.
    let rig = Rig::start_with(|options| options.limits = "session-creations=5/min".parse().unwrap()).await;
    let token = rig.token().await;
    for number in 1..=5 {
        created(&rig, &token, &directive(number)).await;
    }
    let sixth = create(&rig, &token, &directive(6)).await;
    sixth.refused(429, "too_many_requests");
    let seconds: u64 = sixth.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(
        get(&rig, &token, SESSIONS).await.status,
        200,
        "the rest is counted apart"
    );
    rig.center.close().await;
}
