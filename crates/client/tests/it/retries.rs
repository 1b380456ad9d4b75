//! What is repeated, when, and for how long.

use crate::support::{Watch, http_date_in, rig};
use client::{Error, FailureKind, Request, testing::Reply};
use flow::retry::Reason;
use serde_json::json;
use std::{collections::HashSet, time::Duration};

fn get() -> Request {
    Request::get(["api", "thing"])
}

fn post() -> Request {
    Request::post(["api", "thing"], &json!({"a": 1})).unwrap()
}

#[tokio::test(start_paused = true)]
async fn retry_after_in_seconds_is_obeyed() {
    let (_, transport) = rig(|number, _| match number {
        1 => Reply::answer(429, "").with_header("retry-after", "3"),
        _ => Reply::answer(200, "{}"),
    });
    let watch = Watch::start();
    transport.send(get()).await.unwrap();
    assert!((3000..=3202).contains(&watch.ms()), "{}", watch.ms());
}

#[tokio::test(start_paused = true)]
async fn retry_after_as_a_date_counts_from_the_answers_own_date() {
    let (_, transport) = rig(|number, _| match number {
        1 => Reply::answer(503, "")
            .with_header("date", "Sat, 21 Nov 2026 09:30:00 GMT")
            .with_header("retry-after", "Sat, 21 Nov 2026 09:30:07 GMT"),
        _ => Reply::answer(200, "{}"),
    });
    let watch = Watch::start();
    transport.send(get()).await.unwrap();
    assert!((7000..=7202).contains(&watch.ms()), "{}", watch.ms());
}

#[tokio::test(start_paused = true)]
async fn retry_after_as_a_date_counts_from_our_clock_otherwise() {
    let (_, transport) = rig(|number, _| match number {
        1 => Reply::answer(503, "").with_header("retry-after", &http_date_in(20)),
        _ => Reply::answer(200, "{}"),
    });
    let watch = Watch::start();
    transport.send(get()).await.unwrap();
    // The date has whole seconds, and the machine may be busy for some.
    assert!((10_000..=20_202).contains(&watch.ms()), "{}", watch.ms());
}

