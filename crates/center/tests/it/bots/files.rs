//! Bots of files.

use super::*;
use crate::support::http_client;

/// A center with the demo's own tenant.
async fn demo() -> Rig {
    Rig::start_with(|options| {
        options.tenant = center::Tenant::demo().unwrap();
        options.limits = Limits::OFF;
    })
    .await
}

/// The demo's client has a secret that was made up.
async fn demo_talker(rig: &Rig) -> Talker<'_> {
    let secret = rig.env("CLIENT_SECRET");
    let token = rig.token_of((&rig.env("CLIENT_ID"), &secret), "").await;
    Talker { rig, token }
}

#[tokio::test]
async fn the_demo_bot_tracks_an_order_and_is_resolved_when_the_customer_confirms() {
    let rig = demo().await;
    let talker = demo_talker(&rig).await;
    talker.created(with_bot("c", "your-bot-instance-id")).await;
    let greeting = talker.heard("c", "?wait=20").await;
    assert_eq!(
        greeting[1]["buttons"][0],
        json!({"label": "Track my order", "value": "Track my order"})
    );
    let asked = answers(&talker, "c", "where is my oder AB-12345?", 1).await;
    assert_eq!(texts(&asked), ["AB-12345, is that right?"]);
    assert_eq!(asked[0]["bot"]["intent"], "track_order");
    let told = answers(&talker, "c", "yes", 3).await;
    assert_eq!(
        texts(&told)[1],
        "Order AB-12345 has been shipped and arrives tomorrow."
    );
    assert_eq!(conversation(&talker, "c").await["resolved"], false);
    let done = answers(&talker, "c", "yes, it did", 1).await;
    assert!(texts(&done)[0].contains("resolved"), "{done:?}");
    let over = conversation(&talker, "c").await;
    assert_eq!(
        (&over["resolved"], &over["escalated"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(over["context"]["botSession"]["slots"]["order_number"], "AB-12345");
}

#[tokio::test]
async fn the_demo_bot_hands_over_and_then_says_nothing() {
    let rig = demo().await;
    let talker = demo_talker(&rig).await;
    talker.created(with_bot("c", "your-bot-instance-id")).await;
    answers(&talker, "c", "agent please", 1).await;
    let last = talker.said("c", "hello?").await;
    assert_eq!(
        talker.heard("c", &format!("?after={last}")).await,
        Vec::<Value>::new()
    );
    assert_eq!(conversation(&talker, "c").await["escalated"], true);
}

#[tokio::test]
async fn an_administrator_sees_what_scenarios_can_reach() {
    let rig = demo().await;
    let bot = shown(&rig, "your-bot-instance-id").await;
    assert_eq!(bot.status, 200, "{}", bot.text);
    let (name, kind) = (&bot.body["name"], &bot.body["kind"]);
    assert_eq!((name, kind), (&json!("Trunkline support bot"), &json!("file")));
    let items = bot.body["coverageItems"].as_array().unwrap();
    assert!(items.contains(&json!("intent:track_order")) && items.contains(&json!("step:to_agent")));
    shown(&rig, "nobody")
        .await
        .refused(404, "not_found")
        .mentions("nobody");
    let url = rig.url("/center/v1/bots/your-bot-instance-id");
    let stranger = send(http_client().build().unwrap().get(url)).await;
    stranger.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_bot_that_nobody_knows_does_not_answer() {
    let rig = rig_with("").await;
    let talker = Talker::new(&rig).await;
    talker.created(with_bot("c", "unheard-of")).await;
    let posted = talker.said("c", "hello").await;
    assert_eq!(
        talker.heard("c", &format!("?after={posted}")).await,
        Vec::<Value>::new()
    );
    assert_eq!(conversation(&talker, "c").await["botId"], "unheard-of");
}
