//! A scenario made of a live talk: what the customer said, and what the bot answered to it.

use flow::scenario::{
    AnswerCheck, Deed, Expectations, Group, Heard, How, RunReport, Scenario, Template, TextCheck, Turn,
    to_yaml,
};
use std::time::Duration;
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
        let Some(turn) = self.scenario.turns.last_mut() else {
            return;
        };
        let labels = heard
            .buttons
            .iter()
            .map(|button| Template::plain(button.label.as_str()));
        turn.expect.groups.push(Group {
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
        if turn.expect.intent.is_none() {
            turn.expect.intent = heard.intent.as_deref().map(Template::plain);
        }
    }

    /// What the conversation was in the end is expected, too.
    pub fn ended(&mut self, resolved: bool, escalated: bool) {
        if let Some(turn) = self.scenario.turns.last_mut() {
            turn.expect.view.resolved = resolved.then_some(true);
            turn.expect.view.escalated = escalated.then_some(true);
        }
    }

    /// A run as it went.
    pub fn of(name: &str, report: &RunReport) -> Self {
        let mut recording = Self::new(name, None);
        report
            .opening
            .iter()
            .for_each(|came| recording.heard(&came.heard));
        for turn in &report.turns {
            turn.sent.iter().for_each(|sent| recording.said(&sent.text, None));
            turn.answers.iter().for_each(|came| recording.heard(&came.heard));
        }
        recording.ended(report.resolved, report.escalated);
        recording
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
        recording.said("where is {it}?", None);
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
        insta::assert_snapshot!(recording.to_yaml(), @"");
        assert_eq!(parse(&recording.to_yaml()).unwrap()[0].turns.len(), 4);
    }
}
