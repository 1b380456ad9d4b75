//! Every frame of the contract, and every fault.

use super::*;
use crate::{Digit, KeySet, ids::CallId};
use proptest::prelude::*;

fn call() -> CallId {
    "call-1".parse().unwrap()
}

fn command(frame: &str) -> Command {
    CommandFrame::parse(frame, &call()).unwrap().command
}

fn faults(frame: &str) -> Vec<String> {
    CommandFrame::parse(frame, &call()).unwrap_err().faults.into_vec()
}

#[test]
fn the_contracts_own_frames_are_read() {
    let hello =
        r#"{"callControlId":"call-1","media":"audio","capabilities":["play","dtmf","transfer","hangup"]}"#;
    let hello = Hello::parse(hello).unwrap();
    assert_eq!(hello.capabilities.len(), 4);
    assert_eq!(Hello::parse(&hello.to_json()).unwrap(), hello);

    let play =
        r#"{"callControlId":"call-1","action":"play","audio":"hi","dtmf":{"enabled":true,"keys":["1","2"]}}"#;
    let Command::Play(play) = command(play) else {
        panic!("not a play")
    };
    assert_eq!(play.barge_in.iter().map(Digit::sign).collect::<String>(), "12");
    let transfer = r#"{"action":"transfer","target":"ext:transfer_premium","type":"number"}"#;
    assert_eq!(
        command(transfer),
        Command::Transfer("ext:transfer_premium".parse().unwrap())
    );
    assert_eq!(
        command(r#"{"action":"record","state":"start"}"#),
        Command::Record(RecordState::Start)
    );
}

#[test]
fn who_may_interrupt_follows_from_dtmf_and_interruptible() {
    let keys = |rest: &str| match command(&format!(r#"{{"action":"play","audio":"hi"{rest}}}"#)) {
        Command::Play(play) => play.barge_in,
        other => panic!("{other:?}"),
    };
    assert_eq!(keys(""), KeySet::NONE);
    assert_eq!(keys(r#","interruptible":true"#), KeySet::ALL);
    assert_eq!(keys(r#","dtmf":{"enabled":true}"#), KeySet::ALL);
    assert_eq!(keys(r#","dtmf":{"enabled":false,"keys":["1"]}"#), KeySet::NONE);
    assert_eq!(keys(r#","dtmf":{"enabled":true,"keys":[]}"#), KeySet::NONE);
    assert_eq!(
        keys(r#","dtmf":{"keys":["1"]},"interruptible":false"#),
        KeySet::NONE
    );
}

#[test]
fn every_fault_of_a_frame_is_named() {
    assert_eq!(
        faults(r#"{"callControlId":"other","action":"play","audio":7,"dtmf":{"enabled":1,"keys":["x",3]}}"#),
        [
            "callControlId must be \"call-1\", the call of this connection",
            "audio must be a text, not the number 7",
            "dtmf.keys[0] must be one of 0-9 * # A-D, not \"x\"",
            "dtmf.keys[1] must be a text, not the number 3",
            "dtmf.enabled must be true or false, not the number 1",
        ]
    );
    assert_eq!(faults("[]"), ["the body must be a JSON object, not a list"]);
    assert_eq!(faults("{}"), ["action is missing"]);
    assert_eq!(
        faults(r#"{"action":"play","audio":"file:///etc/passwd"}"#),
        ["audio must be a prompt id, or an http or https URL"]
    );
    let bad = CommandFrame::parse(r#"{"commandId":"c7","action":"dance"}"#, &call()).unwrap_err();
    assert_eq!(bad.command_id.unwrap().as_str(), "c7");
}

fn any_command() -> impl Strategy<Value = Command> {
    let keys = any::<u16>().prop_map(|bits| {
        Digit::all()
            .filter(|digit| bits & (1 << digit.event_code()) != 0)
            .collect()
    });
    let audio = prop_oneof!["[a-z-]{1,20}", "https://[a-z]{1,20}/[a-z]{0,20}\\.wav"];
    prop_oneof![
        (audio, keys).prop_map(|(audio, barge_in)| Command::Play(Play {
            audio: audio.parse().unwrap(),
            barge_in
        })),
        Just(Command::Stop),
        Just(Command::Hangup),
        "ext:[a-z_]{1,20}".prop_map(|target| Command::Transfer(target.parse().unwrap())),
        Just(Command::Record(RecordState::Stop)),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(command in any_command(), id in proptest::option::of("[a-z]{1,9}")) {
        let frame = CommandFrame { command_id: id.map(|id| id.parse().unwrap()), command };
        prop_assert_eq!(CommandFrame::parse(&frame.to_json(&call()), &call()).unwrap(), frame);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in ".{0,200}") {
        let _ = CommandFrame::parse(&text, &call());
        let _ = Hello::parse(&text);
    }
}
