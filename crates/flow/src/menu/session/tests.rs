mod broken_line;
mod keys;
mod options;
mod profile;
mod secrets;
mod ways_out;

use super::*;
use crate::menu::{KnownPrompts, parse};
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Write;

const MENU: &str = include_str!("tests/line.toml");

/// A platform and its caller for one session, which keeps a transcript.
///
/// Inputs are written in lines; `>` begins what came in, the lines after it are what the session did.
struct Line {
    session: Session,
    now: Moment,
    queue: Vec<PlayId>,
    transcript: String,
}

impl Line {
    fn new(external_id: Option<&str>) -> Self {
        let menu = parse(MENU, KnownPrompts::Any).unwrap_or_else(|faults| panic!("{faults:?}"));
        let call = CallFacts {
            ani: "+15550100".parse().unwrap(),
            dnis: "+15550199".parse().unwrap(),
            external_id: external_id.map(|id| id.parse().unwrap()),
        };
        let session = Session::new(Arc::new(menu), call);
        Self {
            session,
            now: Moment::START,
            queue: Vec::new(),
            transcript: String::new(),
        }
    }

    fn input(&mut self, input: Input) -> Vec<Action> {
        let actions = self.session.handle(self.now, input);
        let mut stopped = Vec::new();
        for action in &actions {
            match action {
                Action::Play { play, .. } => self.queue.push(*play),
                Action::Stop => stopped.append(&mut self.queue),
                _ => {}
            }
            writeln!(self.transcript, "  {}", told(action)).unwrap();
        }
        for play in stopped {
            let late = self
                .session
                .handle(self.now, Input::PlaybackFinished(play, FinishReason::Stopped));
            assert_eq!(late, [], "the end of a stopped play is no news");
        }
        actions
    }

    fn plays_end(&mut self, reason: FinishReason, count: usize) {
        let ended: Vec<PlayId> = self.queue.drain(..count.min(self.queue.len())).collect();
        for play in ended {
            self.input(Input::PlaybackStarted(play));
            self.input(Input::PlaybackFinished(play, reason));
        }
    }

    fn step(&mut self, step: &str) {
        writeln!(self.transcript, "> {step}").unwrap();
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        match word {
            "answered" => drop(self.input(Input::Answered)),
            "profile" => drop(self.input(Input::Profile(answer(rest)))),
            "press" => rest
                .chars()
                .for_each(|key| drop(self.input(Input::Digit(key.to_string().parse().unwrap())))),
            "heard" => self.plays_end(FinishReason::Completed, rest.parse().unwrap_or(usize::MAX)),
            "starts" => {
                let play = self.queue[rest.parse().unwrap_or(0)];
                self.input(Input::PlaybackStarted(play));
            }
            "cut" => self.plays_end(FinishReason::Interrupted, usize::MAX),
            "unplayable" => self.plays_end(FinishReason::Failed, rest.parse().unwrap_or(usize::MAX)),
            "wait" => self.now = self.now + Duration::from_millis(rest.parse().unwrap()),
            "tick" => drop(self.input(Input::Tick)),
            "deadline" => {
                let waited = self.session.deadline().since(self.now);
                self.now = self.session.deadline();
                writeln!(self.transcript, "  (after {} ms)", waited.as_millis()).unwrap();
                self.input(Input::Tick);
            }
            "refused" => drop(self.input(Input::CommandFailed(rest.to_owned()))),
            "reconnected" => drop(self.input(Input::Reconnected)),
            "lost" => drop(self.input(Input::Lost(rest.to_owned()))),
            "transferred" => drop(self.input(Input::Transferred)),
            "hangup" => drop(self.input(Input::HungUp(HangupCause::Caller))),
            other => panic!("no step {other}"),
        }
    }
}

fn answer(what: &str) -> ProfileAnswer {
    match what {
        "nobody" => ProfileAnswer::NotFound,
        "broken" => ProfileAnswer::Failed("503 from the CRM".into()),
        attributes => ProfileAnswer::Found(
            serde_json::from_value(
                json!({"id": "p", "externalId": "CRM-1", "dateModified": "2026-01-01T00:00:00.000Z",
                "attributes": serde_json::from_str::<serde_json::Value>(attributes).unwrap()}),
            )
            .unwrap(),
        ),
    }
}

