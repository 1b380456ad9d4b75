//! What a bot owes: answers that are being typed, idle paths, and the clock that tests move on.

use super::{PATH, Talker, each, new_conversation};
use crate::support::{Rig, send, tenant_with};
use center::{Limits, Options};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};
use store::{Location, Store};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};

const BOT: &str = r#"
    name = "Clerk"
    begin = "greet"
    fallback.say = "What?"
    [intent.hours]
    examples = ["when are you open", "opening hours please"]
    say = ["From nine.", { text = "To six.", buttons = ["Thanks"], pause_ms = 600 }]
    [intent.slow]
    examples = ["take all your time"]
    say = [{ text = "Wait.", pause_ms = 30000 }, { text = "At last.", pause_ms = 30000 }]
    [intent.solved]
    examples = ["that solved my problem"]
    step = "solved"
    [intent.human]
    examples = ["give me a human being"]
    step = "human"
    [step.greet]
    say = "Hello."
    [step.solved]
    say = "Fine."
    resolve = true
    [step.human]
    say = "One moment."
    escalate = "asked for"
    [step.still_there]
    say = "Are you there?"
    [step.goodbye]
    say = "Bye."
    close = true
    [[idle]]
    after_s = 300
    step = "still_there"
    [[idle]]
    after_s = 600
    step = "goodbye"
"#;

fn set(options: &mut Options) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("clerk.toml"), BOT).unwrap();
        folder
    });
    let file = folder.path().join("clerk.toml");
    options.tenant = tenant_with(&format!("[[bot]]\nid = \"clerk\"\nfile = {file:?}\n"));
    options.limits = Limits::OFF;
}

async fn rig() -> Rig {
    Rig::start_with(set).await
}

/// Begins a conversation with the bot, which greets.
async fn begin(talker: &Talker<'_>, id: &str) {
    let mut new = new_conversation(id);
    new["participants"][0] =
        json!({"id": "bot-clerk", "direction": "outbound", "profile": {"botInstanceId": "clerk"}});
    talker.created(new).await;
    assert_eq!(texts(&talker.heard(id, "").await), ["Hello."]);
}

