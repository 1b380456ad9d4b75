//! Syncs that begin anew, in the midst of what was delivered or ahead of it.

use super::{Rig, pages_of, sinks::sink, sync};
use client::testing::Reply;
use jobs::sync::{Settings, Walked};
use serde_json::json;
use std::{fs, time::Duration};
use tokio_util::sync::CancellationToken;

/// A platform whose changes are hours apart, and the settings of a sync that begins at one of them.
async fn hourly(conversations: usize) -> Rig {
    let rig = Rig::new().await;
    rig.platform
        .change(|state| state.step = Duration::from_secs(2 * 3600));
    for number in 0..conversations {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    rig
}

fn since(rig: &Rig, conversation: &str) -> Settings {
    Settings {
        since: Some(rig.platform.updated(conversation)),
        ..pages_of(1)
    }
}

/// A sync that ends as soon as the sink has something: what it has read is delivered, and the rest is not.
async fn ended_early(rig: &Rig, settings: Settings) -> Walked {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let to = format!("jsonl:{}", rig.file().display());
    let walked = sync(rig.work(&to), settings, stop, move |_| stopping.cancel());
    let walked = walked.await.unwrap();
    assert!(walked.interrupted, "{walked:?}");
    walked
}

#[tokio::test]
async fn what_an_earlier_since_left_half_done_is_not_doubled_by_the_next_sync() {
    let rig = hourly(30).await;
    rig.sync(since(&rig, "c27")).await.unwrap();
    assert_eq!(rig.change_ids(), ["c27@1", "c28@1", "c29@1"]);
    let early = ended_early(&rig, since(&rig, "c0")).await;
    assert!((1..20).contains(&early.changes), "{early:?}");
    rig.sync(pages_of(1)).await.unwrap();
    assert_eq!(rig.each_once().len(), 30);
    rig.platform.say("c3", &["again"]);
    assert_eq!(rig.sync(pages_of(1)).await.unwrap().changes, 1);
}

#[tokio::test]
async fn what_lies_between_the_checkpoint_and_a_later_since_is_delivered_by_the_next_sync() {
    let rig = hourly(3).await;
    rig.sync(pages_of(1)).await.unwrap();
    for number in 3..30 {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    assert_eq!(rig.sync(since(&rig, "c28")).await.unwrap().changes, 2);
    // Nor is anything doubled when that next sync is ended in the midst of it.
    ended_early(&rig, pages_of(1)).await;
    rig.sync(pages_of(1)).await.unwrap();
    assert_eq!(rig.each_once().len(), 30);
}

#[tokio::test]
async fn a_web_hook_gets_what_a_later_since_left_out() {
    let rig = hourly(3).await;
    let (http, applied) = sink(|_| Reply::answer(200, ""));
    rig.post(&http, Settings::default()).await.unwrap();
    for number in 3..9 {
        rig.platform.say(&format!("c{number}"), &["hi"]);
    }
    rig.post(&http, since(&rig, "c7")).await.unwrap();
    assert_eq!(applied.lock().unwrap().len(), 5);
    rig.post(&http, Settings::default()).await.unwrap();
    assert_eq!(applied.lock().unwrap().len(), 9);
    let sent = http.seen().len();
    rig.post(&http, Settings::default()).await.unwrap();
    assert_eq!(http.seen().len(), sent, "now the checkpoint is beyond all");
}

#[tokio::test]
async fn a_first_sync_that_begins_late_never_delivers_what_was_before() {
    let rig = hourly(5).await;
    rig.sync(since(&rig, "c3")).await.unwrap();
    rig.sync(pages_of(1)).await.unwrap();
    assert_eq!(rig.change_ids(), ["c3@1", "c4@1"]);
    assert_eq!(rig.sync(since(&rig, "c0")).await.unwrap().changes, 3);
    assert_eq!(rig.each_once().len(), 5);
}

#[tokio::test]
async fn a_file_of_a_platform_without_versions_knows_the_newest_of_many_changes_of_a_conversation() {
    let rig = Rig::new().await;
    rig.platform.change(|state| state.versions = false);
    let mut lines = String::new();
    for _ in 0..100 {
        rig.platform.say("c", &["hi"]);
        let updated = rig.platform.updated("c");
        let stamp = updated.timestamp();
        let line = json!({"conversation": {"id": "c", "updatedDate": updated}, "interactions": []});
        lines += &format!("{{\"changeId\":\"c@{stamp}\",{}\n", &line.to_string()[1..]);
    }
    fs::write(rig.file(), lines).unwrap();
    let walked = rig.sync(Settings::default()).await.unwrap();
    assert_eq!((walked.changes, walked.known), (0, 1));
    rig.platform.say("c", &["again"]);
    assert_eq!(rig.sync(Settings::default()).await.unwrap().changes, 1);
    assert_eq!(rig.each_once().len(), 101);
}
