//! A scenario made of what was said: in a live talk, or in a run of another scenario.

use super::RunOutcome;
use flow::scenario::{
    AnswerCheck, Count, Deed, Expectations, Group, Heard, How, Part, Scenario, Template, TextCheck, Turn,
    TurnOutcome, Verdict, to_yaml,
};
use std::{mem, time::Duration};
use wire::conversation::State;

/// Shorter pauses between messages are nobody's intention.
const SHORTEST_WAIT: Duration = Duration::from_secs(60);

/// What was said so far.
#[derive(Debug, Clone)]
pub struct Recording {
    scenario: Scenario,
}

impl Recording {
    /// Nothing was said yet.
    pub fn new(name: impl Into<String>, bot: Option<String>) -> Self {
        let mut scenario = Scenario::new(name, Vec::new());
        scenario.bot = bot;
        Self { scenario }
    }

    /// What the bot chose its words by: in another conversation it would choose others.
    pub fn seeded(&mut self, seed: u64) {
        self.scenario.seed = seed;
    }

    /// The customer says something; as a button's label when one was pressed.
    pub fn said(&mut self, text: &str, pressed: Option<&str>) {
        let deed = match pressed {
            Some(label) => Deed::Press(Template::plain(label)),
            None => Deed::Say(Template::plain(text)),
        };
        self.turn(deed);
    }

    /// The customer let time pass.
    pub fn waited(&mut self, time: Duration) {
        if time >= SHORTEST_WAIT {
            self.turn(Deed::Wait(Duration::from_secs(time.as_secs())));
        }
    }

    /// The customer closed the conversation.
    pub fn closed(&mut self) {
        self.turn(Deed::Close(State::Closed));
    }

    /// The bot said something: from now on that is expected.
    pub fn heard(&mut self, heard: &Heard) {
        if self.scenario.turns.is_empty() {
            self.turn(Deed::Listen);
        }
        if let Some(turn) = self.scenario.turns.last_mut() {
            expect(&mut turn.expect, heard);
        }
    }

    /// What the conversation was in the end is expected, too.
    pub fn ended(&mut self, resolved: bool, escalated: bool) {
        for turn in &mut self.scenario.turns {
            expect_silence(turn);
        }
        if let Some(turn) = self.scenario.turns.last_mut() {
            expect_end(&mut turn.expect, resolved, escalated);
        }
    }

    /// A scenario as it went: its turns, with what the bot answered as what is expected. What a turn keeps for later stays, and so does
    /// how the conversation had to stand where it did. Turns that were not reached are as they were.
    pub fn of(scenario: &Scenario, run: &RunOutcome) -> Self {
        let report = &run.report;
        let mut scenario = Scenario {
            seed: run.seed,
            ..scenario.clone()
        };
        let reached = report
            .turns
            .iter()
            .filter(|turn| turn.verdict != Verdict::Skipped);
        for outcome in reached {
            let turns = match outcome.part {
                Part::Setup => &mut scenario.setup,
                Part::Turns => &mut scenario.turns,
                Part::Teardown => &mut scenario.teardown,
            };
            let turn = outcome
                .number
                .checked_sub(1)
                .and_then(|index| turns.get_mut(index));
            turn.into_iter().for_each(|turn| replace(turn, outcome));
        }
        let is_whole = report.broken.is_none();
        let last = scenario.turns.iter_mut().chain(&mut scenario.teardown).last();
        if let Some(turn) = last.filter(|_| is_whole) {
            expect_end(&mut turn.expect, report.resolved, report.escalated);
        }
        Self { scenario }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.scenario.turns.is_empty()
    }

    /// The scenario as a file.
    pub fn to_yaml(&self) -> String {
        to_yaml(&self.scenario)
    }

    fn turn(&mut self, deed: Deed) {
        self.scenario.turns.push(Turn {
            line: 1,
            deed,
            expect: Expectations::default(),
        });
    }
}

/// What came of a turn is what is expected of it.
fn replace(turn: &mut Turn, outcome: &TurnOutcome) {
    let before = mem::take(&mut turn.expect);
    turn.expect.captures = before.captures;
    if outcome.verdict == Verdict::Passed {
        turn.expect.view = before.view;
    }
    // Those that came late, too: next time they are waited for.
    let mut answers: Vec<&Heard> = outcome.answers.iter().map(|came| &came.heard).collect();
    answers.sort_by_key(|heard| heard.sequence);
    for heard in answers {
        expect(&mut turn.expect, heard);
    }
    expect_silence(turn);
}

fn expect(expect: &mut Expectations, heard: &Heard) {
    let labels = heard
        .buttons
        .iter()
        .map(|button| Template::plain(button.label.as_str()));
    expect.groups.push(Group {
        checks: vec![AnswerCheck {
            texts: vec![TextCheck {
                how: How::Equals(Template::plain(heard.text.as_str())),
                is_negated: false,
                ignores_case: false,
            }],
            buttons: (!heard.buttons.is_empty()).then(|| labels.collect()),
            within: None,
        }],
    });
    if expect.intent.is_none() {
        expect.intent = heard.intent.as_deref().map(Template::plain);
    }
}

/// A message that was not answered must not be.
fn expect_silence(turn: &mut Turn) {
    if turn.deed.is_message() && turn.expect.groups.is_empty() {
        turn.expect.answers = Some(Count {
            least: 0,
            most: Some(0),
        });
    }
}

fn expect_end(expect: &mut Expectations, resolved: bool, escalated: bool) {
    let view = &mut expect.view;
    view.resolved = view.resolved.or(resolved.then_some(true));
    view.escalated = view.escalated.or(escalated.then_some(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow::scenario::{Button, parse};

    #[test]
    fn a_recorded_talk_is_a_scenario_that_can_be_run() {
        let mut recording = Recording::new("A talk", Some("bot-1".into()));
        let heard = |text: &str, intent: Option<&str>| Heard {
            text: text.into(),
            intent: intent.map(String::from),
            ..Heard::default()
        };
        recording.heard(&heard("Hello!", None));
        recording.said("where is {{it}}?", None);
        recording.heard(&Heard {
            buttons: vec![Button {
                label: "Yes".into(),
                value: "y".into(),
            }],
            ..heard("Is it A-1: \"large\"?", Some("track_order"))
        });
        recording.waited(Duration::from_secs(3));
        recording.waited(Duration::from_secs(600));
        recording.said("y", Some("Yes"));
        recording.ended(true, false);
        insta::assert_snapshot!(recording.to_yaml(), @r#"
        name: A talk
        bot: bot-1
        turns:
          - expect: { equals: "Hello!" }
          - say: "where is \\{{it}}?"
            expect:
              - { buttons: ["Yes"], equals: "Is it A-1: \"large\"?" }
              - { intent: track_order }
          - wait: 10m
          - press: "Yes"
            expect:
              - { answers: 0 }
              - { resolved: true }
        "#);
        assert_eq!(parse(&recording.to_yaml()).unwrap()[0].turns.len(), 4);
    }
}