fn told(action: &Action) -> String {
    match action {
        Action::FetchProfile(id) => format!("fetch {id}"),
        Action::Play { prompt, barge_in, .. } if barge_in.is_empty() => format!("play {prompt} to its end"),
        Action::Play { prompt, barge_in, .. } => {
            assert_eq!(*barge_in, KeySet::ALL);
            format!("play {prompt}")
        }
        Action::Stop => "stop".into(),
        Action::Transfer(target) => format!("transfer {target}"),
        Action::Hangup => "hang up".into(),
        Action::Audit(event) => format!("audit {}", serde_json::to_string(event).unwrap()),
    }
}

/// The transcript of `steps`, written one after the other with ` | ` between.
fn run(external_id: Option<&str>, steps: &str) -> String {
    let mut line = Line::new(external_id);
    steps.split(" | ").for_each(|step| line.step(step));
    line.transcript
}

/// The same, without a profile and without what happens up to the end of the greeting.
fn greeted(steps: &str) -> String {
    let mut line = Line::new(None);
    line.step("answered");
    line.step("heard");
    line.transcript.clear();
    steps.split(" | ").for_each(|step| line.step(step));
    line.transcript
}

#[test]
fn going_round_in_menus_has_an_end() {
    let mut line = Line::new(None);
    line.step("answered");
    for _ in 0..MAX_OPENINGS {
        line.step("press 4");
    }
    assert!(line.transcript.ends_with(
        "audit {\"what\":\"going_round\",\"menu\":\"billing\"}\n  stop\n  play transferring to its end\n"
    ));
    assert_eq!(line.session.path.len(), MAX_BACK);
}

#[test]
fn nothing_is_fetched_or_played_before_the_answer() {
    let mut line = Line::new(Some("CRM-1"));
    assert_eq!(line.session.deadline(), Moment::NEVER);
    for input in [
        Input::Tick,
        Input::Profile(ProfileAnswer::NotFound),
        Input::PlaybackStarted(PlayId(1)),
    ] {
        assert_eq!(line.input(input), []);
    }
}

fn any_step() -> impl Strategy<Value = String> {
    let steps = [
        "answered",
        "profile nobody",
        "profile broken",
        "profile {\"level\": \"premium\"}",
        "profile {\"level\": 1}",
        "profile {\"level\": \"strict\"}",
        "heard",
        "heard 1",
        "cut",
        "unplayable",
        "unplayable 1",
        "wait 1",
        "wait 900",
        "wait 400000",
        "tick",
        "deadline",
        "refused x",
        "reconnected",
    ];
    let keys = "[0-9*#A-D]{1,3}".prop_map(|keys| format!("press {keys}"));
    prop_oneof![4 => prop::sample::select(steps.to_vec()).prop_map(str::to_owned), 3 => keys]
}

proptest! {
    #[test]
    fn a_call_always_comes_to_an_end(
        known in any::<bool>(),
        steps in prop::collection::vec(any_step(), 0..60),
        refuses in any::<bool>(),
    ) {
        let mut line = Line::new(known.then_some("CRM-1"));
        for step in steps {
            if step != "deadline" || line.session.deadline() != Moment::NEVER {
                line.step(&step);
            }
        }
        line.step("answered");
        for _ in 0..60 {
            line.step("heard");
            let leaves = matches!(line.session.state, State::Transferring(_) | State::HangingUp);
            match leaves {
                _ if line.session.is_done() => break,
                true if refuses => line.step("refused y"),
                true => break,
                false => {
                    prop_assert_ne!(line.session.deadline(), Moment::NEVER, "silent for ever");
                    line.step("deadline");
                }
            }
        }
        let count = |what: &str| line.transcript.lines().filter(|line| line.starts_with(what)).count();
        prop_assert!(count("  transfer ") + count("  hang up") > 0, "{}", line.transcript);
        prop_assert!(count("  fetch ") <= 1);
        let again = count("> reconnected");
        prop_assert!(count("  hang up") <= 1 + again);
        prop_assert!(count("  transfer ") <= 2 + again, "{}", line.transcript);
        let operator = "  audit {\"what\":\"transferring\",\"target\":\"ext:operator\"}";
        prop_assert!(count(operator) <= 1);
    }
}
