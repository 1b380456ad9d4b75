//! Keys, transfers and hang-ups.

use crate::support::{Rig, end_of, transferred};
use jobs::menu::{Left, MenuError};
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;
use wire::{
    KeySet,
    callcontrol::{Command, CommandFrame, HangupCause},
};

#[tokio::test(start_paused = true)]
async fn a_key_while_a_prompt_plays_leads_to_the_transfer() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome"]).await;
    let support = line.asked_to_play("support").await;
    sleep(Duration::from_millis(700)).await;
    line.finished(&support, "interrupted");
    line.press("1");

    let confirmation = line.command().await.unwrap();
    let Command::Play(play) = confirmation.command else {
        panic!("{confirmation:?}")
    };
    assert_eq!(play.barge_in, KeySet::NONE, "a confirmation is heard to its end");
    assert!(line.is_quiet(), "the transfer comes after the confirmation");
    line.finished(confirmation.command_id.unwrap().as_str(), "completed");
    line.transfers("ext:support").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:support"));
    assert_eq!(
        rig.audit("key"),
        [json!({"digit": "1", "menu": "general", "meaning": "option"})]
    );
    assert_eq!(rig.audit("transferring"), [json!({"target": "ext:support"})]);
    assert_eq!(rig.audit("finished"), [json!({"outcome": "transferred"})]);
    assert!(line.command().await.is_none(), "nothing follows but the close");
}

#[tokio::test(start_paused = true)]
async fn what_still_plays_is_stopped_before_anything_else_is_played() {
    let mut rig = Rig::without_profiles();
    let (_leading, mut line) = rig.led().await;
    line.asked_to_play("welcome").await;
    line.asked_to_play("support").await;
    line.press("1");
    line.asked(Command::Stop).await;
    line.plays(&["confirmed"]).await;
    line.asked_to_transfer("ext:support").await;
}

