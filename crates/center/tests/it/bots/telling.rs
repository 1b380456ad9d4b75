//! Webhook bots that answer.

use super::*;
use crate::support::http_client;
use center::{Center, Options};
use std::{fs, time::Duration};
use webhooks::verify;

#[tokio::test]
async fn a_webhook_bot_is_told_of_a_message_and_its_answers_are_said() {
    let mut theirs = Theirs::start(|nth| {
        let first = json!({
            "messages": [{"text": "One"}, {"text": "Two", "buttons": ["Yes", {"label": "No", "value": "n"}], "pauseMs": 1}],
            "set": {"status": "found", "old": null},
            "mood": "good",
        });
        let second = json!({"messages": [{"text": "Bye"}], "resolved": true, "escalate": "asked for it"});
        at_once(if nth == 1 { first } else { second }.to_string())
    })
    .await;
    let rig = rig_with_webhook(&theirs.url, 5000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    let said = answers(&talker, "c", "Où est-ce?", 2).await;
    assert_eq!(texts(&said), ["One", "Two"]);
    let buttons = json!([{"label": "Yes", "value": "Yes"}, {"label": "No", "value": "n"}]);
    assert_eq!(
        (&said[1]["buttons"], &said[1]["participantId"]),
        (&buttons, &json!("bot-theirs"))
    );

    let got = theirs.next().await;
    let now = jiff::Timestamp::now().into();
    let secret = SECRET.parse().unwrap();
    let verified = verify(&got.headers, &got.body, &[secret], now, Duration::from_secs(60)).unwrap();
    assert_eq!(
        (&*verified.id, got.header("content-type")),
        (got.header("idempotency-key"), "application/json")
    );
    let body = got.json();
    assert_eq!(
        (&body["conversationId"], &body["text"]),
        (&json!("c"), &json!("Où est-ce?"))
    );
    assert_eq!(
        (&body["interactionId"], &body["sequence"]),
        (&said[0]["inReplyTo"], &json!(1))
    );
    assert_eq!(
        (&body["slots"], &body["context"]["metadata"]["source"]),
        (&json!({}), &json!("test"))
    );

    answers(&talker, "c", "thanks", 1).await;
    let second = theirs.next().await;
    assert_eq!(second.json()["slots"], json!({"status": "found"}));
    assert_ne!(second.header("webhook-id"), verified.id);
    let over = conversation(&talker, "c").await;
    assert_eq!(
        (&over["resolved"], &over["escalated"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn a_webhook_bot_without_a_secret_is_told_under_that_of_the_center() {
    let mut theirs = Theirs::start(|_| at_once("{\"messages\":[{\"text\":\"Hi\"}]}")).await;
    let rig = rig_with(&format!(
        "[[bot]]\nid = \"theirs\"\nurl = \"{}/hook?a=b\"\n",
        theirs.url
    ))
    .await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    answers(&talker, "c", "hello", 1).await;
    let got = theirs.next().await;
    let secret = rig.env("TRUNKLINE_WEBHOOK_SECRET").parse().unwrap();
    let now = jiff::Timestamp::now().into();
    verify(&got.headers, &got.body, &[secret], now, Duration::from_secs(60)).unwrap();
    assert_eq!(
        (got.method.as_str(), got.uri.to_string().as_str()),
        ("POST", "/hook?a=b")
    );
    let bot = shown(&rig, "theirs").await.body;
    assert_eq!(
        (&bot["kind"], &bot["coverageItems"]),
        (&json!("webhook"), &json!([]))
    );
}

#[tokio::test]
async fn a_conversation_goes_on_while_its_bot_thinks() {
    let mut theirs = Theirs::start(|_| never()).await;
    let rig = rig_with_webhook(&theirs.url, 30_000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    talker.said("c", "first").await;
    theirs.next().await;
    talker.said("c", "second").await;
    theirs.next().await;
    assert_eq!(talker.heard("c", "").await.len(), 2);
    let closed = talker.put("c", json!({"state": "closed"})).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
}

#[tokio::test]
async fn what_a_bot_was_asked_when_the_center_went_away_it_is_asked_again_and_says_once() {
    let mut theirs = Theirs::start(|nth| match nth {
        1 => never(),
        _ => at_once("{\"messages\":[{\"text\":\"Here I am\"}]}"),
    })
    .await;
    let bot = webhook_bot(&theirs.url, 30_000);
    let rig = rig_with(&bot).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    talker.said("c", "hello").await;
    let first = theirs.next().await;
    let tenant = tenant_with(&bot);
    let rig = rig.restarted(|options| options.tenant = tenant).await;
    let again = theirs.next().await;
    assert_eq!(first.header("webhook-id"), again.header("webhook-id"));
    assert_eq!(first.json(), again.json());
    let talker = Talker::new(&rig).await;
    let heard = talker.heard("c", "?after=1&wait=20").await;
    assert_eq!(texts(&heard), ["Here I am"]);
}

#[tokio::test]
async fn what_a_bot_was_asked_when_the_center_was_killed_it_is_asked_again() {
    let mut theirs = Theirs::start(|nth| match nth {
        1 => never(),
        _ => at_once("{\"messages\":[{\"text\":\"Here I am\"}]}"),
    })
    .await;
    let bot = webhook_bot(&theirs.url, 30_000);
    let rig = rig_with(&bot).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    talker.said("c", "hello").await;
    let first = theirs.next().await;
    // What a kill at this moment leaves on the disk.
    let left = tempfile::tempdir().unwrap();
    let data = left.path().join("data");
    fs::create_dir(&data).unwrap();
    for file in fs::read_dir(rig.folder.path().join("data")).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            fs::copy(&file, data.join(file.file_name().unwrap())).unwrap();
        }
    }
    let center = Center::start(Options::local(data, tenant_with(&bot)))
        .await
        .unwrap();
    let again = theirs.next().await;
    assert_eq!(first.header("idempotency-key"), again.header("idempotency-key"));
    assert_eq!(first.json(), again.json());
    let second = Rig {
        base: center.addresses().base_url(),
        http: http_client().build().unwrap(),
        folder: left,
        center,
    };
    let heard = Talker::new(&second).await.heard("c", "?after=1&wait=20").await;
    assert_eq!(texts(&heard), ["Here I am"]);
}

#[tokio::test]
async fn what_a_bot_answers_after_it_has_handed_over_is_not_said() {
    let (release, released) = tokio::sync::watch::channel(0);
    let mut theirs = Theirs::start(move |nth| {
        let mut released = released.clone();
        Box::pin(async move {
            let _ = released.wait_for(|upto| *upto >= nth).await;
            let text = format!("answer {nth}");
            let answer = match nth {
                1 => json!({"messages": [{"text": text}], "escalate": "too hard"}),
                _ => json!({"messages": [{"text": text}], "set": {"seen": nth}, "resolved": true, "close": true}),
            };
            answer.to_string().into_response()
        })
    })
    .await;
    let rig = rig_with_webhook(&theirs.url, 30_000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    for text in ["one", "two"] {
        talker.said("c", text).await;
        theirs.next().await;
    }
    release.send(1).unwrap();
    let heard = talker.heard("c", "?after=2&wait=20").await;
    assert_eq!(texts(&heard), ["answer 1"]);
    release.send(2).unwrap();
    let learned = async {
        while conversation(&talker, "c").await["context"]["botSession"]["slots"]["seen"] != 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, learned).await.unwrap();
    assert_eq!(
        talker.heard("c", "").await.len(),
        3,
        "the second answer is not said"
    );
    let view = conversation(&talker, "c").await;
    assert_eq!(
        (&view["state"], &view["resolved"]),
        (&json!("pending"), &json!(false)),
        "a human decides"
    );
}

#[tokio::test]
async fn a_bot_that_only_says_that_it_is_resolved_is_in_the_audit_log() {
    let mut theirs = Theirs::start(|_| at_once("{\"resolved\":true}")).await;
    let rig = rig_with_webhook(&theirs.url, 5_000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    talker.said("c", "thanks").await;
    theirs.next().await;
    let resolved = async {
        while conversation(&talker, "c").await["resolved"] != true {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, resolved).await.unwrap();
    let audited = audited(&rig, "conversation.resolved").await;
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0]["detail"], json!({"resolved": true}));
}

#[tokio::test]
async fn of_two_messages_at_once_both_answers_took_their_time() {
    let (release, released) = tokio::sync::watch::channel(false);
    let mut theirs = Theirs::start(move |nth| {
        let mut released = released.clone();
        Box::pin(async move {
            let _ = released.wait_for(|is| *is).await;
            json!({"messages": [{"text": format!("answer {nth}")}]})
                .to_string()
                .into_response()
        })
    })
    .await;
    let rig = rig_with_webhook(&theirs.url, 30_000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    for text in ["one", "two"] {
        talker.said("c", text).await;
        theirs.next().await;
    }
    release.send(true).unwrap();
    talker.heard("c", "?after=3&wait=20").await;
    let database = rig.folder.path().join("data/trunkline.db");
    let store = Store::open(&Location::Sqlite(database)).await.unwrap();
    let record = store.record("conversation", "c").await.unwrap().unwrap();
    let kept: Value = serde_json::from_str(&record.body).unwrap();
    assert_eq!(kept["timesUs"].as_array().map(Vec::len), Some(2), "{kept}");
}

#[tokio::test]
async fn what_was_put_off_for_other_messages_does_not_happen_after_a_bot_has_handed_over() {
    let mut theirs = Theirs::start(|nth| {
        let answer = match nth {
            1 => json!({"messages": [{"text": "one", "pauseMs": 20_000}], "escalate": "too hard"}),
            _ => json!({"messages": [{"text": "two"}], "resolved": true, "close": true}),
        };
        at_once(answer.to_string())
    })
    .await;
    let rig = rig_with_webhook(&theirs.url, 5_000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    let database = rig.folder.path().join("data/trunkline.db");
    let store = Store::open(&Location::Sqlite(database)).await.unwrap();
    for (text, owed) in [("one", "too hard"), ("two", "close")] {
        talker.said("c", text).await;
        theirs.next().await;
        let is_owed = async {
            let has = |record: store::Record| record.body.contains(owed);
            while !store.record("conversation", "c").await.unwrap().is_some_and(has) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, is_owed).await.unwrap();
    }
    let clock = rig.admin(reqwest::Method::POST, "/center/v1/conversations/c/clock");
    send(clock.body(json!({"advanceMs": 3_600_000}).to_string())).await;
    assert_eq!(texts(&talker.heard("c", "?after=2").await), ["one"]);
    let view = conversation(&talker, "c").await;
    assert_eq!(
        (&view["state"], &view["resolved"]),
        (&json!("pending"), &json!(false))
    );
}
