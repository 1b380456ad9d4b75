//! Web hooks that fail half way, are slow, or say no.

use super::{Rig, pages_of};
use client::{
    FailureKind,
    testing::{Reply, ScriptedHttp, Seen},
};
use jobs::sync::{Settings, SinkError, SyncError};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What a sink has, by change id: how often it was applied. The same key twice is applied once.
pub(super) type Applied = Arc<Mutex<BTreeMap<String, u32>>>;

/// A sink that applies what it takes, and answers as `answer` says, which is told the number of the request, from 1. A request
/// is applied whatever is answered, as answers get lost.
pub(super) fn sink(mut answer: impl FnMut(u32) -> Reply + Send + 'static) -> (Arc<ScriptedHttp>, Applied) {
    let applied = Applied::default();
    let applies = applied.clone();
    let mut number = 0;
    let http = ScriptedHttp::new(move |request| {
        number += 1;
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let changes = body["changes"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![body.clone()]);
        for change in changes {
            let id = change["changeId"].as_str().unwrap().to_owned();
            *applies.lock().unwrap().entry(id).or_default() += 1;
        }
        answer(number)
    });
    (Arc::new(http), applied)
}

fn keys(seen: &[Seen]) -> Vec<String> {
    seen.iter()
        .map(|seen| seen.header("idempotency-key").to_owned())
        .collect()
}

async fn rig_of(conversations: usize) -> Rig {
    let rig = Rig::new().await;
    for number in 0..conversations {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    rig
}

#[tokio::test]
async fn each_change_is_posted_with_its_id_as_the_key() {
    let rig = rig_of(3).await;
    let (http, applied) = sink(|_| Reply::answer(204, ""));
    rig.post(&http, Settings::default()).await.unwrap();
    let mut keys = keys(&http.seen());
    keys.sort();
    assert_eq!(keys, ["c0@1", "c1@1", "c2@1"]);
    assert_eq!(applied.lock().unwrap().len(), 3);
    rig.post(&http, Settings::default()).await.unwrap();
    assert_eq!(http.seen().len(), 3, "nothing is sent twice");
}

#[tokio::test]
async fn web_hooks_that_differ_only_in_the_query_get_everything_each() {
    let rig = rig_of(3).await;
    for to in ["https://h.example/hook?dest=a", "https://h.example/hook?dest=b"] {
        let (http, applied) = sink(|_| Reply::answer(204, ""));
        rig.post_to(to, &http, Settings::default()).await.unwrap();
        assert_eq!(applied.lock().unwrap().len(), 3, "{to}");
        rig.post_to(to, &http, Settings::default()).await.unwrap();
        assert_eq!(http.seen().len(), 3, "nothing is sent twice to {to}");
    }
}

#[tokio::test]
async fn batches_hold_so_many_changes() {
    let rig = rig_of(7).await;
    let (http, applied) = sink(|_| Reply::answer(200, "ok"));
    let batch = Settings {
        batch: 3,
        ..Settings::default()
    };
    rig.post(&http, batch).await.unwrap();
    assert_eq!(http.seen().len(), 3);
    assert_eq!(applied.lock().unwrap().len(), 7);
}

#[tokio::test]
async fn a_sink_that_fails_half_way_gets_the_rest_later_and_nothing_is_lost() {
    let rig = rig_of(20).await;
    let (http, applied) = sink(|number| Reply::answer(if number <= 11 { 200 } else { 400 }, "no more"));
    let failed = rig.post(&http, pages_of(5)).await.unwrap_err();
    assert!(
        matches!(
            &failed,
            SyncError::Sink(SinkError::Refused {
                status: 400,
                attempts: 1,
                ..
            })
        ),
        "{failed}"
    );
    assert!(failed.to_string().contains("no more"), "{failed}");
    let sent = http.seen().len();
    let (mended, rest) = sink(|_| Reply::answer(200, ""));
    rig.post(&mended, pages_of(5)).await.unwrap();
    let mut all: Vec<String> = applied.lock().unwrap().keys().cloned().collect();
    all.extend(rest.lock().unwrap().keys().cloned());
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
    // Two pages were there for sure; of the third, nobody knows.
    assert!(
        rest.lock().unwrap().len() <= 10,
        "{sent} sent, then {:?}",
        rest.lock().unwrap()
    );
}

#[tokio::test]
async fn a_busy_sink_is_obeyed_and_a_broken_one_is_tried_again_under_the_same_key() {
    let rig = rig_of(1).await;
    let (http, _) = sink(|number| match number {
        1 => Reply::answer(429, "").with_header("retry-after", "1"),
        2 => Reply::answer(500, ""),
        3 => Reply::fail(FailureKind::Broken),
        _ => Reply::answer(200, ""),
    });
    rig.post(&http, Settings::default()).await.unwrap();
    let seen = http.seen();
    assert_eq!(keys(&seen), ["c0@1"; 4]);
    assert!(
        seen[1].at - seen[0].at >= Duration::from_secs(1),
        "as long as it asked for"
    );
}

#[tokio::test]
async fn a_slow_sink_is_waited_for_and_little_is_read_ahead() {
    let rig = rig_of(60).await;
    let (http, applied) = sink(|_| Reply::answer(200, "").after(Duration::from_millis(15)));
    let walked = rig.post(&http, pages_of(2)).await.unwrap();
    assert_eq!(walked.changes, 60);
    assert!(applied.lock().unwrap().values().all(|times| *times == 1));
}

#[tokio::test]
async fn a_refusal_does_not_tell_what_people_wrote() {
    let rig = rig_of(1).await;
    let (http, _) = sink(|_| Reply::answer(422, "ann@example.com is unknown"));
    let failed = rig
        .post(&http, Settings::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        failed.contains("a**@example.com is unknown") && failed.contains("c0@1"),
        "{failed}"
    );
}
