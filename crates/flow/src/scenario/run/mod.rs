//! One run of a scenario, as a machine: it is told what happened, and says what to do next.
//!
//! One command is under way at a time; answers of the bot may come at any moment.

mod judging;
mod outcome;
mod placing;
mod port;
#[cfg(test)]
mod tests;
mod walking;

pub use outcome::{Break, Came, Part, RunReport, Sent, TurnOutcome, Verdict};
pub use port::{Action, Input, Refusal, RefusalKind};

use super::{
    expect::{Miss, MissKind},
    heard::View,
    model::{Scenario, Turn},
    perturb::Perturber,
    quiet::Quiet,
    template::Vars,
};
use crate::Moment;
use placing::Messages;
use std::{mem, sync::Arc, time::Duration};

/// How long closing the conversation may take.
pub const CLOSING: Duration = Duration::from_secs(60);
/// How long a conversation that is being made when the run is to end is let come, so that it can be closed.
pub const MAKING: Duration = Duration::from_secs(40);
/// How long reading what came last may take.
const HEARING: Duration = Duration::from_secs(5);
/// Most answers of a turn that are listened to.
const MOST_ANSWERS: usize = 200;
/// Most things of one run that are noted beside its turns.
const MOST_NOTES: usize = 50;

/// The turn that is under way; what comes of it is the last of the run's outcomes.
#[derive(Debug)]
struct UnderWay {
    turn: Turn,
    began: Moment,
    /// When something happened in it.
    newest: Moment,
    /// The conversation, if it was looked at.
    view: Option<View>,
}

impl UnderWay {
    fn begin(now: Moment, turn: Turn) -> Self {
        Self {
            turn,
            began: now,
            newest: now,
            view: None,
        }
    }

    fn happened(&mut self, at: Moment) {
        self.newest = self.newest.max(at);
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    New,
    Creating,
    /// The same, but it is closed as soon as it is there, or will not come any more.
    Ending(Moment),
    /// A message is under way; those that follow it at once.
    Posting(Vec<String>),
    /// Something else is under way; for how long the clock may stand still meanwhile.
    Doing(Duration),
    /// Listening to what comes.
    Listening,
    /// The conversation is looked at; since when it is waited for it to become as expected.
    Looking(Moment),
    /// It is not as expected yet, and is looked at again.
    Resting {
        since: Moment,
        until: Moment,
    },
    /// All turns are over; what came since is read once more.
    Hearing(Moment),
    Closing(Moment),
    Over,
}

/// A run of a scenario.
///
/// ```
/// use flow::{Moment, scenario::{self, Action, Heard, Input, Run, Verdict}};
/// use std::{sync::Arc, time::Duration};
///
/// let scenario = scenario::parse("{name: Greeting, turns: [{say: hello, expect: welcome}]}").unwrap().remove(0);
/// let mut run = Run::new(Arc::new(scenario), scenario::Perturber::none());
/// let at = |ms| Moment::at(Duration::from_millis(ms));
///
/// assert_eq!(run.handle(at(0), Input::Start), [Action::Create]);
/// assert_eq!(run.handle(at(1), Input::Created), [Action::Post("hello".into())]);
/// run.handle(at(2), Input::Posted { id: "m-1".into(), sequence: 1, held_up: Duration::ZERO });
/// let answer = Heard { id: "m-2".into(), sequence: 2, in_reply_to: Some("m-1".into()), text: "You are welcome".into(), ..Heard::default() };
/// run.handle(at(50), Input::Heard(answer));
/// // All that is expected has come: a short time is left for what must not come.
/// let deadline = run.deadline();
/// assert_eq!(deadline, at(300));
/// assert_eq!(run.handle(deadline, Input::Tick), [Action::Close]);
/// run.handle(deadline, Input::Done);
/// assert_eq!(run.report().unwrap().verdict, Verdict::Passed);
/// ```
#[derive(Debug)]
pub struct Run {
    scenario: Arc<Scenario>,
    perturber: Perturber,
    vars: Vars,
    phase: Phase,
    /// Whether the conversation is looked at after every turn.
    looks: bool,
    /// Which turn is next, over all parts.
    next: usize,
    began: Moment,
    under_way: Option<UnderWay>,
    /// Time that does not count: the customer did nothing.
    excused: Duration,
    messages: Messages,
    quiet: Quiet,
    /// The conversation as it was seen last.
    view: Option<View>,
    turns: Vec<TurnOutcome>,
    opening: Vec<Came>,
    broken: Option<(Break, String)>,
    notes: Vec<String>,
    first_answer: Option<Duration>,
    report: Option<RunReport>,
}

impl Run {
    /// A run that has not begun.
    pub fn new(scenario: Arc<Scenario>, perturber: Perturber) -> Self {
        Self {
            vars: scenario.vars.clone(),
            scenario,
            perturber,
            phase: Phase::New,
            looks: false,
            next: 0,
            began: Moment::START,
            under_way: None,
            excused: Duration::ZERO,
            messages: Messages::default(),
            quiet: Quiet::default(),
            view: None,
            turns: Vec::new(),
            opening: Vec::new(),
            broken: None,
            notes: Vec::new(),
            first_answer: None,
            report: None,
        }
    }

