//! From turn to turn: what each one does.

use super::{Action, HEARING, Part, Phase, Run, Sent, TurnOutcome, UnderWay, Verdict, ms};
use crate::{
    Moment,
    scenario::{
        expect::{Miss, quoted},
        model::{Deed, Turn},
        template::Vars,
    },
};
use std::time::Duration;

impl Run {
    /// The turn at an index over all parts.
    pub(super) fn turn_at(&self, index: usize) -> Option<(Part, usize, &Turn)> {
        let scenario = &self.scenario;
        let parts = [
            (Part::Setup, &scenario.setup),
            (Part::Turns, &scenario.turns),
            (Part::Teardown, &scenario.teardown),
        ];
        let mut all = parts
            .into_iter()
            .flat_map(|(part, turns)| turns.iter().enumerate().map(move |(i, turn)| (part, i + 1, turn)));
        all.nth(index)
    }

    pub(super) fn next_turn(&mut self, now: Moment) -> Option<Action> {
        loop {
            let Some((part, number, turn)) = self.turn_at(self.next) else {
                return Some(self.end(now));
            };
            let turn = turn.clone();
            self.next += 1;
            let is_left_out = part != Part::Teardown && self.is_pointless(part);
            let verdict = match is_left_out {
                true => Verdict::Skipped,
                false => Verdict::Passed,
            };
            self.put_down(part, number, &turn, verdict);
            if is_left_out {
                continue;
            }
            let deed = turn.deed.clone();
            self.under_way = Some(UnderWay::begin(now, turn));
            if let Some(action) = self.begin(now, &deed) {
                return Some(action);
            }
            // It only listens, or failed already.
            if self.phase == Phase::Listening {
                return None;
            }
        }
    }

    /// Where something must not come, what came after the last look is read before the conversation is closed.
    fn end(&mut self, now: Moment) -> Action {
        let scenario = &self.scenario;
        let mut turns = scenario
            .setup
            .iter()
            .chain(&scenario.turns)
            .chain(&scenario.teardown);
        if self.broken.is_some() || !turns.any(Turn::forbids) {
            return self.close(now);
        }
        self.phase = Phase::Hearing(now + HEARING);
        Action::Hear
    }

    /// Whether there is no use in further turns of the part.
    fn is_pointless(&self, part: Part) -> bool {
        let has_failed = |part| {
            let mut of_part = self.turns.iter().filter(|turn| turn.part == part);
            of_part.any(|turn| turn.verdict == Verdict::Failed)
        };
        let stops = self.scenario.stops_at_failure && has_failed(part);
        stops || self.broken.is_some() || (part == Part::Turns && has_failed(Part::Setup))
    }

    fn begin(&mut self, now: Moment, deed: &Deed) -> Option<Action> {
        match deed {
            Deed::Say(text) => {
                let text = text.fill(&self.vars);
                let mut texts = self.perturber.sentences(&text, self.next).into_iter();
                let first = texts.next()?;
                self.phase = Phase::Posting(texts.collect());
                Some(self.post(now, first))
            }
            Deed::Press(label) => {
                let label = label.fill(&self.vars);
                match self.button(&label) {
                    Ok(value) => {
                        self.phase = Phase::Posting(Vec::new());
                        Some(self.post(now, value))
                    }
                    Err(got) => {
                        self.phase = Phase::Looking(now);
                        self.miss(Miss::new(format!("a button \"{label}\" to press"), got));
                        None
                    }
                }
            }
            Deed::Wait(duration) => {
                self.phase = Phase::Doing(*duration);
                Some(Action::Advance(*duration))
            }
            Deed::SetContext(fields) => {
                self.phase = Phase::Doing(Duration::ZERO);
                Some(Action::SetContext(fields.filled(&self.vars)))
            }
            Deed::Close(state) => {
                self.phase = Phase::Doing(Duration::ZERO);
                Some(Action::SetState(*state))
            }
            Deed::Listen => {
                self.phase = Phase::Listening;
                None
            }
        }
    }

    pub(super) fn post(&mut self, now: Moment, text: String) -> Action {
        let at_ms = ms(now - self.began);
        self.messages.post(self.turns.len(), now);
        if let Some(turn) = self.turns.last_mut() {
            turn.sent.push(Sent {
                at_ms,
                text: text.clone(),
            });
        }
        Action::Post(text)
    }

    /// Turns that are not reached any more.
    pub(super) fn leave_out_the_rest(&mut self) {
        while let Some((part, number, turn)) = self.turn_at(self.next) {
            let turn = turn.clone();
            self.put_down(part, number, &turn, Verdict::Skipped);
            self.next += 1;
        }
    }

    /// A turn has its place among the outcomes.
    fn put_down(&mut self, part: Part, number: usize, turn: &Turn, verdict: Verdict) {
        self.turns.push(TurnOutcome {
            part,
            number,
            line: turn.line,
            deed: deed(&turn.deed, &self.vars),
            sent: Vec::new(),
            answers: Vec::new(),
            verdict,
            misses: Vec::new(),
            notes: Vec::new(),
            response_ms: None,
            standing: None,
        });
    }
}

/// What a turn does, for people.
fn deed(deed: &Deed, vars: &Vars) -> String {
    match deed {
        Deed::Say(text) => format!("say {}", quoted(&text.fill(vars))),
        Deed::Press(label) => format!("press {}", quoted(&label.fill(vars))),
        Deed::Wait(duration) => format!("wait {}", for_people(*duration)),
        Deed::SetContext(fields) => {
            format!("set the context's {}", fields.names().join(", "))
        }
        Deed::Close(state) => format!("make the conversation {state}"),
        Deed::Listen => "listen".into(),
    }
}

/// `1h 30m`, `10m`, `45s`, `250ms`.
fn for_people(duration: Duration) -> String {
    let ms = duration.as_millis();
    let parts = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let mut rest = ms;
    let mut said = Vec::new();
    for (size, unit) in parts {
        if rest >= size {
            said.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if said.is_empty() {
        "0s".into()
    } else {
        said.join(" ")
    }
}
