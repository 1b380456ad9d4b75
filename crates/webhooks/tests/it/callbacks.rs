//! Callbacks: webhooks to an address that came with a request.

use crate::support::{Answer, PATIENCE, Receiver, Rig, body_of};
use client::guard::Guard;
use std::time::Duration;
use store::{Commit, EffectKey, ItemFilter, ItemState};
use tokio::time::timeout;
use webhooks::{Callback, DeliveryOptions, Secret, Signer, callback, message_id};

const SCHEDULE: &str = "1ms, 1ms, 1ms";

fn secret() -> Secret {
    Secret::generate(&[7; 32])
}

/// Commits a callback of a job.
async fn owe(rig: &Rig, job: &str, url: &str) -> EffectKey {
    let signer = Signer::keep(&rig.store, &secret()).await.unwrap();
    let effect = EffectKey {
        source: "compile".into(),
        event: job.into(),
        step: "callback".into(),
    };
    let owed = callback(
        &signer,
        effect.clone(),
        Some(job),
        &url.parse().unwrap(),
        body_of(job),
    );
    let commit = Commit {
        intents: vec![owed.unwrap()],
        ..Commit::default()
    };
    rig.store.commit(commit).await.unwrap();
    effect
}

#[tokio::test]
async fn a_callback_is_signed_sent_as_it_is_and_noted_without_any_endpoint() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(200)).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    let effect = owe(&rig, "comp_1", &receiver.url()).await;
    let received = receiver.next().await;
    assert_eq!(received.body, body_of("comp_1"));
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.verify(&secret()).unwrap().id, message_id(&effect));
    let item = rig.until_state(&effect, ItemState::Done).await;
    assert_eq!(item.result.as_deref(), Some("200"));
    assert_eq!(Callback::of(&item).unwrap().url.as_str(), receiver.url());
    deliveries.shutdown().await;

    let [entry] = &rig.entries("").await[..] else {
        panic!("one entry");
    };
    assert_eq!(
        (&entry["action"], &entry["subject"]),
        (&"webhook.delivered".into(), &"comp_1".into())
    );
    let detail = &entry["detail"];
    assert_eq!(detail["callbackTo"], format!("http://{}", receiver.address));
    assert_eq!(detail["webhookId"], message_id(&effect));
    let all = format!("{entry} {}", item.body);
    assert!(!all.contains("whsec_"), "{all}");
    assert!(!entry.to_string().contains("hunter2"), "{entry}");
}

#[tokio::test]
async fn a_callback_that_fails_is_made_again_and_then_a_dead_letter_that_can_be_replayed() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|number, _| Answer::status(if number < 5 { 500 } else { 200 })).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    let effect = owe(&rig, "comp_1", &receiver.url()).await;
    let dead = rig.until_state(&effect, ItemState::Dead).await;
    assert_eq!(
        dead.error.as_deref(),
        Some("given up after 4 attempts; at last, it answers 500")
    );
    let filter = ItemFilter {
        queue_prefix: Some(webhooks::queue_prefix(None)),
        states: vec![ItemState::Dead],
        ..ItemFilter::default()
    };
    assert_eq!(rig.store.replay(&filter).await.unwrap(), 1);
    rig.until_state(&effect, ItemState::Done).await;
    let attempts = receiver.take(5).await;
    assert!(attempts.iter().all(|attempt| attempt.id() == message_id(&effect)));
    attempts[4].verify(&secret()).unwrap();
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_410_ends_the_one_delivery_alone() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|number, _| Answer::status(if number == 1 { 410 } else { 200 })).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    let first = owe(&rig, "comp_1", &receiver.url()).await;
    rig.until_state(&first, ItemState::Dead).await;
    let second = owe(&rig, "comp_2", &receiver.url()).await;
    rig.until_state(&second, ItemState::Done).await;
    assert_eq!(receiver.take(2).await.len(), 2);
    deliveries.shutdown().await;
    assert_eq!(rig.actions().await, ["webhook.dead", "webhook.delivered"]);
}

#[tokio::test]
async fn a_callback_leads_nowhere_inward() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(200)).await;
    let options = DeliveryOptions {
        schedule: SCHEDULE.parse().unwrap(),
        ..DeliveryOptions::default()
    };
    let deliveries = rig.deliver_as(options, Guard::default()).await;
    let effect = owe(&rig, "comp_1", &receiver.url()).await;
    let item = rig.until(&effect, |item| item.error.is_some()).await;
    assert!(item.error.unwrap().contains("internal address"));
    assert!(receiver.is_quiet());
    deliveries.shutdown().await;
}

#[tokio::test]
async fn one_that_does_not_answer_delays_those_of_other_lanes_not_at_all() {
    let rig = Rig::new().await;
    let mut silent = Receiver::start(|_, _| Answer::Silence).await;
    for number in 0..20 {
        owe(&rig, &format!("slow_{number}"), &silent.url()).await;
    }
    let deliveries = rig.deliver_within(SCHEDULE, Duration::from_secs(30)).await;
    silent.take(8).await;
    // The lane is a matter of the port, which the system chooses.
    let lane_of = async |url: &str| {
        let effect = owe(&rig, url, url).await;
        rig.item(&effect).await.queue
    };
    let slow = lane_of(&silent.url()).await;
    let mut others = 0;
    while others < 3 {
        let mut good = Receiver::start(|_, _| Answer::status(200)).await;
        if lane_of(&good.url()).await != slow {
            timeout(PATIENCE, good.next()).await.unwrap();
            others += 1;
        }
    }
    assert!(silent.is_quiet(), "at most 8 at a time");
    drop(deliveries);
}

#[tokio::test]
async fn what_was_under_way_in_a_crash_is_delivered_again_by_another_process() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|number, _| match number {
        1 => Answer::Silence,
        _ => Answer::status(200),
    })
    .await;
    let effect = owe(&rig, "comp_1", &receiver.url()).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    let first = receiver.next().await;
    drop(deliveries);
    let deliveries = rig.deliver(SCHEDULE).await;
    let second = receiver.next().await;
    assert_eq!(second.id(), first.id());
    second.verify(&secret()).unwrap();
    rig.until_state(&effect, ItemState::Done).await;
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_callback_whose_secret_is_lost_is_a_dead_letter() {
    let (rig, other) = (Rig::new().await, Rig::new().await);
    let signer = Signer::keep(&other.store, &secret()).await.unwrap();
    let effect = EffectKey {
        source: "compile".into(),
        event: "comp_1".into(),
        step: "callback".into(),
    };
    let url = "https://x.example/".parse().unwrap();
    let owed = callback(&signer, effect.clone(), None, &url, "{}".into()).unwrap();
    let commit = Commit {
        intents: vec![owed],
        ..Commit::default()
    };
    rig.store.commit(commit).await.unwrap();
    let deliveries = rig.deliver(SCHEDULE).await;
    let dead = rig.until_state(&effect, ItemState::Dead).await;
    assert_eq!(dead.error.as_deref(), Some("its secret is not in the store"));
    deliveries.shutdown().await;
}