    /// The same; after every turn it looks at the conversation, so that each outcome has its standing.
    pub fn looking(self) -> Self {
        Self { looks: true, ..self }
    }

    /// What came of it, once it is over.
    pub fn report(&self) -> Option<&RunReport> {
        self.report.as_ref()
    }

    /// The turns so far; the last one may be under way.
    pub fn turns(&self) -> &[TurnOutcome] {
        &self.turns
    }

    /// The turns that were judged, or are left out. What comes late is added to them, and may fail them.
    pub fn judged(&self) -> &[TurnOutcome] {
        let under_way = usize::from(self.under_way.is_some());
        let judged = self.turns.len().saturating_sub(under_way);
        self.turns.get(..judged).unwrap_or_default()
    }

    /// The variables as they are now.
    pub fn vars(&self) -> &Vars {
        &self.vars
    }

    /// Takes what happened, and says what to do.
    pub fn handle(&mut self, now: Moment, input: Input) -> Vec<Action> {
        let action = match input {
            Input::Start => self.start(now),
            Input::Created => self.created(now),
            Input::Posted {
                id,
                sequence,
                held_up,
            } => self.posted(now, id, sequence, held_up),
            Input::Done => self.done(now),
            Input::Viewed(view) => self.viewed(now, view),
            Input::Refused(refusal) => self.refused(now, refusal),
            Input::Heard(heard) => {
                self.heard(now, heard);
                None
            }
            Input::Garbage(text) => {
                self.garbage(now, &text);
                None
            }
            Input::Stop(by, reason) => self.stop(now, by, reason),
            Input::Tick => None,
        };
        action
            .or_else(|| self.look_at_the_time(now))
            .into_iter()
            .collect()
    }

    /// When [`Input::Tick`] is due.
    pub fn deadline(&self) -> Moment {
        match self.phase {
            Phase::New | Phase::Over => Moment::NEVER,
            Phase::Creating | Phase::Posting(_) | Phase::Looking(_) => self.last_moment(),
            Phase::Doing(pause) => self.last_moment() + pause,
            Phase::Listening => self.judged_at().min(self.last_moment()),
            Phase::Resting { until, .. } => until.min(self.last_moment()),
            Phase::Ending(until) | Phase::Hearing(until) | Phase::Closing(until) => until,
        }
    }

    fn last_moment(&self) -> Moment {
        self.began + self.scenario.deadline.saturating_add(self.excused)
    }

    fn look_at_the_time(&mut self, now: Moment) -> Option<Action> {
        if now < self.deadline() {
            return None;
        }
        match self.phase {
            Phase::Ending(_) | Phase::Hearing(_) => return Some(self.close(now)),
            Phase::Closing(_) => {
                self.finish(now, false);
                return None;
            }
            _ => {}
        }
        let late = match self.phase {
            Phase::Doing(pause) => self.last_moment() + pause,
            _ => self.last_moment(),
        };
        if now >= late {
            let seconds = self.scenario.deadline.as_secs_f64();
            return self.stop(now, Break::Late, format!("the deadline of {seconds} s passed"));
        }
        match self.phase {
            Phase::Listening => self.listened(now),
            Phase::Resting { since, .. } => {
                self.phase = Phase::Looking(since);
                Some(Action::Look)
            }
            _ => None,
        }
    }

    fn start(&mut self, now: Moment) -> Option<Action> {
        if self.phase != Phase::New {
            return None;
        }
        self.began = now;
        self.phase = Phase::Creating;
        Some(Action::Create)
    }

    fn created(&mut self, now: Moment) -> Option<Action> {
        match self.phase {
            Phase::Creating => self.next_turn(now),
            Phase::Ending(_) => Some(self.close(now)),
            _ => None,
        }
    }

    fn posted(&mut self, now: Moment, id: String, sequence: u64, held_up: Duration) -> Option<Action> {
        let Phase::Posting(rest) = &mut self.phase else {
            return None;
        };
        let next = (!rest.is_empty()).then(|| rest.remove(0));
        let sent = self.messages.posted(id, sequence, held_up);
        let at_ms = sent.map(|sent| ms(sent - self.began));
        let said = self.turns.last_mut().and_then(|turn| turn.sent.last_mut());
        if let Some((said, at_ms)) = said.zip(at_ms) {
            said.at_ms = at_ms;
        }
        self.happened(now);
        for (at, heard) in self.messages.release() {
            self.settle(at, heard);
        }
        if let Some(text) = next {
            return Some(self.post(now, text));
        }
        self.phase = Phase::Listening;
        None
    }

