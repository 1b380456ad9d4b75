//! Whole calls in virtual time: a call, a controller, and 20 ms ticks.

mod inset;

use super::{caller::Deed, *};
use audio::{FRAME_SAMPLES, Law, TELEPHONY_RATE, silence};
use proptest::prelude::*;
use wire::{
    Digit,
    callcontrol::{Codec, Play},
    script::Trigger,
};

const ALICE: ControllerId = ControllerId(1);
const EVERYTHING: [Capability; 5] = [
    Capability::Play,
    Capability::Dtmf,
    Capability::Transfer,
    Capability::Hangup,
    Capability::Record,
];

fn prompt(millis: u64) -> PreparedPrompt {
    let samples = vec![0.5; millis as usize * FRAME_SAMPLES / 20];
    PreparedPrompt::new(&audio::Sound {
        rate: TELEPHONY_RATE,
        samples,
    })
}

fn announcements() -> Announcements {
    Announcements {
        apology: ("apology".into(), prompt(100)),
        operator: "ext:operator".parse().unwrap(),
        operator_greeting: ("operator_greeting".into(), prompt(60)),
        agent_greeting: ("agent_greeting".into(), prompt(60)),
    }
}

/// A call in virtual time that keeps all that came out of it.
struct Line {
    call: Call,
    now: Moment,
    next_tick: Moment,
    told: Vec<Event>,
    happened: Vec<(u64, Happening)>,
    released: Vec<(ControllerId, Option<String>)>,
    over: usize,
    loud_frames: usize,
    /// Frames in which something came from the caller.
    said_frames: usize,
}

impl Line {
    fn ringing(script: Vec<(Trigger, Deed)>) -> Self {
        let facts = Facts {
            id: "call-1".parse().unwrap(),
            ani: "+1555".parse().unwrap(),
            dnis: "+1800".parse().unwrap(),
            external_id: None,
            codec: Codec::Pcmu,
        };
        let caller = Caller::new(Law::Mu, script);
        let call = Call::new(
            Moment::START,
            facts,
            caller,
            announcements(),
            SensitivePrompts::new(["enter_pin".parse().unwrap()]),
        );
        let start = Moment::START;
        Self {
            call,
            now: start,
            next_tick: start,
            told: vec![],
            happened: vec![],
            released: vec![],
            over: 0,
            loud_frames: 0,
            said_frames: 0,
        }
    }

    fn controlled(script: Vec<(Trigger, Deed)>) -> Self {
        let mut line = Self::ringing(script);
        line.attach(ALICE, "alice", &EVERYTHING).unwrap();
        line
    }

    fn attach(&mut self, id: ControllerId, client: &str, capabilities: &[Capability]) -> Result<(), String> {
        let client = client.parse().unwrap();
        let controller = Controller {
            id,
            client,
            capabilities: capabilities.iter().copied().collect(),
        };
        let mut out = Vec::new();
        let clock = "2026-11-21T09:00:00Z".parse().unwrap();
        let result = self.call.attach(self.now, clock, controller, &mut out);
        self.take(out);
        result
    }

    fn command(&mut self, from: ControllerId, command: Command, millis: u64) {
        let mut out = Vec::new();
        let frame = CommandFrame {
            command_id: None,
            command,
        };
        self.call
            .command(self.now, from, frame, |_| Sound::Ready(prompt(millis)), &mut out);
        self.take(out);
    }

    fn play(&mut self, name: &str, barge_in: KeySet, millis: u64) {
        self.command(
            ALICE,
            Command::Play(Play {
                audio: name.parse().unwrap(),
                barge_in,
            }),
            millis,
        );
    }

    fn detach(&mut self, id: ControllerId) {
        self.leave(id, Left::Lost);
    }

    fn leave(&mut self, id: ControllerId, left: Left) {
        let mut out = Vec::new();
        self.call.detach(self.now, id, left, &mut out);
        self.take(out);
    }

    /// Lets time pass as a driver would: deadlines at their moment, ticks every 20 ms.
    fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            let next = self.next_tick.min(self.call.deadline().max(self.now));
            if next > end || self.over > 0 {
                self.now = end;
                return;
            }
            self.now = next;
            let mut out = Vec::new();
            if self.call.deadline() <= next {
                self.call.act(next, &mut out);
            } else {
                let tick = self.call.tick(next, &mut out);
                self.loud_frames += usize::from(tick.heard != silence(Law::Mu));
                self.said_frames += usize::from(tick.said != silence(Law::Mu));
                self.next_tick = self.next_tick + Duration::from_millis(20);
            }
            self.take(out);
        }
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Tell(_, event) => self.told.push(event),
                Output::Release(id, reason) => self.released.push((id, reason)),
                Output::Happened(what) => {
                    self.happened
                        .push((self.now.since_start().as_millis() as u64, what));
                }
                Output::Over => self.over += 1,
                Output::Record(_) => {}
            }
        }
    }

    fn told_as_json(&mut self) -> Vec<String> {
        self.told
            .drain(..)
            .map(|event| serde_json::to_string(&event).unwrap())
            .collect()
    }
}