async fn advance(rig: &Rig, id: &str, ms: u64) -> Value {
    let path = format!("/center/v1/conversations/{id}/clock");
    let body = json!({"advanceMs": ms}).to_string();
    let answer = send(rig.admin(Method::POST, &path).body(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

fn texts(heard: &[Value]) -> Vec<&str> {
    heard.iter().map(|one| one["text"].as_str().unwrap()).collect()
}

async fn view(talker: &Talker<'_>, id: &str) -> Value {
    talker.get(&format!("{PATH}/{id}")).await.body
}

#[tokio::test]
async fn several_answers_belong_to_one_message_and_a_typed_one_wakes_who_waits() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    begin(&talker, "c").await;
    let begun = Instant::now();
    let posted = talker.say("c", "When are you open?").await;
    let at_once = talker.heard("c", "?after=2").await;
    assert_eq!(
        texts(&at_once),
        ["From nine."],
        "it is in the commit of the message"
    );
    let typed = talker.heard("c", "?after=3&wait=20").await;
    assert_eq!(texts(&typed), ["To six."]);
    assert!(begun.elapsed().as_millis() >= 600);
    for answer in [&at_once[0], &typed[0]] {
        assert_eq!(
            (
                &answer["inReplyTo"],
                &answer["participantId"],
                &answer["direction"]
            ),
            (&posted.body["id"], &json!("bot-clerk"), &json!("outbound"))
        );
    }
    assert_eq!(
        typed[0]["buttons"],
        json!([{"label": "Thanks", "value": "Thanks"}])
    );
    assert_eq!(at_once[0]["bot"]["intent"], "hours");
    assert!(typed[0].get("bot").is_none(), "what was understood is told once");
    assert_eq!(
        view(&talker, "c").await["context"]["botSession"]["intent"],
        "hours"
    );
}

#[tokio::test]
async fn a_restart_forgets_nothing_of_what_is_owed() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    for id in ["soon", "later"] {
        begin(&talker, id).await;
    }
    talker.said("later", "Take all your time").await;
    talker.said("soon", "When are you open?").await;
    let rig = rig.restarted(set).await;
    let talker = Talker::new(&rig).await;
    let typed = talker.heard("soon", "?after=3&wait=20").await;
    assert_eq!(texts(&typed), ["To six."], "nobody had to ask for it");
    assert_eq!(talker.heard("later", "?after=2").await.len(), 0);
    advance(&rig, "later", 30_000).await;
    assert_eq!(texts(&talker.heard("later", "?after=2").await), ["Wait."]);
    let rig = rig.restarted(set).await;
    let talker = Talker::new(&rig).await;
    advance(&rig, "later", 30_000).await;
    let heard = talker.heard("later", "?after=1").await;
    assert_eq!(texts(&heard), ["Take all your time", "Wait.", "At last."]);
    assert_eq!(heard[1]["inReplyTo"], heard[0]["id"]);
}

#[tokio::test]
async fn time_passes_for_one_conversation_alone() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    for id in ["a", "b", "c"] {
        begin(&talker, id).await;
    }
    assert_eq!(advance(&rig, "a", 299_000).await["aheadMs"], 299_000);
    assert_eq!(talker.heard("a", "?after=1").await.len(), 0);
    advance(&rig, "a", 1_000).await;
    assert_eq!(texts(&talker.heard("a", "?after=1").await), ["Are you there?"]);
    // Whoever speaks is waited for anew.
    talker.said("a", "yes").await;
    advance(&rig, "a", 299_000).await;
    assert_eq!(view(&talker, "a").await["state"], "active");
    let begun = Instant::now();
    advance(&rig, "c", 3_600_000).await;
    let heard = talker.heard("c", "").await;
    assert_eq!(texts(&heard), ["Hello.", "Are you there?", "Bye."]);
    assert!(begun.elapsed().as_secs() < 60, "an hour takes no time");
    let at = |one: &Value| {
        one["createdDate"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let apart = (at(&heard[1]) - at(&heard[0]), at(&heard[2]) - at(&heard[1]));
    let seconds = |span: jiff::Span| span.total(jiff::Unit::Second).unwrap().round();
    assert_eq!((seconds(apart.0), seconds(apart.1)), (300.0, 300.0));
    assert_eq!(view(&talker, "c").await["state"], "closed");
    assert_eq!(talker.heard("b", "?after=1").await.len(), 0);
    assert_eq!(each(&heard, "inReplyTo"), [&Value::Null; 3]);
}

#[tokio::test]
async fn who_is_gone_is_told_nothing_more() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    begin(&talker, "c").await;
    talker.said("c", "take all your time").await;
    talker.put("c", json!({"state": "closed"})).await;
    advance(&rig, "c", 3_600_000).await;
    assert_eq!(talker.heard("c", "?after=2").await.len(), 0);
    // Opened again, silence is counted from then on.
    assert_eq!(talker.put("c", json!({"state": "active"})).await.status, 200);
    advance(&rig, "c", 300_000).await;
    assert_eq!(texts(&talker.heard("c", "?after=2").await), ["Are you there?"]);
}

#[tokio::test]
async fn a_bot_begins_when_the_conversation_takes_messages() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    let mut new = new_conversation("c");
    new["participants"][0] =
        json!({"id": "bot-clerk", "direction": "outbound", "profile": {"botInstanceId": "clerk"}});
    new["state"] = json!("queued");
    talker.created(new).await;
    assert_eq!(talker.heard("c", "").await.len(), 0);
    let (heard, changed) = tokio::join!(
        talker.heard("c", "?wait=20"),
        talker.put("c", json!({"state": "active"}))
    );
    assert_eq!(changed.status, 200);
    assert_eq!(texts(&heard), ["Hello."]);
}

#[tokio::test]
async fn what_bots_settle_and_hand_over_is_counted() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    for id in ["solved", "human"] {
        begin(&talker, id).await;
    }
    talker.said("solved", "That solved my problem").await;
    talker.put("solved", json!({"state": "closed"})).await;
    talker.said("human", "Give me a human being").await;
    let (solved, human) = (view(&talker, "solved").await, view(&talker, "human").await);
    assert_eq!(
        (&solved["resolved"], &solved["escalated"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&human["resolved"], &human["escalated"], &human["state"]),
        (&json!(false), &json!(true), &json!("pending"))
    );
    assert_eq!(talker.said("human", "hello?").await, 4);
    assert_eq!(
        talker.heard("human", "?after=4").await.len(),
        0,
        "a person answers now"
    );
    advance(&rig, "human", 3_600_000).await;
    assert_eq!(talker.heard("human", "?after=4").await.len(), 0);
    let query = json!({"dateFrom": "2020-01-01T00:00:00Z", "dateTo": "2999-01-01T00:00:00Z"});
    let details = talker
        .ask(
            Method::POST,
            "/api/v2/analytics/conversations/details/query",
            &query,
        )
        .await;
    let group = &details.body["groups"][0];
    assert_eq!(
        (
            &group["resolved"],
            &group["resolutionRate"],
            &group["contained"],
            &group["escalated"],
            &group["turns"]
        ),
        (&json!(1), &json!(0.5), &json!(1), &json!(1), &json!(3)),
        "{}",
        details.text
    );
    let median = group["medianResponseMs"].as_f64().unwrap();
    assert!(median > 0.0 && median < 5_000.0, "{median}");
}