    fn done(&mut self, now: Moment) -> Option<Action> {
        match self.phase {
            Phase::Doing(pause) => {
                if pause > Duration::ZERO {
                    self.excused = self.excused.saturating_add(now - self.turn_began());
                }
                self.happened(now);
                self.phase = Phase::Listening;
                None
            }
            Phase::Hearing(_) => Some(self.close(now)),
            Phase::Closing(_) => {
                self.finish(now, true);
                None
            }
            _ => None,
        }
    }

    fn refused(&mut self, now: Moment, Refusal { kind, reason }: Refusal) -> Option<Action> {
        match mem::replace(&mut self.phase, Phase::Over) {
            Phase::Creating | Phase::Ending(_) => {
                let reason = format!("the conversation can't be made: {reason}");
                self.broken.get_or_insert((Break::NotMade, reason));
                self.leave_out_the_rest();
                if kind == RefusalKind::Unsure {
                    return Some(self.close(now));
                }
                self.finish(now, true);
                None
            }
            // Nothing of the turn hangs on how it stands.
            Phase::Looking(_) if self.current().is_some_and(|turn| !turn.needs_view()) => {
                self.note_in_turn(format!("how the conversation stands can't be seen: {reason}"));
                self.judge(now)
            }
            Phase::Posting(_) | Phase::Doing(_) | Phase::Looking(_) => {
                let is_message = self.current().is_some_and(|turn| turn.deed.is_message());
                let expected = if is_message {
                    "the message to be taken"
                } else {
                    "this to be done"
                };
                self.messages.not_posted();
                let missed = match kind {
                    RefusalKind::Over => MissKind::Over,
                    RefusalKind::NotDone | RefusalKind::Unsure => MissKind::Refused,
                };
                self.miss(Miss::of(missed, expected, reason.clone()));
                self.broken.get_or_insert((Break::Refused, reason));
                self.next_turn(now)
            }
            Phase::Hearing(_) => {
                self.note(format!("what came last can't be read: {reason}"));
                Some(self.close(now))
            }
            Phase::Closing(_) => {
                self.note(format!("the conversation can't be closed: {reason}"));
                self.finish(now, false);
                None
            }
            other => {
                self.phase = other;
                None
            }
        }
    }

    fn stop(&mut self, now: Moment, by: Break, reason: String) -> Option<Action> {
        match self.phase {
            Phase::Over | Phase::Ending(_) | Phase::Closing(_) => None,
            // All turns are over already.
            Phase::Hearing(_) => Some(self.close(now)),
            Phase::Creating => {
                self.broken = Some((by, reason));
                self.leave_out_the_rest();
                self.phase = Phase::Ending(now + MAKING);
                None
            }
            Phase::New => {
                self.broken = Some((by, reason));
                self.finish(now, true);
                None
            }
            _ => {
                if let Some(turn) = self.current().cloned() {
                    for miss in self.misses_so_far(&turn) {
                        self.miss(miss);
                    }
                    let expected = "the turn to come to its end";
                    self.miss(Miss::of(MissKind::BrokenOff, expected, reason.clone()));
                }
                self.broken = Some((by, reason));
                self.leave_out_the_rest();
                Some(self.close(now))
            }
        }
    }

    fn close(&mut self, now: Moment) -> Action {
        self.under_way = None;
        self.phase = Phase::Closing(now + CLOSING);
        Action::Close
    }

    fn finish(&mut self, now: Moment, is_closed: bool) {
        self.phase = Phase::Over;
        let has_failed =
            self.broken.is_some() || self.turns.iter().any(|turn| turn.verdict == Verdict::Failed);
        self.report = Some(RunReport {
            verdict: if has_failed {
                Verdict::Failed
            } else {
                Verdict::Passed
            },
            turns: self.turns.clone(),
            opening: self.opening.clone(),
            broken: self.broken.as_ref().map(|(_, reason)| reason.clone()),
            broken_by: self.broken.as_ref().map(|(by, _)| *by),
            notes: self.notes.clone(),
            first_answer_ms: self.first_answer.map(ms),
            took_ms: ms(now - self.began),
            resolved: self.view.as_ref().is_some_and(|view| view.resolved),
            escalated: self.view.as_ref().is_some_and(|view| view.escalated),
            is_closed,
        });
    }

    /// The turn that is under way.
    fn current(&self) -> Option<&Turn> {
        self.under_way.as_ref().map(|under_way| &under_way.turn)
    }

    fn turn_began(&self) -> Moment {
        self.under_way
            .as_ref()
            .map_or(self.began, |under_way| under_way.began)
    }

    /// Something happened in the turn that is under way.
    fn happened(&mut self, at: Moment) {
        self.under_way
            .iter_mut()
            .for_each(|under_way| under_way.happened(at));
    }

    fn miss(&mut self, miss: Miss) {
        if let Some(turn) = self.turns.last_mut() {
            turn.verdict = Verdict::Failed;
            turn.misses.push(miss);
        }
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(text);
        }
    }
}

pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
