//! Deliveries over real sockets: what is owed arrives, signed, in order, and once more after a crash.

use crate::support::{Answer, Received, Receiver, Rig, body_of};
use client::guard::Guard;
use std::{pin::pin, sync::Arc, time::Duration};
use store::{ItemFilter, ItemState};
use tokio::{sync::Semaphore, time::timeout};
use webhooks::{DeliveryOptions, SignatureError, message_id};

const SCHEDULE: &str = "1ms, 1ms, 1ms";

#[tokio::test]
async fn a_delivery_is_signed_sent_as_it_is_and_noted() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(204)).await;
    let endpoint = rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    let [effect] = &rig.emit("evt-1", Some("call-1")).await[..] else {
        panic!("one endpoint");
    };
    let received = receiver.next().await;
    assert_eq!(received.body, body_of("evt-1"));
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.verify(&endpoint.secret).unwrap().id, message_id(effect));
    let item = rig.until_state(effect, ItemState::Done).await;
    assert_eq!(item.result.as_deref(), Some("204"));
    deliveries.shutdown().await;

    let [entry] = &rig.entries("webhook.").await[..] else {
        panic!("one entry");
    };
    assert_eq!(entry["action"], "webhook.delivered");
    assert_eq!(
        (&entry["actor"], &entry["outcome"]),
        (&"webhooks".into(), &"success".into())
    );
    assert_eq!(entry["subject"], "call-1");
    let detail = &entry["detail"];
    assert_eq!(detail["endpointId"], endpoint.id.as_str());
    assert_eq!(detail["webhookId"], message_id(effect));
    assert_eq!(
        (&detail["eventId"], &detail["status"], &detail["attempt"]),
        (&"evt-1".into(), &204.into(), &1.into())
    );
    let all = format!("{:?}", rig.entries("").await);
    assert!(!all.contains("whsec_") && !all.contains("hunter2"), "{all}");
}

#[tokio::test]
async fn what_is_owed_to_this_process_comes_here_whatever_address_another_one_wrote() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(200)).await;
    // Nobody listens there any more.
    let endpoint = rig.endpoint("http://127.0.0.1:9/webhooks").await;
    let options = DeliveryOptions {
        here: Some((endpoint.id.clone(), receiver.url().parse().unwrap())),
        ..DeliveryOptions::default()
    };
    let guard = Guard {
        loopback: true,
        ..Guard::default()
    };
    let deliveries = rig.deliver_as(options, guard).await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    assert_eq!(receiver.next().await.body, body_of("evt-1"));
    rig.until_state(&effect, ItemState::Done).await;
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_dead_letter_that_is_replayed_has_the_same_id_and_a_fresh_signature() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|number, _| Answer::status(if number < 5 { 500 } else { 200 })).await;
    let endpoint = rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    let dead = rig.until_state(&effect, ItemState::Dead).await;
    assert_eq!(
        dead.error.as_deref(),
        Some("given up after 4 attempts; at last, it answers 500")
    );
    let attempts = receiver.take(4).await;
    assert!(receiver.is_quiet());
    let replayed = ItemFilter {
        id: Some(dead.id),
        ..ItemFilter::default()
    };
    assert_eq!(rig.store.replay(&replayed).await.unwrap(), 1);
    rig.until_state(&effect, ItemState::Done).await;
    let again = receiver.next().await;
    for attempt in attempts.iter().chain([&again]) {
        assert_eq!(attempt.id(), message_id(&effect));
        attempt.verify(&endpoint.secret).unwrap();
    }
    deliveries.shutdown().await;
    assert_eq!(
        rig.actions().await,
        [
            "endpoint.added",
            "webhook.failed",
            "webhook.failed",
            "webhook.failed",
            "webhook.dead",
            "webhook.delivered"
        ]
    );
}

#[tokio::test]
async fn both_secrets_sign_during_a_rotation() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(200)).await;
    let old = rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    rig.emit("evt-1", None).await;
    assert!(receiver.next().await.verify(&old.secret).is_ok());

    let new = rig
        .endpoints
        .rotate(&old.id, None, Duration::from_secs(60))
        .await
        .unwrap();
    // The runner learns of it within a second; until then the old secret alone signs, which the receiver knows.
    let both = signed_by(&rig, &mut receiver, "both", |received| {
        received.verify(&new.secret).is_ok()
    })
    .await;
    assert!(both.verify(&old.secret).is_ok());

    let newest = rig.endpoints.rotate(&old.id, None, Duration::ZERO).await.unwrap();
    let one = signed_by(&rig, &mut receiver, "one", |received| {
        received.verify(&newest.secret).is_ok()
    })
    .await;
    assert_eq!(one.verify(&new.secret), Err(SignatureError::Wrong));
    assert_eq!(one.verify(&old.secret), Err(SignatureError::Wrong));
    deliveries.shutdown().await;
}

