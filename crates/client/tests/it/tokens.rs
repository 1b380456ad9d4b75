//! The token cache.

use crate::support::{Watch, platform, rig, seconds};
use client::{
    Error, FailureKind, Request, Tokens, Transport,
    testing::{Reply, ScriptedHttp, Seen},
};
use std::sync::Arc;
use tokio::time::{advance, sleep};

fn get() -> Request {
    Request::get(["thing"])
}

/// A transport whose requests for tokens are answered by `script`, which is told their number; all else is good.
fn token_rig(mut script: impl FnMut(usize) -> Reply + Send + 'static) -> (Arc<ScriptedHttp>, Transport) {
    let mut tokens = 0;
    let http = Arc::new(ScriptedHttp::new(move |request| {
        if request.uri().path() != "/oauth/token" {
            return Reply::answer(200, "{}");
        }
        tokens += 1;
        script(tokens)
    }));
    (
        http.clone(),
        Transport::new(http.clone(), Tokens::new(http), platform()),
    )
}

fn bearers(http: &ScriptedHttp) -> Vec<String> {
    http.seen_at("thing")
        .iter()
        .map(|seen: &Seen| seen.header("authorization").to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_as_the_contract_says() {
    let (http, transport) = rig(|_, _| Reply::answer(200, "{}"));
    transport.send(get()).await.unwrap();
    let asked = &http.seen_at("/oauth/token")[0];
    let request = wire::oauth::TokenRequest::parse(Some(asked.header("authorization")), asked.request.body());
    assert_eq!(request.unwrap().credentials.client_id.as_str(), "demo");
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(bearers(&http), ["Bearer token-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_refreshed_a_minute_early() {
    let (http, transport) = token_rig(|number| Reply::token(&format!("t{number}"), 3600));
    transport.send(get()).await.unwrap();
    advance(seconds(3539)).await;
    transport.send(get()).await.unwrap();
    assert_eq!(http.seen_at("token").len(), 1);
    advance(seconds(1)).await;
    // This one finds it due, and is not held up by that.
    transport.send(get()).await.unwrap();
    sleep(seconds(1)).await;
    transport.send(get()).await.unwrap();
    assert_eq!(http.seen_at("token").len(), 2);
    assert_eq!(
        bearers(&http),
        ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_short_lived_token_is_refreshed_at_half_of_its_life() {
    let (http, transport) = token_rig(|number| Reply::token(&format!("t{number}"), 60));
    for (after, tokens) in [(0, 1), (29, 1), (1, 2), (29, 2), (1, 3)] {
        advance(seconds(after)).await;
        transport.send(get()).await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(http.seen_at("token").len(), tokens, "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_refresh_harms_nobody_while_the_token_is_good() {
    let (http, transport) = token_rig(|number| match number {
        1 => Reply::token("t1", 100),
        _ => Reply::answer(400, "not now"),
    });
    transport.send(get()).await.unwrap();
    for _ in 0..3 {
        advance(seconds(16)).await;
        transport.send(get()).await.unwrap();
    }
    advance(seconds(60)).await;
    assert!(matches!(
        transport.send(get()).await,
        Err(Error::TokenRefused { .. })
    ));
    assert!(http.seen_at("token").len() >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_one_request() {
    let (http, transport) = token_rig(|_| Reply::token("t", 3600).after(seconds(1)));
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let transport = transport.clone();
            tokio::spawn(async move { transport.send(get()).await.map(drop) })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(
        (http.seen_at("token").len(), http.seen_at("thing").len()),
        (1, 100)
    );
}

#[tokio::test(start_paused = true)]
async fn the_leader_may_go_away() {
    let (http, transport) = token_rig(|_| Reply::token("t", 3600).after(seconds(1)));
    let leader = tokio::spawn({
        let transport = transport.clone();
        async move { transport.send(get()).await.map(drop) }
    });
    sleep(seconds(0)).await;
    let follower = tokio::spawn({
        let transport = transport.clone();
        async move { transport.send(get()).await.map(drop) }
    });
    sleep(seconds(0)).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    let watch = Watch::start();
    follower.await.unwrap().unwrap();
    assert!(watch.ms() <= 1002);
    assert_eq!(http.seen_at("token").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_token_endpoint_is_asked_again_when_it_says() {
    let (http, transport) = token_rig(|number| match number {
        1 => Reply::answer(429, "").with_header("retry-after", "2"),
        2 => Reply::fail(FailureKind::Broken),
        _ => Reply::token("t", 3600),
    });
    let watch = Watch::start();
    transport.send(get()).await.unwrap();
    assert!((2000..=2605).contains(&watch.ms()), "{}", watch.ms());
    assert_eq!(http.seen_at("token").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_time_bound_covers_the_token() {
    let (http, transport) = token_rig(|_| Reply::nothing());
    let watch = Watch::start();
    let error = transport.send(get()).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!((30_000..=30_010).contains(&watch.ms()), "{}", watch.ms());

    sleep(seconds(1)).await;
    let short = get().with_timeouts(seconds(1), seconds(2));
    let watch = Watch::start();
    let error = transport.send(short).await.map(drop).unwrap_err();
    assert!(
        error.to_string().contains("no access token within 2.0 s"),
        "{error}"
    );
    assert!((2000..=2002).contains(&watch.ms()), "{}", watch.ms());
    assert_eq!(http.seen_at("thing").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_not_remembered() {
    let (http, transport) = token_rig(|number| match number {
        1 => Reply::answer(
            401,
            r#"{"error":"invalid_client","error_description":"unknown client"}"#,
        ),
        _ => Reply::token("t", 3600),
    });
    let error = transport.send(get()).await.map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "platform.example gives the client \"demo\" no token (401 invalid_client): unknown client; \
         check the client id and the client secret"
    );
    assert_eq!(http.seen_at("token").len(), 1);
    transport.send(get()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_token_is_named() {
    let (_, transport) = token_rig(|_| Reply::answer(200, "<html>welcome</html>"));
    let error = transport.send(get()).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn there_is_one_token_per_scope_set() {
    let (http, transport) = token_rig(|number| Reply::token(&format!("t{number}"), 3600));
    let reads = transport.with_scopes("profile:read".parse().unwrap());
    let calls = transport.with_scopes("callcontrol:inbound callcontrol:media".parse().unwrap());
    let swapped = transport.with_scopes("callcontrol:media callcontrol:inbound".parse().unwrap());
    for transport in [&transport, &reads, &calls, &swapped, &reads, &transport] {
        transport.send(get()).await.unwrap();
    }
    assert_eq!(
        bearers(&http).concat(),
        "Bearer t1Bearer t2Bearer t3Bearer t3Bearer t2Bearer t1"
    );
    let asked: Vec<_> = http
        .seen_at("token")
        .iter()
        .map(|seen| seen.request.body().clone())
        .collect();
    assert_eq!(asked[0], "grant_type=client_credentials");
    assert_eq!(asked[1], "grant_type=client_credentials&scope=profile%3Aread");
}

#[tokio::test(start_paused = true)]
async fn callers_whose_token_was_refused_together_share_the_next_one() {
    let (http, transport) = rig(|_, request| match request.headers()["authorization"].to_str() {
        // The late one finds its token replaced already, and must not drop the new one.
        Ok("Bearer token-1") if request.uri().path() == "/late" => Reply::answer(401, "").after(seconds(5)),
        Ok("Bearer token-1") => Reply::answer(401, "").after(seconds(1)),
        _ => Reply::answer(200, "{}"),
    });
    let (one, other, late) = tokio::join!(
        transport.send(get()),
        transport.send(get()),
        transport.send(Request::get(["late"]))
    );
    for sent in [one, other, late] {
        sent.unwrap();
    }
    assert_eq!(http.seen_at("token").len(), 2);
}
