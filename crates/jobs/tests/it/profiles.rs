//! The caller's profile, and a call that does not wait for it too long.

use crate::support::{CALLER, PREMIUM, Rig, end_of, transferred};
use client::{FailureKind, testing::Reply};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;
use wire::callcontrol::HangupCause;

fn premium_after(ms: u64) -> impl FnMut() -> Reply + Send + 'static {
    move || Reply::answer(200, PREMIUM).after(Duration::from_millis(ms))
}

fn entered(menu: &str, because: &str) -> Vec<Value> {
    vec![json!({"menu": menu, "because": because})]
}

/// The only entry about the profile is this outcome; its reason.
fn reason(entries: &[Value], outcome: &str) -> String {
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["outcome"], outcome);
    entries[0]["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_premium_customer_hears_the_premium_menu() {
    let mut rig = Rig::new(premium_after(300));
    let (leading, mut line) = rig.led().await;
    line.plays(&["premium_welcome", "premium_priority"]).await;
    assert!((300..=302).contains(&rig.ms()), "{}", rig.ms());
    assert_eq!(rig.audit("menu_entered"), entered("premium", "entry"));
    assert_eq!(reason(&rig.audit("profile"), "found"), "");

    line.press("1");
    line.plays(&["confirmed"]).await;
    line.transfers("ext:premium").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:premium"));
    assert_eq!(rig.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn somebody_nobody_knows_hears_the_general_menu() {
    let mut rig = Rig::without_profiles();
    let (_leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    assert!(rig.ms() <= 2, "{}", rig.ms());
    assert_eq!(rig.audit("menu_entered"), entered("general", "general"));
    assert_eq!(reason(&rig.audit("profile"), "not_found"), "");
    assert_eq!(rig.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_profile_service_is_not_waited_for() {
    let mut rig = Rig::new(premium_after(2000));
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    assert!((800..=802).contains(&rig.ms()), "{}", rig.ms());
    assert_eq!(
        reason(&rig.audit("profile"), "timed_out"),
        "no answer within 800 ms"
    );

    // The answer comes while the caller listens: it is noted, and changes nothing.
    sleep(Duration::from_millis(1500)).await;
    let noted = rig.audit("profile");
    assert_eq!(
        (noted.len(), &noted[1]["outcome"]),
        (2, &json!("late")),
        "{noted:?}"
    );
    let after = noted[1]["afterMs"].as_u64().unwrap();
    assert!((2000..=2002).contains(&after), "{after}");
    assert!(line.is_quiet());

    line.press("1");
    line.plays(&["confirmed"]).await;
    line.transfers("ext:support").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:support"));
    assert_eq!(rig.audit("menu_entered"), entered("general", "general"));
    assert_eq!(rig.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_profile_service_is_not_waited_for_at_all() {
    let mut rig = Rig::new(|| Reply::answer(500, "the CRM is down"));
    let (_leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    assert!(rig.ms() <= 2, "{}", rig.ms());
    let reason = reason(&rig.audit("profile"), "failed");
    assert!(
        reason.contains("500") && reason.contains("the CRM is down"),
        "{reason}"
    );
    assert_eq!(rig.audit("menu_entered"), entered("general", "general"));
    assert_eq!(rig.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_no_profile_is_a_failure() {
    let mut rig = Rig::new(|| Reply::answer(200, r#"{"name":"Jane Roe"}"#));
    let (_leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    let reason = reason(&rig.audit("profile"), "failed");
    assert!(
        reason.contains("not understood") && !reason.contains("Jane"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_profile_service_that_cannot_be_reached_costs_no_more_than_800_ms() {
    for reply in [Reply::nothing, || Reply::fail(FailureKind::NotConnected)] {
        let mut rig = Rig::new(reply);
        let (leading, mut line) = rig.led().await;
        line.plays(&["welcome", "support"]).await;
        assert!(rig.ms() <= 802, "{}", rig.ms());
        line.hang_up("caller_hangup");
        end_of(leading).await.unwrap();

        // Nobody waits for the answer any more, so nobody asks again either.
        let lookups = rig.lookups();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(rig.lookups(), lookups);
    }
}

#[tokio::test(start_paused = true)]
async fn the_profile_is_asked_for_once_also_when_the_connection_breaks_meanwhile() {
    let mut rig = Rig::new(premium_after(600));
    let (leading, line) = rig.led().await;
    sleep(Duration::from_millis(200)).await;
    drop(line);
    let mut line = rig.answer().await;
    line.plays(&["premium_welcome", "premium_priority"]).await;
    assert!((600..=602).contains(&rig.ms()), "{}", rig.ms());
    drop(line);
    let line = rig.answer().await;
    line.hang_up("caller_hangup");
    end_of(leading).await.unwrap();
    assert_eq!((rig.lookups(), rig.handshakes()), (1, 3));
    assert_eq!(rig.audit("menu_entered"), entered("premium", "entry"));
}

#[tokio::test(start_paused = true)]
async fn the_platform_knows_best_who_calls() {
    let mut rig = Rig::without_profiles();
    rig.known_as = Some("CRM-2");
    let (_leading, mut line) = rig.led().await;
    line.plays(&["welcome"]).await;
    assert_eq!(rig.http.seen_at("/CRM-2").len(), 1);
    assert_eq!(rig.http.seen_at(&format!("/{CALLER}")).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_without_an_id_is_not_looked_up() {
    let mut rig = Rig::new(|| panic!("a lookup"));
    let leading = rig.lead_call("call-1", None);
    let mut line = rig.answer().await;
    line.plays(&["welcome", "support"]).await;
    assert_eq!(rig.audit("profile"), Vec::<Value>::new());
    line.hang_up("caller_hangup");
    let left = end_of(leading).await.unwrap();
    assert_eq!(left, jobs::menu::Left::HungUp(HangupCause::Caller));
    assert_eq!(rig.lookups(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_before_the_profile_came_is_left_at_once() {
    let mut rig = Rig::new(premium_after(500));
    let (leading, line) = rig.led().await;
    sleep(Duration::from_millis(100)).await;
    line.hang_up("caller_hangup");
    end_of(leading).await.unwrap();
    assert!(rig.ms() < 500, "{}", rig.ms());
    assert_eq!(rig.audit("profile"), Vec::<Value>::new());
    assert_eq!(rig.audit("finished").len(), 1);
}