/// Emits until a delivery is as wanted.
async fn signed_by(
    rig: &Rig,
    receiver: &mut Receiver,
    name: &str,
    wanted: impl Fn(&Received) -> bool,
) -> Received {
    for number in 0..100_000 {
        rig.emit(&format!("{name}-{number}"), None).await;
        let received = receiver.next().await;
        if wanted(&received) {
            return received;
        }
    }
    panic!("the rotation is not seen");
}

#[tokio::test]
async fn what_is_about_one_subject_arrives_in_order_and_holds_up_nothing_else() {
    let rig = Rig::new().await;
    let other_is_there = Arc::new(Semaphore::new(0));
    let seen = other_is_there.clone();
    let mut receiver = Receiver::start(move |_, received| {
        let event = received.event();
        if event == "other" {
            seen.add_permits(1);
        }
        // The first is refused until the other subject's was there.
        match event == "a-0" && seen.available_permits() == 0 {
            true => Answer::status(503),
            false => Answer::status(200),
        }
    })
    .await;
    rig.endpoint(&receiver.url()).await;
    let mut effects = Vec::new();
    for number in 0..5 {
        effects.extend(rig.emit(&format!("a-{number}"), Some("a")).await);
    }
    effects.extend(rig.emit("other", Some("b")).await);
    let deliveries = rig.deliver(&["1ms"; 20].join(",")).await;
    for effect in &effects {
        rig.until_state(effect, ItemState::Done).await;
    }
    deliveries.shutdown().await;
    let mut order: Vec<String> = receiver.taken().iter().map(Received::event).collect();
    order.retain(|event| event != "other");
    order.dedup();
    assert_eq!(order, ["a-0", "a-1", "a-2", "a-3", "a-4"]);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_delays_no_other_and_has_at_most_8_at_a_time() {
    let rig = Rig::new().await;
    let mut silent = Receiver::start(|_, _| Answer::Silence).await;
    let mut good = Receiver::start(|_, _| Answer::status(200)).await;
    let slow = rig.endpoint(&silent.url()).await;
    rig.endpoint(&good.url()).await;
    let mut effects = Vec::new();
    for number in 0..20 {
        effects.extend(rig.emit(&format!("evt-{number}"), None).await);
    }
    let deliveries = rig.deliver_within(SCHEDULE, Duration::from_secs(30)).await;
    good.take(20).await;
    silent.take(8).await;
    for effect in effects
        .iter()
        .filter(|effect| !effect.step.contains(slow.id.as_str()))
    {
        rig.until_state(effect, ItemState::Done).await;
    }
    let owed = ItemFilter {
        queue_prefix: Some(slow.queue()),
        ..ItemFilter::default()
    };
    let items = rig.store.items(&owed, 100).await.unwrap();
    let count = |state| items.iter().filter(|item| item.state == state).count();
    assert_eq!((count(ItemState::Held), count(ItemState::Ready)), (8, 12));
    assert!(silent.is_quiet());
    drop(deliveries);
}

#[tokio::test]
async fn what_was_under_way_in_a_crash_is_delivered_again() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|number, _| match number {
        1 => Answer::Silence,
        _ => Answer::status(200),
    })
    .await;
    rig.endpoint(&receiver.url()).await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    let deliveries = rig.deliver(SCHEDULE).await;
    let first = receiver.next().await;
    drop(deliveries);

    let deliveries = rig.deliver(SCHEDULE).await;
    let second = receiver.next().await;
    assert_eq!(second.id(), first.id(), "so that the receiver knows it");
    let item = rig.until_state(&effect, ItemState::Done).await;
    assert_eq!(item.failures, 0);
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_under_way_and_takes_up_nothing_more() {
    let rig = Rig::new().await;
    let permits = Arc::new(Semaphore::new(0));
    let given = permits.clone();
    let mut receiver = Receiver::start(move |_, _| Answer::When(given.clone())).await;
    rig.endpoint(&receiver.url()).await;
    let under_way = rig.emit("evt-1", None).await.remove(0);
    let deliveries = rig.deliver(SCHEDULE).await;
    receiver.next().await;
    let mut shutdown = pin!(deliveries.shutdown());
    let early = timeout(Duration::from_millis(50), &mut shutdown).await;
    assert!(early.is_err(), "it waits for the delivery");
    permits.add_permits(1);
    shutdown.await;
    assert_eq!(rig.item(&under_way).await.state, ItemState::Done);
    let later = rig.emit("evt-2", None).await.remove(0);
    assert_eq!(rig.item(&later).await.state, ItemState::Ready);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn what_is_owed_to_a_removed_endpoint_becomes_a_dead_letter() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(200)).await;
    let endpoint = rig.endpoint(&receiver.url()).await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    rig.endpoints.remove(&endpoint.id).await.unwrap();
    let deliveries = rig.deliver(SCHEDULE).await;
    let dead = rig.until_state(&effect, ItemState::Dead).await;
    assert_eq!(dead.error.as_deref(), Some("the endpoint was removed"));
    assert!(receiver.is_quiet());
    deliveries.shutdown().await;
    assert_eq!(rig.entries("webhook.dead").await.len(), 1);
}
