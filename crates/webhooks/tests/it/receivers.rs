//! Receivers that are down, slow, wrong, hostile or gone.

use crate::support::{Answer, PATIENCE, Receiver, Rig};
use client::guard::{Guard, allowed_hosts};
use std::time::Duration;
use store::ItemState;

const SCHEDULE: &str = "1ms, 1ms, 1ms";
const HOUR: Duration = Duration::from_secs(3600);

/// Why an item's first attempt failed.
async fn first_error(rig: &Rig, effect: &store::EffectKey) -> String {
    let item = rig.until(effect, |item| item.failures == 1).await;
    item.error.unwrap()
}

#[tokio::test]
async fn one_that_is_down_gets_it_when_it_is_back() {
    let rig = Rig::new().await;
    // A port that was free a moment ago.
    let address = Receiver::start(|_, _| Answer::status(200)).await.address;
    rig.endpoint(&format!("http://{address}/")).await;
    let deliveries = rig.deliver(&["100ms"; 20].join(",")).await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    let item = rig.until(&effect, |item| item.failures >= 2).await;
    assert!(
        item.error
            .as_deref()
            .unwrap()
            .starts_with("it can't be reached ("),
        "{item:?}"
    );
    let _back = Receiver::start_at(address, |_, _| Answer::status(200)).await;
    rig.until_state(&effect, ItemState::Done).await;
    deliveries.shutdown().await;
}

