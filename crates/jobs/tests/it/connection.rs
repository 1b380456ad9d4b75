//! Calls that are not given, taken away, or given back.

use crate::support::{Rig, close, end_of, transferred};
use client::{Error, FailureKind, LostReason, testing::Reply};
use futures_util::SinkExt;
use jobs::menu::{Left, MenuError};
use serde_json::json;
use std::{error::Error as _, time::Duration};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use wire::callcontrol::{Command, HangupCause};

fn nobody() -> Reply {
    Reply::answer(404, "")
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_refused_is_no_call() {
    let refusal =
        r#"{"status":403,"code":"forbidden","message":"the token lacks callcontrol:inbound","errors":[]}"#;
    let rig = Rig::with_handshakes(nobody, move |_| Some(Reply::answer(403, refusal)));
    let error = end_of(rig.lead()).await.unwrap_err();
    let MenuError::Connect { call, source } = &error else {
        panic!("{error}")
    };
    assert_eq!(call.as_str(), "call-1");
    assert_eq!(source.status(), Some(403));
    assert_eq!(error.to_string(), "the call call-1 could not be taken");
    let why = error.source().unwrap().to_string();
    assert!(why.contains("callcontrol:inbound"), "{why}");
    assert_eq!((rig.lookups(), rig.handshakes()), (0, 1));
    assert!(rig.log.entries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_there_is_not_led() {
    let mut rig = Rig::without_profiles();
    let leading = rig.lead();
    let (_, mut socket) = rig.accept().await;
    let unknown = json!({"event": "error", "message": "there is no such call"}).to_string();
    socket.send(Message::text(unknown)).await.unwrap();
    socket.send(close(1008, "there is no such call")).await.unwrap();
    let error = end_of(leading).await.unwrap_err();
    let MenuError::Connect {
        source: Error::CallRefused { message, .. },
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(message, "there is no such call");
    assert_eq!(rig.lookups(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_taken_away_is_lost() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.refuse(None, "another connection took control of the call");
    line.close(1008, "taken over");
    let error = end_of(leading).await.unwrap_err();
    let MenuError::Lost { call, source } = &error else {
        panic!("{error}")
    };
    let told = rig.audit("finished");
    assert_eq!((told.len(), &told[0]["outcome"]), (1, &json!("lost")));
    assert!(
        told[0]["reason"].as_str().unwrap().contains("taken over"),
        "{told:?}"
    );
    assert_eq!(call.as_str(), "call-1");
    assert!(
        matches!(source, Some(LostReason::Closed { code: 1008, .. })),
        "{source:?}"
    );
    assert!(error.source().unwrap().to_string().contains("taken over"));
    assert_eq!(rig.handshakes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_does_not_come_back_in_time_has_the_call() {
    let mut rig = Rig::with_handshakes(nobody, |number| {
        (number > 1).then(|| Reply::fail(FailureKind::NotConnected))
    });
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome"]).await;
    drop(line);
    let error = end_of(leading).await.unwrap_err();
    assert!(
        matches!(
            &error,
            MenuError::Lost {
                source: Some(LostReason::TooLate { .. }),
                ..
            }
        ),
        "{error:?}"
    );
    assert!((3900..=5005).contains(&rig.ms()), "{}", rig.ms());
    assert_eq!(rig.audit("finished")[0]["outcome"], "lost");
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_where_it_was_after_a_broken_connection() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome"]).await;
    let support = line.asked_to_play("support").await;
    sleep(Duration::from_secs(1)).await;
    drop(line);

    // The platform tells what was missed, and the caller hears nothing twice.
    let mut line = rig.answer().await;
    line.finished(&support, "completed");
    sleep(Duration::from_secs(1)).await;
    assert!(line.is_quiet());
    line.press("1");
    line.plays(&["confirmed"]).await;
    line.transfers("ext:support").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:support"));
    assert_eq!((rig.handshakes(), rig.lookups()), (2, 1));
    assert_eq!(rig.audit("menu_entered").len(), 1);
    assert_eq!(rig.audit("finished").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_menu_does_while_the_connection_is_away_is_done_afterwards() {
    let mut rig = Rig::with_handshakes(nobody, |number| {
        (number == 2).then(|| Reply::answer(503, "").after(Duration::from_secs(2)))
    });
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    // The caller's time for a key is over while nobody is connected.
    sleep(Duration::from_secs(2)).await;
    drop(line);
    let mut line = rig.answer().await;
    assert!((4000..=4300).contains(&rig.ms()), "{}", rig.ms());
    line.plays(&["no_input", "welcome", "support"]).await;
    line.hang_up("caller_hangup");
    assert_eq!(end_of(leading).await.unwrap(), Left::HungUp(HangupCause::Caller));
    assert_eq!(rig.handshakes(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ended_meanwhile_is_lost() {
    let mut rig = Rig::without_profiles();
    let (leading, line) = rig.led().await;
    drop(line);
    let (_, mut socket) = rig.accept().await;
    let ended = json!({"event": "error", "message": "the call has ended"}).to_string();
    socket.send(Message::text(ended)).await.unwrap();
    socket.send(close(1008, "the call has ended")).await.unwrap();
    let error = end_of(leading).await.unwrap_err();
    let why = error.source().unwrap().to_string();
    assert!(
        matches!(
            &error,
            MenuError::Lost {
                source: Some(LostReason::Refused(_)),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(why.contains("the call has ended"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_missed_a_play_leaves_nobody_in_silence() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("4");
    // It was on the wire when the connection broke, so the platform never hears of it.
    line.asked_to_play("billing").await;
    drop(line);
    let mut line = rig.answer().await;
    let back = rig.ms();
    line.asked(Command::Stop).await;
    line.plays(&["no_input", "billing"]).await;
    // What was lost is waited for for 2 s, and the caller for 3 s.
    assert!((5000..=5010).contains(&(rig.ms() - back)), "{}", rig.ms() - back);
    assert_eq!(rig.audit("prompt_failed"), [json!({"prompt": "billing"})]);
    line.press("2");
    line.transfers("ext:billing").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:billing"));
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_missed_the_last_prompt_transfers_all_the_same() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.asked_to_play("confirmed").await;
    drop(line);
    let mut line = rig.answer().await;
    let back = rig.ms();
    line.asked(Command::Stop).await;
    line.transfers("ext:support").await;
    assert!((2000..=2010).contains(&(rig.ms() - back)), "{}", rig.ms() - back);
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:support"));
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_missed_the_transfer_is_asked_again() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("1");
    line.plays(&["confirmed"]).await;
    let lost = line.asked_to_transfer("ext:support").await;
    drop(line);
    let mut line = rig.answer().await;
    let again = line.asked_to_transfer("ext:support").await;
    assert_ne!(lost, again);
    line.refuse(Some(&again), "nobody is there");
    line.plays(&["transferring"]).await;
    line.transfers("ext:operator").await;
    assert_eq!(end_of(leading).await.unwrap(), transferred("ext:operator"));
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_missed_the_hang_up_is_asked_again() {
    let mut rig = Rig::without_profiles();
    let (leading, mut line) = rig.led().await;
    line.plays(&["welcome", "support"]).await;
    line.press("8");
    line.asked(Command::Hangup).await;
    drop(line);
    let mut line = rig.answer().await;
    line.asked(Command::Hangup).await;
    line.hang_up("controller_hangup");
    assert_eq!(
        end_of(leading).await.unwrap(),
        Left::HungUp(HangupCause::Controller)
    );
}