fn digit(sign: &str) -> Digit {
    sign.parse().unwrap()
}

fn press(sign: &str, after_ms: u64) -> (Trigger, Deed) {
    let hold = Duration::from_millis(500);
    (
        Trigger::After(Duration::from_millis(after_ms)),
        Deed::Press(digit(sign), hold),
    )
}

fn keys_written_down(line: &Line) -> Vec<String> {
    let key = |(_, what): &(u64, Happening)| match what {
        Happening::KeyPressed { digit } => Some(digit.to_string()),
        Happening::CutOff { digit, .. } => Some(format!("cut by {digit}")),
        _ => None,
    };
    line.happened.iter().filter_map(key).collect()
}

fn keys_told(line: &Line) -> String {
    let key = |event: &Event| match event {
        Event::Dtmf { digit, .. } => Some(digit.sign()),
        _ => None,
    };
    line.told.iter().filter_map(key).collect()
}

#[test]
fn keys_after_a_sensitive_prompt_are_told_but_not_written_down() {
    let keys = [
        press("1", 100),
        press("4", 600),
        press("7", 600),
        press("2", 2000),
    ];
    let mut line = Line::controlled(keys.into());
    line.play("hello", KeySet::ALL, 5000);
    line.run(300);
    line.play("https://center/audio/enter_pin.wav?v=2", KeySet::ALL, 5000);
    line.run(1700);
    line.play("thank_you", KeySet::ALL, 5000);
    line.run(3000);
    assert_eq!(
        keys_written_down(&line),
        [
            "1",
            "cut by 1",
            "masked",
            "cut by masked",
            "masked",
            "2",
            "cut by 2"
        ]
    );
    assert_eq!(keys_told(&line), "1472");
    assert_eq!(
        line.said_frames, 0,
        "keys make no sound that a recording could hold"
    );
}

#[test]
fn who_types_before_a_sensitive_prompt_has_begun_is_protected_too() {
    let mut line = Line::controlled(vec![press("4", 100), press("7", 600)]);
    line.play("hello", KeySet::ALL, 5000);
    line.play("enter_pin", KeySet::ALL, 5000);
    line.run(1500);
    assert_eq!(keys_written_down(&line), ["masked", "cut by masked", "masked"]);
    assert_eq!(keys_told(&line), "47");
}

#[test]
fn the_key_cuts_at_its_first_event_and_is_told_once() {
    let mut line = Line::controlled(vec![press("1", 107)]);
    line.play("hello", KeySet::ALL, 2000);
    line.play("more", KeySet::ALL, 2000);
    line.run(1000);
    // Frames at 0, 20, ... 100 ms were the prompt; the one at 120 is silence though the key is down until 607.
    assert_eq!(line.loud_frames, 6);
    let cut = line.happened.iter().find_map(|(at, what)| match what {
        Happening::CutOff { after_ms, .. } => Some((*at, after_ms.round() as u64)),
        _ => None,
    });
    assert_eq!(cut, Some((120, 13)));
    assert_eq!(
        line.told_as_json()[1..],
        [
            r#"{"event":"playback_started","audio":"hello"}"#,
            r#"{"event":"playback_finished","audio":"hello","reason":"interrupted","playedMs":120}"#,
            r#"{"event":"playback_finished","audio":"more","reason":"interrupted","playedMs":0}"#,
            r#"{"event":"dtmf","digit":"1","durationMs":500}"#,
        ]
    );
}

#[test]
fn a_key_that_is_not_permitted_is_told_but_cuts_nothing() {
    let mut line = Line::controlled(vec![press("2", 100)]);
    line.play("hello", [digit("1")].into_iter().collect(), 1000);
    line.run(1100);
    assert_eq!(line.loud_frames, 50);
    assert!(line.told.contains(&Event::Dtmf {
        digit: digit("2"),
        duration_ms: 500
    }));
}