#[tokio::test(start_paused = true)]
async fn the_jitter_is_full() {
    let mut shares = Vec::new();
    for _ in 0..60 {
        let (http, transport) = rig(|number, _| Reply::answer(if number < 5 { 503 } else { 200 }, "{}"));
        transport.send(get()).await.unwrap();
        let at: Vec<_> = http.seen_at("thing").iter().map(|seen| seen.at).collect();
        for (doublings, pair) in at.windows(2).enumerate() {
            let most = 0.2 * f64::from(1 << doublings);
            shares.push((pair[1] - pair[0]).as_secs_f64() / most);
        }
    }
    // Virtual time has a grain of a millisecond.
    assert!(shares.iter().all(|share| *share <= 1.02));
    for tenth in 0..10 {
        let range = f64::from(tenth) / 10.0..f64::from(tenth + 1) / 10.0;
        assert!(
            shares.iter().any(|share| range.contains(share)),
            "none in {range:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_attempts_are_bounded() {
    let (http, transport) = rig(|_, _| Reply::answer(503, "busy"));
    let error = transport.send(get()).await.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::GaveUp {
                attempts: 5,
                reason: Reason::Attempts,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("platform.example answers 503: busy"),
        "{error}"
    );
    assert_eq!(http.seen_at("thing").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_busy_platform_leaves_the_attempts_for_other_troubles() {
    let (http, transport) = rig(|number, _| match number {
        1..=4 => Reply::answer(429, "").with_header("retry-after", "1"),
        5 => Reply::fail(FailureKind::Broken),
        _ => Reply::answer(200, "{}"),
    });
    transport.send(post()).await.unwrap();
    assert_eq!(http.seen_at("thing").len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_total_time_is_not_begun() {
    let (http, transport) = rig(|_, _| Reply::answer(429, "").with_header("retry-after", "31"));
    let watch = Watch::start();
    let error = transport.send(get()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::GaveUp {
                attempts: 1,
                reason: Reason::Time,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!((watch.ms(), http.seen_at("thing").len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn slow_attempts_are_cut_to_the_time_that_is_left() {
    let (http, transport) = rig(|_, _| Reply::nothing());
    let watch = Watch::start();
    let error = transport.send(get()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable { attempts: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("no answer within 9."), "{error}");
    assert!((30_000..=30_010).contains(&watch.ms()), "{}", watch.ms());
    assert_eq!(http.seen_at("thing").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn only_what_can_do_no_harm_is_repeated() {
    type Make = fn() -> Request;
    let once: Make = || post().once();
    let delete: Make = || Request::delete(["api", "thing"]);
    let put: Make = || Request::put(["api", "thing"], &1).unwrap();
    let safe: [Make; 4] = [get, delete, put, post];

    let attempts = async |make: Make, reply: fn() -> Reply| {
        let (http, transport) = rig(move |_, _| reply());
        transport.send(make()).await.map(drop).unwrap_err();
        http.seen_at("thing").len()
    };
    let busy: fn() -> Reply = || Reply::answer(503, "");
    let too_many: fn() -> Reply = || Reply::answer(429, "").with_header("retry-after", "4");
    let lost: [fn() -> Reply; 4] = [
        || Reply::answer(502, ""),
        || Reply::answer(504, ""),
        || Reply::fail(FailureKind::Broken),
        || Reply::fail(FailureKind::NotConnected),
    ];
    let final_answers: [fn() -> Reply; 6] = [
        || Reply::answer(302, ""),
        || Reply::answer(400, ""),
        || Reply::answer(409, ""),
        || Reply::answer(500, ""),
        || Reply::fail(FailureKind::Untrusted),
        || Reply::fail(FailureKind::TooLarge),
    ];
    assert_eq!(attempts(once, busy).await, 5);
    // As many as there is time for.
    assert!((6..=7).contains(&attempts(once, too_many).await));
    for reply in lost {
        assert_eq!(attempts(once, reply).await, 1);
        for make in safe {
            assert_eq!(attempts(make, reply).await, 5);
        }
    }
    for reply in final_answers {
        assert_eq!(attempts(get, reply).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_repeat_of_a_post_has_the_same_key() {
    let (http, transport) = rig(|number, _| Reply::answer(if number % 3 == 0 { 200 } else { 503 }, "{}"));
    transport.send(post()).await.unwrap();
    transport.send(post()).await.unwrap();
    transport.send(get()).await.unwrap();
    transport.send(post().once()).await.unwrap();
    let seen = http.seen_at("thing");
    let keys: Vec<_> = seen.iter().map(|seen| seen.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 12);
    for send in keys.chunks(3) {
        assert!(send.iter().all(|key| key == &send[0]), "{send:?}");
    }
    assert!(!keys[0].is_empty() && !keys[3].is_empty() && keys[0] != keys[3]);
    assert_eq!((keys[6], keys[9]), ("", ""));

    let ids: Vec<_> = seen.iter().map(|seen| seen.header("x-correlation-id")).collect();
    assert!(
        ids.chunks(3)
            .all(|send| send.iter().all(|id| !id.is_empty() && id == &send[0]))
    );
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_given_correlation_id_is_used_and_returned() {
    let (http, transport) = rig(|_, _| Reply::answer(204, ""));
    let answer = transport
        .send(get().with_correlation_id("mine".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(answer.correlation_id.as_str(), "mine");
    assert_eq!(http.seen_at("thing")[0].header("x-correlation-id"), "mine");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_exactly_once() {
    let (http, transport) = rig(|_, request| match request.headers()["authorization"].to_str() {
        Ok("Bearer token-2") => Reply::answer(200, "{}"),
        _ => Reply::answer(401, ""),
    });
    // Nothing was done, so this holds for a request that must not be repeated, too.
    transport.send(post().once()).await.unwrap();
    assert_eq!((http.seen_at("thing").len(), http.seen_at("token").len()), (2, 2));

    let (http, transport) = rig(|_, _| Reply::answer(401, r#"no"#));
    let error = transport.send(get()).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert!(error.to_string().contains("check the client or token"), "{error}");
    assert_eq!((http.seen_at("thing").len(), http.seen_at("token").len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_replaced_token_costs_no_attempt() {
    let (http, transport) = rig(|number, _| Reply::answer(if number == 2 { 401 } else { 503 }, ""));
    let error = transport.send(get()).await.unwrap_err();
    assert!(matches!(error, Error::GaveUp { attempts: 5, .. }), "{error}");
    assert_eq!(http.seen_at("thing").len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_request_can_have_its_own_times() {
    let (http, transport) = rig(|_, _| Reply::nothing());
    let times = (Duration::from_millis(700), Duration::from_millis(800));
    let watch = Watch::start();
    transport
        .send(get().with_timeouts(times.0, times.1))
        .await
        .map(drop)
        .unwrap_err();
    assert!((700..=802).contains(&watch.ms()), "{}", watch.ms());
    assert!(http.seen_at("thing").len() <= 2);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_sent_is_not_sent() {
    let (http, transport) = rig(|_, _| Reply::answer(200, ""));
    for id in ["..", ".", ""] {
        let error = transport
            .send(Request::get(["api", id]))
            .await
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{error}");
    }
    let odd = get().with_correlation_id("\u{e9}\u{4e00}".parse().unwrap());
    // Text beyond ASCII is passed on as its bytes.
    transport.send(odd).await.unwrap();
    assert_eq!(http.seen_at("thing").len(), 1);
}
