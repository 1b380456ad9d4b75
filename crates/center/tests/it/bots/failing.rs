//! Webhook bots that do not answer as they should.

use super::*;
use axum::http::{StatusCode, header};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The bot's answers to one message, and what the audit log says of it.
async fn told(url: &str, timeout_ms: u64) -> (Vec<String>, Vec<Value>) {
    let rig = rig_with_webhook(url, timeout_ms).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    let said = answers(&talker, "c", "hello", 1).await;
    let audited = audited(&rig, "bot.webhook_failed").await;
    (texts(&said).into_iter().map(str::to_owned).collect(), audited)
}

/// The bot failed in this way: the customer is told something else, and the audit log knows why.
#[track_caller]
fn failed((said, audited): &(Vec<String>, Vec<Value>), why: &str) {
    assert_eq!(said, &[FALLBACK]);
    assert_eq!(audited.len(), 1, "{audited:?}");
    let [entry] = &audited[..] else { unreachable!() };
    assert_eq!(
        (&entry["subject"], &entry["outcome"]),
        (&json!("c"), &json!("failure"))
    );
    assert_eq!(entry["detail"], json!({"bot": "theirs", "errand": 1, "why": why}));
}

#[tokio::test]
async fn a_bot_that_never_answers() {
    let theirs = Theirs::start(|_| never()).await;
    failed(&told(&theirs.url, 200).await, "timed out");
}

#[tokio::test]
async fn a_bot_that_answers_late_has_answered_nothing() {
    let theirs = Theirs::start(|nth| match nth {
        1 => Box::pin(async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            "{\"messages\":[{\"text\":\"late\"}]}".into_response()
        }),
        _ => at_once("{\"messages\":[{\"text\":\"in time\"}]}"),
    })
    .await;
    let rig = rig_with_webhook(&theirs.url, 300).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    assert_eq!(texts(&answers(&talker, "c", "one", 1).await), [FALLBACK]);
    assert_eq!(texts(&answers(&talker, "c", "two", 1).await), ["in time"]);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(talker.heard("c", "").await.len(), 4);
}

#[tokio::test]
async fn a_bot_that_fails_is_not_asked_twice() {
    let mut theirs = Theirs::start(|_| at_once(StatusCode::INTERNAL_SERVER_ERROR)).await;
    failed(&told(&theirs.url, 5000).await, "status");
    theirs.next().await;
    assert!(theirs.got.try_recv().is_err());
}

#[tokio::test]
async fn a_bot_that_is_busy_is_asked_again_under_the_same_key() {
    let mut theirs = Theirs::start(|nth| match nth {
        1 => at_once(StatusCode::SERVICE_UNAVAILABLE),
        _ => at_once("{\"messages\":[{\"text\":\"now\"}]}"),
    })
    .await;
    let (said, audited) = told(&theirs.url, 5000).await;
    assert_eq!((&said[..], audited.len()), (&["now".to_owned()][..], 0));
    let (first, second) = (theirs.next().await, theirs.next().await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"));
    assert!(theirs.got.try_recv().is_err());
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_under_the_same_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut ids = Vec::new();
        for nth in 1..=2 {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"}") {
                assert_ne!(connection.read_buf(&mut read).await.unwrap(), 0);
            }
            let text = String::from_utf8(read).unwrap();
            let id = text.lines().find(|line| line.starts_with("webhook-id:"));
            ids.push(id.unwrap().to_owned());
            // The first time it takes the message, and says nothing.
            if nth == 2 {
                let answer =
                    b"HTTP/1.1 200 OK\r\ncontent-length: 31\r\n\r\n{\"messages\":[{\"text\":\"again\"}]}";
                connection.write_all(answer).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        }
        ids
    });
    let (said, audited) = told(&url, 5000).await;
    assert_eq!((&said[..], audited.len()), (&["again".to_owned()][..], 0));
    let ids = timeout(PATIENCE, server).await.unwrap().unwrap();
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_bot_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    failed(&told(&url, 5000).await, "not connected");
}

#[tokio::test]
async fn an_answer_that_is_garbage() {
    for garbage in [
        "<html>",
        "[]",
        "{\"messages\":\"hi\"}",
        "{\"messages\":[{\"text\":\"\"}]}",
        "{\"resolved\":\"yes\"}",
        "\u{0}",
    ] {
        let theirs = Theirs::start(move |_| at_once(garbage)).await;
        failed(&told(&theirs.url, 5000).await, "garbage");
    }
    let theirs = Theirs::start(|_| at_once(vec![0xff, 0xfe])).await;
    failed(&told(&theirs.url, 5000).await, "garbage");
}

#[tokio::test]
async fn an_answer_that_is_huge() {
    let theirs = Theirs::start(|_| at_once(vec![b' '; 300 * 1024])).await;
    failed(&told(&theirs.url, 5000).await, "too large");
}

#[tokio::test]
async fn an_answer_that_trickles() {
    let theirs = Theirs::start(|_| {
        let drops = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(" "), ()))
        });
        at_once(axum::body::Body::from_stream(drops))
    })
    .await;
    failed(&told(&theirs.url, 300).await, "timed out");
}

#[tokio::test]
async fn a_bot_that_leads_inward_is_not_followed() {
    let mut inner = Theirs::start(|_| at_once("{\"messages\":[{\"text\":\"secret\"}]}")).await;
    let location = inner.url.clone();
    let outer = Theirs::start(move |_| {
        at_once((
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, location.clone())],
        ))
    })
    .await;
    failed(&told(&outer.url, 5000).await, "status");
    assert!(inner.got.try_recv().is_err());
    failed(&told("http://10.0.0.1/hook", 5000).await, "refused by the guard");
    failed(
        &told("http://169.254.169.254/latest/meta-data", 5000).await,
        "refused by the guard",
    );
}

#[tokio::test]
async fn a_message_that_is_one_too_many_for_a_slow_bot_is_answered_at_once() {
    let theirs = Theirs::start(|_| never()).await;
    let rig = rig_with_webhook(&theirs.url, 30_000).await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "theirs")).await;
    for _ in 0..16 {
        talker.said("c", "hello?").await;
    }
    assert_eq!(texts(&answers(&talker, "c", "hello??", 1).await), [FALLBACK]);
    assert_eq!(talker.heard("c", "?limit=100").await.len(), 18);
    let audited = audited(&rig, "bot.webhook_failed").await;
    let told: Vec<_> = audited
        .iter()
        .map(|entry| (&entry["outcome"], &entry["detail"]))
        .collect();
    let detail = json!({"bot": "theirs", "why": "too many at once"});
    assert_eq!(told, [(&json!("failure"), &detail)]);
}

#[tokio::test]
async fn a_bot_that_hangs_in_many_conversations_holds_up_no_other_bot() {
    let mut hangs = Theirs::start(|_| never()).await;
    let quick = Theirs::start(|_| at_once("{\"messages\":[{\"text\":\"quick\"}]}")).await;
    let other = webhook_bot(&quick.url, 5_000).replace("theirs", "quick");
    let rig = rig_with(&(webhook_bot(&hangs.url, 30_000) + &other)).await;
    let talker = Talker::new(&rig).await;
    let many = (0..260).map(async |nth| {
        let id = format!("c-{nth}");
        talker.created(with_bot(&id, "theirs")).await;
        talker.said(&id, "hello").await;
    });
    futures_util::future::join_all(many).await;
    for _ in 0..256 {
        hangs.next().await;
    }
    talker.created(with_bot("q", "quick")).await;
    assert_eq!(texts(&answers(&talker, "q", "hello", 1).await), ["quick"]);
}