#[tokio::test(start_paused = true)]
async fn keys_typed_ahead_find_their_menus() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("42");
    while line.command().await.unwrap().command != Command::Transfer("ext:billing".parse().unwrap()) {}
    line.say(json!({"event": "transferred", "target": "ext:billing"}));
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:billing"));
    let keys = rig.audit("key");
    assert_eq!(
        (&keys[0]["menu"], &keys[1]["menu"]),
        (&json!("general"), &json!("billing"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_caller_is_asked_again_and_then_gets_the_operator() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.plays(&["no_input", "welcome", "support"]).await;
    assert!((3000..=3003).contains(&rig.ms()), "{}", rig.ms());
    line.plays(&["transferring"]).await;
    assert!((6000..=6005).contains(&rig.ms()), "{}", rig.ms());
    line.transfers("ext:operator").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:operator"));
    assert_eq!(rig.audit("no_input").len(), 2);
    assert_eq!(rig.audit("retries_exhausted").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_is_gone() {
    for (word, cause) in [
        ("caller_hangup", HangupCause::Caller),
        ("max_duration", HangupCause::TooLong),
        ("center_shutdown", HangupCause::Shutdown),
    ] {
        let mut rig = Rig::without_profiles();
        let (leading, mut line) = rig.led().await;
        line.asked_to_play("welcome").await;
        line.hang_up(word);
        line.close(1000, "");
        assert_eq!(end_of(leading).await.unwrap(), Left::HungUp(cause));
        assert_eq!(
            rig.audit("finished"),
            [json!({"outcome": "hung_up", "cause": word})]
        );
        assert!(rig.ms() <= 5, "{}", rig.ms());
        assert_eq!(rig.handshakes(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_menu_can_hang_up() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("8");
    line.asked(Command::Hangup).await;
    line.hang_up("controller_hangup");
    assert_eq!(
        end_of(leading).await.unwrap(),
        Left::HungUp(HangupCause::Controller)
    );
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_does_not_hang_up_is_left_in_bounded_time() {
    for refused in [false, true] {
        let mut rig = Rig::without_profiles();
        let (leading, mut line) = rig.led().await;
        line.plays(&["welcome", "support"]).await;
        line.press("8");
        line.asked(Command::Hangup).await;
        if refused {
            line.refuse(None, "hangup is not allowed");
        }
        let error = end_of(leading).await.unwrap_err();
        assert!(matches!(&error, MenuError::NotEnded { .. }), "{error}");
        assert!(error.to_string().contains("call-1"), "{error}");
        let patience = if refused { 0..=5 } else { 10_000..=10_005 };
        assert!(patience.contains(&rig.ms()), "{}", rig.ms());
        assert_eq!(rig.audit("finished"), [json!({"outcome": "abandoned"})]);
        assert!(line.command().await.is_none(), "the connection is closed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_transfer_goes_to_the_operator_and_a_refused_operator_is_the_end() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.plays(&["confirmed"]).await;
    line.asked_to_transfer("ext:support").await;
    line.refuse(None, "nobody is there");
    line.plays(&["transferring"]).await;
    line.asked_to_transfer("ext:operator").await;
    line.refuse(None, "the operator is ill");
    line.plays(&["goodbye"]).await;
    line.asked(Command::Hangup).await;
    line.hang_up("controller_hangup");
    end_of(leading).await.unwrap();
    let refused = rig.audit("transfer_refused");
    assert_eq!(
        refused,
        [
            json!({"target": "ext:support", "reason": "nobody is there"}),
            json!({"target": "ext:operator", "reason": "the operator is ill"}),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_nobody_answers_goes_to_the_operator() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.plays(&["confirmed"]).await;
    line.asked_to_transfer("ext:support").await;
    line.plays(&["transferring"]).await;
    assert!((30_000..=30_005).contains(&rig.ms()), "{}", rig.ms());
    line.transfers("ext:operator").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:operator"));
}

#[tokio::test(start_paused = true)]
async fn somebody_else_may_transfer_the_call() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.asked_to_play("welcome").await;
    line.say(json!({"event": "transferred", "target": "ext:elsewhere"}));
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:elsewhere"));
}

#[tokio::test(start_paused = true)]
async fn calls_run_side_by_side() {
    let mut rig = Rig::without_profiles();
    let leading = ["call-1", "call-2", "call-3"].map(|call| rig.lead_call(call, None));
    let mut lines = [rig.answer().await, rig.answer().await, rig.answer().await];
    lines.sort_by(|one, other| one.call.cmp(&other.call));
    for line in &mut lines {
        line.plays(&["welcome", "support"]).await;
    }
    let [one, two, three] = &mut lines;
    one.hang_up("caller_hangup");
    two.press("1");
    two.plays(&["confirmed"]).await;
    two.transfers("ext:support").await;
    three.plays(&["no_input"]).await;
    three.hang_up("caller_hangup");
    let mut left = Vec::new();
    for leading in leading {
        left.push(end_of(leading).await.unwrap());
    }
    let gone = Left::HungUp(HangupCause::Caller);
    assert_eq!(left, [gone.clone(), transferred("ext:support"), gone]);
    let of_two = rig.log.entries();
    let of_two = of_two
        .iter()
        .filter(|entry| entry.subject.as_deref() == Some("call-2"));
    let actions: Vec<_> = of_two.map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "menu.taken",
            "menu.menu_entered",
            "menu.key",
            "menu.transferring",
            "menu.finished"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_dropped_lets_go_of_the_call() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    leading.abort();
    let rest: Option<CommandFrame> = line.command().await;
    assert!(rest.is_none(), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_stop_is_not_the_refusal_of_the_transfer() {
    for named in [true, false] {
        let mut rig = Rig::without_profiles();
        let (leading, mut line) = rig.led().await;
        line.plays(&["welcome", "support"]).await;
        line.press("1");
        // The confirmation never begins.
        line.asked_to_play("confirmed").await;
        let stop = line.asked(Command::Stop).await;
        let transfer = line.asked_to_transfer("ext:support").await;
        assert_ne!(stop, transfer);
        line.refuse(named.then_some(stop.as_str()), "nothing plays");
        line.refuse(Some("transfer-99"), "what is that");
        sleep(Duration::from_secs(1)).await;
        assert!(line.is_quiet(), "the transfer is still waited for");
        line.say(json!({"event": "transferred", "target": "ext:support"}));
        assert_eq!(end_of(leading).await.unwrap(), transferred("ext:support"));
        assert!(rig.audit("transfer_refused").is_empty());
        assert_eq!(
            rig.audit("command_failed"),
            [
                json!({"reason": "nothing plays"}),
                json!({"reason": "what is that"})
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_the_first_transfer_is_not_the_operators() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.plays(&["confirmed"]).await;
    let first = line.asked_to_transfer("ext:support").await;
    line.plays(&["transferring"]).await;
    line.asked_to_transfer("ext:operator").await;
    line.refuse(Some(&first), "nobody is there");
    sleep(Duration::from_secs(1)).await;
    assert!(line.is_quiet(), "the operator is still waited for");
    line.say(json!({"event": "transferred", "target": "ext:operator"}));
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:operator"));
}
