//! Call-outs of a file's bot.

use super::*;
use axum::http::StatusCode;
use std::fs;

/// A center with a bot that asks a shop at `url` for the status of an order.
async fn rig_with_shop(url: &str) -> Rig {
    rig_with_shop_and(url, 400, "").await
}

/// The same, with the time that the shop has, and what else is in the bot's file.
async fn rig_with_shop_and(url: &str, timeout_ms: u64, more: &str) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    let bot = r#"
        name = "Shop bot"
        fallback.say = "What?"
        [intent.status]
        patterns = ['order (?P<number>\d+)']
        forget = ["number", "status"]
        step = "fetch"
        [slot.number]
        type = "integer"
        [slot.status]
        type = "text"
        [step.fetch]
        say = "Let me see."
        call = { method = "POST", url = "URL/orders/{number}", body = { number = "{number}" }, timeout_ms = TIMEOUT, set = { status = "order.status" }, on_error = "sorry" }
        next = [{ when = 'has(slots.status)', step = "told" }, { step = "sorry" }]
        [step.told]
        say = "It is {status}."
        resolve = true
        [step.sorry]
        say = "I could not find out."
    "#;
    let bot = bot
        .replace("URL", url)
        .replace("TIMEOUT", &timeout_ms.to_string());
    fs::write(&file, bot + more).unwrap();
    rig_with(&format!(
        "[[bot]]\nid = \"shop\"\nfile = {:?}\n",
        file.to_str().unwrap()
    ))
    .await
}

#[tokio::test]
async fn a_call_out_is_made_and_its_answer_said() {
    let mut shop = Theirs::start(|_| at_once(json!({"order": {"status": "packed"}}).to_string())).await;
    let rig = rig_with_shop(&shop.url).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "shop")).await;
    let said = answers(&talker, "c", "my order 77", 2).await;
    assert_eq!(texts(&said), ["Let me see.", "It is packed."]);
    let got = shop.next().await;
    assert_eq!((got.method.as_str(), got.uri.path()), ("POST", "/orders/77"));
    assert_eq!(
        (got.json(), got.header("content-type")),
        (json!({"number": 77}), "application/json")
    );
    assert!(got.header("idempotency-key").starts_with("msg_"));
    assert_eq!(conversation(&talker, "c").await["resolved"], true);
    answers(&talker, "c", "order 78", 2).await;
    assert_ne!(
        shop.next().await.header("idempotency-key"),
        got.header("idempotency-key")
    );
}

#[tokio::test]
async fn a_call_out_that_fails_goes_where_the_file_says() {
    let failures: [fn(usize) -> Answering; 5] = [
        |_| never(),
        |_| at_once(StatusCode::NOT_FOUND),
        |_| at_once("<html>"),
        |_| at_once(vec![b'1'; 300 * 1024]),
        |_| at_once("{\"order\":{\"status\":[]}}"),
    ];
    for (nth, failure) in failures.into_iter().enumerate() {
        let shop = Theirs::start(failure).await;
        let rig = rig_with_shop(&shop.url).await;
        let talker = Talker::new(&rig).await;
        talker.created(with_bot("c", "shop")).await;
        let said = answers(&talker, "c", "order 77", 2).await;
        assert_eq!(texts(&said), ["Let me see.", "I could not find out."], "{nth}");
        let audited = audited(&rig, "bot.call_failed").await;
        assert_eq!(audited.len(), usize::from(nth < 4), "{nth}: {audited:?}");
    }
}

#[tokio::test]
async fn a_call_out_inward_is_refused() {
    let rig = rig_with_shop("http://192.168.0.1").await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "shop")).await;
    let said = answers(&talker, "c", "order 77", 2).await;
    assert_eq!(texts(&said)[1], "I could not find out.");
    assert_eq!(
        audited(&rig, "bot.call_failed").await[0]["detail"]["why"],
        "refused by the guard"
    );
}

#[tokio::test]
async fn a_call_out_that_ends_after_a_human_took_over_says_nothing() {
    let (release, released) = tokio::sync::watch::channel(false);
    let mut shop = Theirs::start(move |_| {
        let mut released = released.clone();
        Box::pin(async move {
            let _ = released.wait_for(|is| *is).await;
            json!({"order": {"status": "packed"}}).to_string().into_response()
        })
    })
    .await;
    let more = "[[idle]]\nafter_s = 60\nstep = \"human\"\n[step.human]\nsay = \"A colleague will help.\"\nescalate = \"waited too long\"\n";
    let rig = rig_with_shop_and(&shop.url, 20_000, more).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "shop")).await;
    answers(&talker, "c", "order 77", 1).await;
    shop.next().await;
    let clock = rig.admin(reqwest::Method::POST, "/center/v1/conversations/c/clock");
    send(clock.body(json!({"advanceMs": 60_000}).to_string())).await;
    assert_eq!(
        texts(&talker.heard("c", "?after=2").await),
        ["A colleague will help."]
    );
    release.send(true).unwrap();
    let status = async {
        while conversation(&talker, "c").await["context"]["botSession"]["slots"]["status"] != "packed" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, status).await.unwrap();
    assert_eq!(talker.heard("c", "?after=3").await, Vec::<Value>::new());
}

#[tokio::test]
async fn call_outs_that_were_given_up_are_in_the_way_of_none() {
    let mut shop = Theirs::start(|nth| match nth {
        18 => at_once(json!({"order": {"status": "packed"}}).to_string()),
        _ => never(),
    })
    .await;
    let rig = rig_with_shop_and(&shop.url, 20_000, "").await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "shop")).await;
    for number in 1..=17 {
        answers(&talker, "c", &format!("order {number}"), 1).await;
        assert_eq!(shop.next().await.uri.path(), format!("/orders/{number}"));
    }
    let said = answers(&talker, "c", "order 18", 2).await;
    assert_eq!(texts(&said), ["Let me see.", "It is packed."]);
}