#[tokio::test]
async fn what_is_shown_of_a_context_can_be_put_back() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    begin(&talker, "c").await;
    let own = |bytes: usize| {
        let empty = json!({"botSession": {"mine": 1}, "note": ""}).to_string().len();
        json!({"botSession": {"mine": 1}, "note": "x".repeat(bytes - empty)})
    };
    let put = async |context: &Value| talker.put("c", json!({"context": context})).await;
    assert_eq!(put(&own(65_536)).await.status, 200);
    talker.said("c", "When are you open?").await;
    talker.heard("c", "?after=3&wait=20").await;
    let shown = view(&talker, "c").await;
    assert_eq!(shown["context"]["botSession"]["intent"], "hours");
    let again = put(&shown["context"]).await;
    assert_eq!(
        (again.status, &again.body),
        (200, &shown),
        "nothing was changed: {}",
        again.text
    );
    let mut changed = shown["context"].clone();
    changed["botSession"]["mine"] = json!(2);
    assert_eq!(put(&changed).await.status, 200);
    talker.said("c", "That solved my problem").await;
    let later = view(&talker, "c").await;
    assert_eq!(
        (
            &later["context"]["botSession"]["mine"],
            &later["context"]["botSession"]["intent"]
        ),
        (&json!(2), &json!("solved"))
    );
    let mut large = own(65_537);
    large["botSession"]["intent"] = json!("solved");
    put(&large).await.refused(400, "bad_request").mentions("65537");
    // What is not as it was shown is the client's.
    let mut theirs = own(65_530);
    theirs["botSession"]["intent"] = json!("something else");
    put(&theirs).await.refused(400, "bad_request");
}

#[tokio::test]
async fn the_clock_is_the_administrators() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    begin(&talker, "c").await;
    let path = "/center/v1/conversations/c/clock";
    talker
        .ask(Method::POST, path, &json!({"advanceMs": 1}))
        .await
        .refused(401, "unauthorized");
    for (path, body, status) in [
        (path, json!({}), 400),
        (path, json!({"advanceMs": -1}), 400),
        (path, json!({"advanceMs": 31_536_000_001_u64}), 400),
        (
            "/center/v1/conversations/nobody/clock",
            json!({"advanceMs": 1}),
            404,
        ),
    ] {
        let answer = send(rig.admin(Method::POST, path).body(body.to_string())).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    for _ in 0..10 {
        advance(&rig, "c", 31_536_000_000).await;
    }
    let once_more = rig
        .admin(Method::POST, path)
        .body(json!({"advanceMs": 1}).to_string());
    send(once_more)
        .await
        .refused(400, "bad_request")
        .mentions("advanceMs");
}

/// Moves the clock on by five minutes, and hangs up a moment later, whether or not that was done.
async fn advance_and_hang_up(rig: &Rig, id: &str, after: Duration) {
    let body = json!({"advanceMs": 300_000}).to_string();
    let head = format!(
        "POST /center/v1/conversations/{id}/clock HTTP/1.1\r\nhost: center\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        rig.env("TRUNKLINE_ADMIN_TOKEN"),
        body.len()
    );
    let mut connection = TcpStream::connect(rig.center.addresses().http).await.unwrap();
    connection.write_all((head + &body).as_bytes()).await.unwrap();
    sleep(after).await;
}

#[tokio::test]
async fn who_waits_is_told_also_when_the_one_who_moved_the_clock_hung_up() {
    let rig = rig().await;
    let talker = Talker::new(&rig).await;
    let file = rig.folder.path().join("data/trunkline.db");
    let store = Store::open(&Location::Sqlite(file)).await.unwrap();
    let ids: Vec<String> = (0..24).map(|nth| format!("c-{nth}")).collect();
    for id in &ids {
        begin(&talker, id).await;
    }
    let is_written = async |id: &str| {
        let record = store.record("conversation", id).await.unwrap().unwrap();
        record.body.contains("\"lastSequence\":2")
    };
    let rounds = ids.iter().enumerate().map(async |(nth, id)| {
        let hang_up = async {
            sleep(Duration::from_millis(100)).await;
            advance_and_hang_up(&rig, id, Duration::from_micros(250 * nth as u64)).await;
            let written = async {
                while !is_written(id).await {
                    sleep(Duration::from_millis(10)).await;
                }
            };
            // Some hang up before anybody has read what they ask for.
            let is_done = timeout(Duration::from_secs(1), written).await.is_ok();
            if !is_done {
                advance(&rig, id, 300_000).await;
            }
            is_done
        };
        let (heard, is_done) = tokio::join!(talker.heard(id, "?after=1&wait=10"), hang_up);
        assert_eq!(texts(&heard), ["Are you there?"], "{id}");
        is_done
    });
    let done = join_all(rounds).await;
    assert!(done.contains(&true), "of some, it was done");
}