#[test]
fn commands_outside_the_capabilities_are_refused_and_harm_nothing() {
    let mut line = Line::ringing(vec![]);
    line.attach(ALICE, "alice", &[Capability::Play]).unwrap();
    line.play("hello", KeySet::NONE, 100);
    for command in [
        Command::Transfer("ext:x".parse().unwrap()),
        Command::Hangup,
        Command::Record(RecordState::Start),
    ] {
        line.told.clear();
        line.command(ALICE, command, 0);
        assert!(matches!(&line.told[..], [Event::Error { .. }]));
    }
    line.run(200);
    assert_eq!((line.loud_frames, line.call.state()), (5, CallState::Controlled));
}

#[test]
fn a_lost_controller_may_come_back_within_five_seconds_and_misses_nothing() {
    let mut line = Line::controlled(vec![press("7", 1000)]);
    line.play("hello", KeySet::NONE, 3000);
    line.run(500);
    line.detach(ALICE);
    line.run(4999);
    assert_eq!(line.call.state(), CallState::Orphaned);
    line.told.clear();
    line.attach(ControllerId(2), "alice", &EVERYTHING).unwrap();
    let events = line.told_as_json();
    assert!(events[0].contains("connected"), "{events:?}");
    assert_eq!(
        events[1..],
        [
            r#"{"event":"dtmf","digit":"7","durationMs":500}"#,
            r#"{"event":"playback_finished","audio":"hello","reason":"completed","playedMs":3000}"#,
        ]
    );
    assert_eq!(line.call.state(), CallState::Controlled);
}

#[test]
fn a_call_without_its_controller_gets_the_apology_and_the_operator() {
    let mut line = Line::controlled(vec![]);
    line.play("hello", KeySet::NONE, 20_000);
    line.run(100);
    line.detach(ALICE);
    line.run(5000);
    assert_eq!(line.call.state(), CallState::Fallback);
    assert!(line.attach(ControllerId(2), "alice", &EVERYTHING).is_err());
    line.run(1000);
    let story: Vec<String> = line
        .happened
        .iter()
        .map(|(at, what)| format!("{at} {}", serde_json::to_string(what).unwrap()))
        .collect();
    assert_eq!(
        story[2..],
        [
            r#"100 {"what":"controller_lost"}"#,
            r#"5100 {"what":"prompt_finished","prompt":"hello","reason":"stopped","playedMs":5100}"#,
            r#"5100 {"what":"fallback_started"}"#,
            r#"5100 {"what":"prompt_started","prompt":"apology"}"#,
            r#"5200 {"what":"prompt_finished","prompt":"apology","reason":"completed","playedMs":100}"#,
            r#"5200 {"what":"transferred","target":"ext:operator"}"#,
            r#"5220 {"what":"prompt_started","prompt":"operator_greeting"}"#,
            r#"5280 {"what":"prompt_finished","prompt":"operator_greeting","reason":"completed","playedMs":60}"#,
            r#"5280 {"what":"ended","cause":"completed"}"#,
        ]
    );
    assert_eq!(line.over, 1);
}

#[test]
fn a_call_is_spent_when_it_was_left_on_purpose_and_its_caller_has_nothing_more_to_do() {
    let (alice, mallory) = ("alice".parse().unwrap(), "mallory".parse().unwrap());
    for (left, spent) in [(Left::Lost, false), (Left::OnPurpose, true)] {
        let mut line = Line::controlled(vec![press("1", 1000)]);
        line.leave(ALICE, left);
        assert!(!line.call.is_spent(&alice));
        line.run(1600);
        assert_eq!(line.call.is_spent(&alice), spent);
        assert!(!line.call.is_spent(&mallory));
        line.attach(ALICE, "alice", &EVERYTHING).unwrap();
        assert!(!line.call.is_spent(&alice));
    }
}

#[test]
fn the_callers_patience_counts_from_when_the_controller_was_last_heard_of() {
    let mut line = Line::controlled(vec![]);
    line.run(3000);
    let mut out = Vec::new();
    line.call.detach(Moment::START, ALICE, Left::Lost, &mut out);
    line.take(out);
    line.run(1999);
    assert_eq!(line.call.state(), CallState::Orphaned);
    line.run(1);
    assert_eq!(line.call.state(), CallState::Fallback);
}

#[test]
fn what_could_not_be_delivered_is_told_to_the_next_connection_if_it_wants_it() {
    for (capabilities, told) in [(&EVERYTHING[..], 2), (&[Capability::Play], 1)] {
        let mut line = Line::controlled(vec![]);
        line.detach(ALICE);
        line.call.undelivered(Event::Dtmf {
            digit: digit("1"),
            duration_ms: 100,
        });
        line.told.clear();
        line.attach(ControllerId(2), "alice", capabilities).unwrap();
        assert_eq!(line.told.len(), told, "{:?}", line.told);
    }
}