#[tokio::test]
async fn one_that_is_slow_gets_it_again_after_the_time_out() {
    let rig = Rig::new().await;
    let receiver = Receiver::start(|number, _| match number {
        1 => Answer::Silence,
        _ => Answer::status(200),
    })
    .await;
    rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver_within(SCHEDULE, Duration::from_millis(500)).await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    let item = rig.until_state(&effect, ItemState::Done).await;
    assert_eq!(item.failures, 1);
    deliveries.shutdown().await;
    let failed = &rig.entries("webhook.failed").await[0]["detail"];
    assert_eq!(
        failed["why"],
        "it does not answer in time (no answer within 0.5 s)"
    );
    assert!(failed["tookMs"].as_u64().unwrap() >= 500, "{failed}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = Rig::new().await;
    let mut target = Receiver::start(|_, _| Answer::status(200)).await;
    let location = format!("location: {}\r\n", target.url());
    let receiver = Receiver::start(move |_, _| Answer::with(307, &location)).await;
    rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver("1ms").await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    let dead = rig.until_state(&effect, ItemState::Dead).await;
    assert_eq!(
        dead.error.as_deref(),
        Some("given up after 2 attempts; at last, it answers 307; redirects are not followed")
    );
    assert!(target.is_quiet());
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_2xx_is_delivered_whatever_follows() {
    let rig = Rig::new().await;
    let receiver = Receiver::start(|number, _| match number {
        1 => Answer::Endless,
        2 => Answer::Wire("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbroken off".to_owned()),
        _ => Answer::Wire("HTTP/1.1 299 X\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n".to_owned()),
    })
    .await;
    rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver(SCHEDULE).await;
    for event in ["evt-1", "evt-2", "evt-3"] {
        let effect = rig.emit(event, None).await.remove(0);
        let item = rig.until_state(&effect, ItemState::Done).await;
        assert_eq!(item.failures, 0, "{event}");
    }
    deliveries.shutdown().await;
}

#[tokio::test]
async fn nonsense_in_place_of_an_answer_is_a_failure() {
    let rig = Rig::new().await;
    let receiver = Receiver::start(|_, _| Answer::Wire("220 mail.example ESMTP\r\n".to_owned())).await;
    rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver("1h").await;
    let effect = rig.emit("evt-1", None).await.remove(0);
    let error = first_error(&rig, &effect).await;
    assert!(
        error.starts_with("the connection broke before the answer ("),
        "{error}"
    );
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_410_disables_the_endpoint_until_somebody_enables_it() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|number, _| Answer::status(if number == 1 { 410 } else { 200 })).await;
    let endpoint = rig.endpoint(&receiver.url()).await;
    let first = rig.emit("evt-1", Some("call-1")).await.remove(0);
    let second = rig.emit("evt-2", Some("call-1")).await.remove(0);
    let deliveries = rig.deliver(SCHEDULE).await;
    let dead = rig.until_state(&first, ItemState::Dead).await;
    assert_eq!(
        dead.error.as_deref(),
        Some("the receiver says that it is gone (410)")
    );
    assert_eq!(dead.failures, 1);
    let disabled = rig.endpoints.get(&endpoint.id).await.unwrap().disabled.unwrap();
    assert_eq!(disabled.why, "the receiver says that it is gone (410)");
    assert!(
        rig.emit("evt-3", None).await.is_empty(),
        "nothing new is owed to it"
    );
    let [entry] = &rig.entries("endpoint.disabled").await[..] else {
        panic!("one entry");
    };
    assert_eq!(
        (&entry["actor"], &entry["subject"]),
        (&"webhooks".into(), &endpoint.id.as_str().into())
    );
    assert_eq!(rig.entries("webhook.dead").await.len(), 1);

    // At once, not only when the endpoints are read again: the next of the subject was free from the same commit on.
    deliveries.shutdown().await;
    assert_eq!(rig.item(&second).await.state, ItemState::Ready);
    assert_eq!(receiver.next().await.event(), "evt-1");
    assert!(receiver.is_quiet());

    rig.endpoints.enable(&endpoint.id).await.unwrap();
    let deliveries = rig.deliver(SCHEDULE).await;
    rig.until_state(&second, ItemState::Done).await;
    assert_eq!(receiver.next().await.event(), "evt-2");
    deliveries.shutdown().await;
}

#[tokio::test]
async fn a_receiver_says_when_to_come_back() {
    let rig = Rig::new().await;
    let receiver = Receiver::start(|number, _| {
        let at = jiff::Timestamp::now() + HOUR * 2;
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        let date = printer.timestamp_to_rfc9110_string(&at).unwrap();
        match number {
            1 => Answer::with(429, "retry-after: 7200\r\n"),
            2 => Answer::with(503, &format!("retry-after: {date}\r\n")),
            3 => Answer::with(429, "retry-after: 4000000000\r\n"),
            _ => Answer::with(429, "retry-after: soon\r\n"),
        }
    })
    .await;
    rig.endpoint(&receiver.url()).await;
    let deliveries = rig.deliver("1m").await;
    let day = HOUR * 24;
    for (event, least, most) in [
        ("seconds", HOUR * 2, HOUR * 2),
        ("a date", HOUR * 2, HOUR * 2),
        ("far too late", day, day),
        ("no time at all", Duration::from_secs(48), Duration::from_secs(72)),
    ] {
        let begun = jiff::Timestamp::now().as_millisecond();
        let effect = rig.emit(event, None).await.remove(0);
        let item = rig.until(&effect, |item| item.failures == 1).await;
        let wait = u64::try_from(item.due_ms - begun)
            .map(Duration::from_millis)
            .unwrap();
        // A date has whole seconds.
        let (least, most) = (least - Duration::from_secs(1), most + PATIENCE);
        assert!((least..=most).contains(&wait), "{event}: {wait:?}");
    }
    deliveries.shutdown().await;
}

#[tokio::test]
async fn an_internal_address_is_refused_unless_it_is_permitted() {
    let rig = Rig::new().await;
    let mut receiver = Receiver::start(|_, _| Answer::status(200)).await;
    let port = receiver.address.port();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::ffff:127.0.0.1]",
        "0x7f000001",
        "169.254.169.254",
    ] {
        rig.endpoint(&format!("http://{host}:{port}/")).await;
    }
    let timeout = Duration::from_secs(10);
    let deliveries = rig.deliver_guarded("1h", timeout, Guard::default()).await;
    for effect in rig.emit("evt-1", None).await {
        let error = first_error(&rig, &effect).await;
        assert!(
            error.starts_with("its address is internal and not permitted ("),
            "{error}"
        );
    }
    deliveries.shutdown().await;
    assert!(receiver.is_quiet());

    let permitted = Guard {
        hosts: allowed_hosts(&["localhost".to_owned()]).unwrap(),
        ..Guard::default()
    };
    let deliveries = rig.deliver_guarded("1h", timeout, permitted).await;
    let effects = rig.emit("evt-2", None).await;
    rig.until_state(&effects[0], ItemState::Done).await;
    for effect in &effects[1..] {
        first_error(&rig, effect).await;
    }
    assert_eq!(receiver.next().await.event(), "evt-2");
    assert!(receiver.is_quiet());
    deliveries.shutdown().await;
}
