//! When a turn is over, and what is said of it.

use super::{Action, Came, Phase, Run, UnderWay, Verdict};
use crate::{
    Moment,
    scenario::{
        expect::{Answer, Miss, captured, forbidden, misses, view_misses, wants_more},
        heard::View,
        model::Turn,
        quiet::Awaited,
    },
};
use std::time::Duration;

/// How soon a conversation that is not as expected yet is looked at again: a fifth of the time since the first look, but not sooner.
const SHORTEST_REST: Duration = Duration::from_millis(20);

impl Run {
    /// When the turn is judged, if nothing happens before.
    pub(super) fn judged_at(&self) -> Moment {
        let Some(under_way) = &self.under_way else {
            return Moment::NEVER;
        };
        let awaited = self.awaited(&under_way.turn);
        under_way.newest + self.quiet.window(awaited, self.scenario.patience)
    }

    fn awaited(&self, turn: &Turn) -> Awaited {
        let answers = self.answers();
        if answers.len() >= super::MOST_ANSWERS {
            return Awaited::Nothing;
        }
        if wants_more(turn, &answers, &self.vars) {
            return if answers.is_empty() {
                Awaited::First
            } else {
                Awaited::More
            };
        }
        match turn.count().most {
            Some(0) if answers.is_empty() => Awaited::Silence,
            _ if answers.is_empty() && turn.forbids() => Awaited::Silence,
            _ if turn.forbids() => Awaited::NoMore,
            _ => Awaited::Nothing,
        }
    }

    /// The answers to the turn that is under way, in the order of the conversation.
    pub(super) fn answers(&self) -> Vec<Answer<'_>> {
        let came = self.turns.last().into_iter().flat_map(|turn| turn.in_time());
        came.map(answer).collect()
    }

    pub(super) fn misses_so_far(&self, turn: &Turn) -> Vec<Miss> {
        misses(turn, &self.answers(), &self.vars)
    }

    /// Nothing came for long enough.
    pub(super) fn listened(&mut self, now: Moment) -> Option<Action> {
        let turn = self.current()?;
        if turn.needs_view() || self.looks {
            self.phase = Phase::Looking(now);
            return Some(Action::Look);
        }
        self.judge(now)
    }

    pub(super) fn viewed(&mut self, now: Moment, view: View) -> Option<Action> {
        let since = match self.phase {
            Phase::Looking(since) => since,
            Phase::Closing(_) => {
                self.view = Some(view);
                self.finish(now, true);
                return None;
            }
            _ => return None,
        };
        let under_way = self.under_way.as_mut()?;
        let is_as_expected = view_misses(&under_way.turn.expect.view, &view, &self.vars).is_empty();
        let last = since + self.quiet.window(Awaited::More, self.scenario.patience);
        under_way.view = Some(view.clone());
        self.view = Some(view);
        if !is_as_expected && now < last {
            let rest = ((now - since) / 5).max(SHORTEST_REST);
            self.phase = Phase::Resting {
                since,
                until: now + rest,
            };
            return None;
        }
        self.judge(now)
    }

    /// An answer came to a turn that was judged: what must not come must not come late either.
    pub(super) fn judge_again(&mut self, index: usize) {
        let Some((outcome, (_, _, turn))) = self.turns.get(index).zip(self.turn_at(index)) else {
            return;
        };
        let answers: Vec<Answer<'_>> = outcome.answers.iter().map(answer).collect();
        let missed = forbidden(turn, &answers, &self.vars);
        let Some(outcome) = self.turns.get_mut(index) else {
            return;
        };
        for miss in missed {
            outcome.verdict = Verdict::Failed;
            match outcome
                .misses
                .iter_mut()
                .find(|earlier| earlier.expected == miss.expected)
            {
                Some(earlier) => *earlier = miss,
                None => outcome.misses.push(miss),
            }
        }
    }

    pub(super) fn judge(&mut self, now: Moment) -> Option<Action> {
        let UnderWay { turn, view, .. } = self.under_way.take()?;
        let answers = self.answers();
        let is_calm = answers.len() < 2;
        let mut missed = misses(&turn, &answers, &self.vars);
        if let Some(view) = &view {
            missed.extend(view_misses(&turn.expect.view, view, &self.vars));
        }
        let (kept, not_captured) = captured(&turn, &answers, view.as_ref(), &self.vars);
        missed.extend(not_captured);
        if is_calm {
            self.quiet.was_calm();
        }
        self.vars.extend(kept);
        if let Some(outcome) = self.turns.last_mut() {
            outcome.standing = view.as_ref().map(View::standing);
            outcome.misses.extend(missed);
            if !outcome.misses.is_empty() {
                outcome.verdict = Verdict::Failed;
            }
        }
        self.next_turn(now)
    }
}

fn answer(came: &Came) -> Answer<'_> {
    Answer {
        heard: &came.heard,
        after: Duration::from_millis(came.after_ms),
    }
}
