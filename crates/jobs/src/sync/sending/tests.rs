use super::*;
use client::testing::{Reply, ScriptedHttp};

async fn sent(
    answer: impl FnMut(u32) -> Reply + Send + 'static,
) -> (Result<Bytes, SinkError>, Duration, usize) {
    sent_with(Safety::Keyed, answer).await
}

/// Sends to a sink that answers like this, told the number of the request from 1 on; gives also how long that took and how many
/// requests there were.
async fn sent_with(
    safety: Safety,
    mut answer: impl FnMut(u32) -> Reply + Send + 'static,
) -> (Result<Bytes, SinkError>, Duration, usize) {
    let mut number = 0;
    let http = Arc::new(ScriptedHttp::new(move |_| {
        number += 1;
        answer(number)
    }));
    let sender = Sender::new(http.clone(), SignIn::Nobody, PATIENT);
    let letter = Letter {
        method: Method::POST,
        url: &"https://sink.example/hook".parse().unwrap(),
        body: Bytes::from_static(b"{}"),
        key: Some("a@1"),
        about: "a@1",
        safety,
    };
    let begun = Instant::now();
    let sent = sender.send(&letter).await;
    (sent, begun.elapsed(), http.seen().len())
}

fn busy(seconds: &str) -> Reply {
    Reply::answer(429, "").with_header("retry-after", seconds)
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_busy_again_and_again_is_obeyed() {
    let (sent, took, requests) = sent(|number| match number {
        1..=40 => busy("5"),
        _ => Reply::answer(200, ""),
    })
    .await;
    sent.unwrap();
    assert_eq!(requests, 41);
    assert!(took >= Duration::from_secs(40 * 5), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_must_be_done_once_is_repeated_only_when_it_was_not_done() {
    let (sent, _, requests) = sent_with(Safety::Once, |number| match number {
        1 => Reply::answer(429, ""),
        2 => Reply::answer(503, "").with_header("retry-after", "1"),
        _ => Reply::answer(201, ""),
    })
    .await;
    sent.unwrap();
    assert_eq!(requests, 3);
    for unsure in [
        || Reply::answer(500, ""),
        || Reply::answer(503, ""),
        || Reply::fail(FailureKind::Broken),
    ] {
        let (sent, _, requests) = sent_with(Safety::Once, move |_| unsure()).await;
        assert!(sent.unwrap_err().may_be_done());
        assert_eq!(requests, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_is_kept_and_takes_nothing_from_the_patience_with_failures() {
    let (sent, took, _) = sent(|number| match number {
        1 => busy("1000"),
        2 => Reply::answer(503, "").with_header("retry-after", "900"),
        3..13 => Reply::answer(500, ""),
        _ => Reply::answer(200, ""),
    })
    .await;
    sent.unwrap();
    assert!(took >= Duration::from_secs(1900), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_ends_at_once_and_says_how_long_it_is() {
    let (sent, took, requests) = sent(|_| busy("7200")).await;
    let error = sent.unwrap_err();
    assert_eq!(
        (requests, took, error.retry_after()),
        (1, Duration::ZERO, Some(Duration::from_secs(7200)))
    );
    assert!(error.is_passing());
    insta::assert_snapshot!(error, @"sink.example does not take a@1: it answers 429 (attempts: 1): no text; it asks for a pause of 7200 s: begin the sync again after it, it goes on where it was");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_busy_for_ever_is_given_up_after_an_hour_and_a_broken_one_sooner() {
    let (sent_to_busy, took, _) = sent(|_| Reply::answer(429, "")).await;
    assert!(matches!(
        sent_to_busy,
        Err(SinkError::Refused { status: 429, .. })
    ));
    assert!(took <= LONGEST_BUSY && took > LONGEST_BUSY / 2, "{took:?}");
    let (sent_to_broken, took, requests) = sent(|_| Reply::answer(500, "")).await;
    assert!(matches!(
        sent_to_broken,
        Err(SinkError::Refused { status: 500, .. })
    ));
    assert!(
        took <= PATIENT.total && requests <= PATIENT.attempts as usize,
        "{took:?}"
    );
}