#[test]
fn a_newer_connection_of_the_same_client_wins_and_a_stranger_is_refused() {
    let mut line = Line::controlled(vec![]);
    assert!(line.attach(ControllerId(2), "mallory", &EVERYTHING).is_err());
    line.attach(ControllerId(3), "alice", &EVERYTHING).unwrap();
    assert_eq!(line.released.len(), 1);
    assert_eq!(line.released[0].0, ALICE);
    // The old connection's commands and its end are no longer the call's business.
    line.command(ALICE, Command::Hangup, 0);
    line.detach(ALICE);
    assert_eq!(line.call.state(), CallState::Controlled);
}

#[test]
fn a_transfer_releases_the_controller_and_the_agent_answers() {
    let mut line = Line::controlled(vec![]);
    line.play("hello", KeySet::NONE, 1000);
    line.run(100);
    line.command(ALICE, Command::Transfer("ext:sales".parse().unwrap()), 0);
    assert_eq!(line.released, [(ALICE, None)]);
    line.run(1000);
    assert_eq!(line.call.state(), CallState::Ended);
    assert!(
        line.happened.iter().any(
            |(_, what)| matches!(what, Happening::PromptStarted { prompt } if prompt == "agent_greeting")
        )
    );
}

#[test]
fn nobody_answers_for_thirty_seconds() {
    let mut line = Line::ringing(vec![]);
    line.run(29_999);
    assert_eq!(line.call.state(), CallState::Ringing);
    line.run(1);
    assert!(matches!(
        line.happened[..],
        [(
            30_000,
            Happening::Ended {
                cause: HangupCause::NoAnswer
            }
        )]
    ));
    assert!(line.attach(ALICE, "alice", &EVERYTHING).is_err());
}

#[test]
fn an_endless_call_is_ended() {
    let mut line = Line::controlled(vec![]);
    line.run(LONGEST_CALL.as_millis() as u64 + 1000);
    assert!(line.told.contains(&Event::Hangup {
        command_id: None,
        cause: HangupCause::TooLong
    }));
}

#[test]
fn the_callers_voice_reaches_a_controller_that_asked_for_it() {
    let mut line = Line::ringing(vec![(Trigger::After(Duration::ZERO), Deed::Speak(prompt(60)))]);
    line.attach(ALICE, "alice", &[Capability::Media]).unwrap();
    line.run(119);
    let media = line.told.iter().filter_map(|event| match event {
        Event::Media {
            payload,
            sequence,
            timestamp_ms,
        } => Some((payload.len(), *sequence, *timestamp_ms)),
        _ => None,
    });
    let media: Vec<_> = media.collect();
    assert_eq!(media.len(), 6);
    assert_eq!(media[5], (216, 5, 100));
}

#[derive(Debug, Clone)]
enum Step {
    Run(u64),
    Attach(u64),
    Detach(u64),
    Command(u64, u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..7000u64).prop_map(Step::Run),
        (0..3u64).prop_map(Step::Attach),
        (0..3u64).prop_map(Step::Detach),
        (0..3u64, 0..5u8).prop_map(|(id, which)| Step::Command(id, which)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever controllers do, every play that started is finished once, and the call ends once at the latest after an hour.
    #[test]
    fn every_call_comes_to_one_end(steps in proptest::collection::vec(any_step(), 0..30)) {
        let mut line = Line::ringing(vec![press("1", 400), press("2", 3000)]);
        for step in steps {
            match step {
                Step::Run(millis) => line.run(millis),
                Step::Attach(id) => { let _ = line.attach(ControllerId(id), "alice", &EVERYTHING); }
                Step::Detach(id) => line.detach(ControllerId(id)),
                Step::Command(id, which) => {
                    let command = match which {
                        0 => Command::Play(Play { audio: "p".parse().unwrap(), barge_in: KeySet::ALL }),
                        1 => Command::Stop,
                        2 => Command::Hangup,
                        3 => Command::Record(RecordState::Start),
                        _ => Command::Transfer("ext:x".parse().unwrap()),
                    };
                    line.command(ControllerId(id), command, 700);
                }
            }
        }
        line.run(3_700_000);
        prop_assert_eq!(line.over, 1);
        let count = |wanted: fn(&Happening) -> bool| line.happened.iter().filter(|(_, what)| wanted(what)).count();
        prop_assert_eq!(count(|what| matches!(what, Happening::Ended { .. })), 1);
        let started = count(|what| matches!(what, Happening::PromptStarted { .. }));
        let finished = count(|what| matches!(what, Happening::PromptFinished { played_ms: 1.., .. }));
        prop_assert_eq!(started, finished);
    }
}
