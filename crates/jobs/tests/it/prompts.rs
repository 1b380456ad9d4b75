//! Prompts that can't be played: the call goes on all the same.

use crate::support::{Peer, Rig, end_of, transferred};
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;
use wire::{
    callcontrol::{Command, CommandFrame},
    ids::CommandId,
};

/// Answers every play with `answer`; the target of the transfer that ends it, which works.
async fn refuse_all(line: &mut Peer, answer: fn(&Peer, &CommandId)) -> String {
    loop {
        match line.command().await {
            Some(CommandFrame {
                command_id: Some(play),
                command: Command::Play(_),
            }) => answer(line, &play),
            Some(CommandFrame {
                command: Command::Transfer(target),
                ..
            }) => {
                line.say(json!({"event": "transferred", "target": target}));
                return target.to_string();
            }
            Some(CommandFrame {
                command: Command::Stop,
                ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_plays_nothing_leads_to_the_operator_in_bounded_time() {
    let refusals: [fn(&Peer, &CommandId); 2] = [
        |line, play| line.refuse(Some(play.as_str()), "there is no such prompt"),
        |line, play| line.finished(play.as_str(), "failed"),
    ];
    for refusal in refusals {
        let mut rig = Rig::without_profiles();
        let (leading, mut line) = rig.led().await;
        assert_eq!(refuse_all(&mut line, refusal).await, "ext:operator");
        assert_eq!(end_of(leading).await.unwrap(), transferred("ext:operator"));
        // Twice the time in which a caller may still press a key.
        assert!((6000..=6010).contains(&rig.ms()), "{}", rig.ms());
        let failed = rig.audit("prompt_failed");
        let failed: Vec<_> = failed
            .iter()
            .map(|entry| entry["prompt"].as_str().unwrap())
            .collect();
        assert_eq!(
            failed,
            [
                "welcome",
                "support",
                "no_input",
                "welcome",
                "support",
                "transferring"
            ]
        );
        assert!(rig.audit("command_failed").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn one_refused_prompt_does_not_keep_the_others_from_the_caller() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    let welcome = line.asked_to_play("welcome").await;
    line.refuse(Some(&welcome), "there is no such prompt");
    line.plays(&["support"]).await;
    line.press("1");
    let confirmed = line.asked_to_play("confirmed").await;
    line.refuse(Some(&confirmed), "there is no such prompt");
    line.transfers("ext:support").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:support"));
    let failed = rig.audit("prompt_failed");
    assert_eq!(
        failed,
        [json!({"prompt": "welcome"}), json!({"prompt": "confirmed"})]
    );
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_forgets_its_prompts_is_not_waited_for_for_ever() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    assert_eq!(refuse_all(&mut line, |_, _| {}).await, "ext:operator");
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:operator"));
    // Three times the patience with prompts that don't begin, and twice that with the caller.
    assert!((36_000..=36_020).contains(&rig.ms()), "{}", rig.ms());
    assert_eq!(rig.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_begins_may_take_its_time() {
    let mut rig = Rig::without_profiles();
    let (_leading, mut line) = rig.led().await;
    let welcome = line.asked_to_play("welcome").await;
    let support = line.asked_to_play("support").await;
    sleep(Duration::from_secs(9)).await;
    line.started(&welcome);
    sleep(Duration::from_secs(299)).await;
    assert!(line.is_quiet());
    line.finished(&welcome, "completed");
    line.started(&support);
    line.asked(Command::Stop).await;
    assert!((608_000..=608_010).contains(&rig.ms()), "{}", rig.ms());
    assert_eq!(rig.audit("prompt_failed"), [json!({"prompt": "support"})]);
}

#[tokio::test(start_paused = true)]
async fn events_of_plays_that_are_not_the_menus_are_no_news() {
    let mut rig = Rig::without_profiles();
    let (_leading, mut line) = rig.led().await;
    let welcome = line.asked_to_play("welcome").await;
    line.asked_to_play("support").await;
    line.started(&welcome);
    for play in [
        "play-99",
        "play-",
        "play--1",
        "play-x",
        "other",
        "play-18446744073709551616",
    ] {
        line.finished(play, "completed");
        line.refuse(Some(play), "no");
        line.say(json!({"event": "playback_started", "commandId": play, "audio": "x"}));
    }
    line.say(json!({"event": "playback_finished", "audio": "x", "reason": "completed"}));
    line.say(json!({"event": "recorded", "state": "start", "uri": "x"}));
    line.say(json!({"event": "media", "payload": "", "sequence": 0, "timestampMs": 0}));
    sleep(Duration::from_secs(60)).await;
    assert!(line.is_quiet(), "the menu still waits for its own prompts");
    assert!(rig.audit("prompt_failed").is_empty());
}
