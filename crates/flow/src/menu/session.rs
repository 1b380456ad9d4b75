//! The machine that leads one call through a menu.
//!
//! It takes what happens to the call and gives back what to do; it has no clock and no line of its own. Whatever happens,
//! it waits for something that must come: the end of a prompt, a key or its time-out, an answer of the platform. So a
//! call ends with a transfer or a hang-up and is never left in silence.

mod audit;
mod moves;
mod opening;
mod plays;
mod secrecy;
#[cfg(test)]
mod tests;

pub use audit::{AuditEvent, Because, Meaning, Outcome, ProfileOutcome};
pub use plays::MAX_TYPED_AHEAD;

use super::model::{Menu, NodeId};
use crate::{
    Moment,
    condition::{CallFacts, Facts},
};
use plays::{Key, Line, Queue, Typed};
use secrecy::Secrecy;
use std::{collections::HashSet, sync::Arc, time::Duration};
use wire::{
    Digit, KeySet,
    callcontrol::{FinishReason, HangupCause},
    ids::{ExternalId, PromptId, TransferTarget},
    profile::Profile,
};

/// How long the platform may take to say that a transfer worked or did not.
pub const TRANSFER_PATIENCE: Duration = Duration::from_secs(30);
/// How long the platform may take to end a call.
pub const HANGUP_PATIENCE: Duration = Duration::from_secs(10);
/// How long the platform may take to begin a prompt when nothing is left to be heard before it.
pub const START_PATIENCE: Duration = Duration::from_secs(10);
/// The same for a prompt that may have been lost with a connection.
pub const RECONNECTED_PATIENCE: Duration = Duration::from_secs(2);
/// How long a prompt that began may take before its end is no longer waited for.
pub const PLAY_PATIENCE: Duration = Duration::from_secs(300);
/// How often a caller may ask for the same menu without choosing anything else.
pub const MAX_REPEATS: u32 = 10;
/// How many times menus may open in one call.
pub const MAX_OPENINGS: u32 = 500;
/// How many menus a caller can go back through.
pub const MAX_BACK: usize = 32;

/// A play of this session; the driver gives it back with the play's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayId(pub u64);

/// What happens to the call.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The session has the call.
    Answered,
    /// What came of [`Action::FetchProfile`].
    Profile(ProfileAnswer),
    /// A key was released.
    Digit(Digit),
    /// The caller begins to hear a prompt.
    PlaybackStarted(PlayId),
    /// A prompt ended or will not be heard. A play that the platform refused is one that [`FinishReason::Failed`].
    PlaybackFinished(PlayId, FinishReason),
    /// The platform refused a command that is no play.
    CommandFailed(String),
    /// The connection to the platform broke and was made again: commands may have been lost. What was missed comes next.
    Reconnected,
    /// Somebody else has the call.
    Transferred,
    /// The call ended.
    HungUp(HangupCause),
    /// The connection to the platform is gone for good, and why.
    Lost(String),
    /// The [`Session::deadline`] has come.
    Tick,
}

/// What came of looking a caller up.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfileAnswer {
    /// This is the caller.
    Found(Profile),
    /// There is no profile of this caller, a normal case.
    NotFound,
    /// It could not be had, and why.
    Failed(String),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Look the caller up; at most once per call.
    FetchProfile(ExternalId),
    /// Play after what is queued already.
    Play {
        /// The name for the play's events.
        play: PlayId,
        /// What to play.
        prompt: PromptId,
        /// The keys that cut it off.
        barge_in: KeySet,
    },
    /// Stop what plays and forget what is queued.
    Stop,
    /// Hand the call on.
    Transfer(TransferTarget),
    /// End the call.
    Hangup,
    /// Note in the audit log.
    Audit(AuditEvent),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Ringing,
    AwaitingProfile,
    /// A menu is open: `shown` of its options can be chosen.
    Choosing,
    /// The caller is asked whether the option (its place in the menu) is right.
    Verifying(usize),
    /// The last prompts, then the call is let go.
    Leaving(Departure),
    Transferring(TransferTarget),
    HangingUp,
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Departure {
    Transfer(TransferTarget),
    Hangup,
}

/// One call in a menu.
#[derive(Debug)]
pub struct Session {
    menu: Arc<Menu>,
    call: CallFacts,
    facts: Facts,
    state: State,
    answered_at: Moment,
    /// A profile was asked for and nothing came of it yet.
    profile_owed: bool,
    node: NodeId,
    /// The options of `node` that this caller has, by their places.
    shown: Vec<usize>,
    /// The menus to go back to.
    path: Vec<NodeId>,
    tries: u32,
    repeats: u32,
    openings: u32,
    queue: Queue,
    typed: Typed,
    secrecy: Secrecy,
    deadline: Moment,
    /// The conditions whose failure was told.
    told: HashSet<String>,
    actions: Vec<Action>,
}

impl Session {
    /// A session for a call that is not answered yet.
    pub fn new(menu: Arc<Menu>, call: CallFacts) -> Self {
        Self {
            node: menu.general,
            menu,
            facts: Facts::unknown(&call),
            call,
            state: State::Ringing,
            answered_at: Moment::START,
            profile_owed: false,
            shown: Vec::new(),
            path: Vec::new(),
            tries: 0,
            repeats: 0,
            openings: 0,
            queue: Queue::default(),
            typed: Typed::default(),
            secrecy: Secrecy::default(),
            deadline: Moment::NEVER,
            told: HashSet::new(),
            actions: Vec::new(),
        }
    }

    /// When to send [`Input::Tick`]; [`Moment::NEVER`] when the session waits for an event only.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// Whether the session is over; it will not do anything any more.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what happened and gives back what to do, in order.
    pub fn handle(&mut self, now: Moment, input: Input) -> Vec<Action> {
        if self.is_done() {
            return Vec::new();
        }
        let ends = matches!(input, Input::HungUp(_) | Input::Transferred | Input::Lost(_));
        let is_due = if input == Input::Tick {
            now >= self.deadline
        } else {
            now > self.deadline
        };
        if is_due && !ends {
            self.expire(now);
            self.settle(now);
        }
        self.take(now, input);
        self.settle(now);
        std::mem::take(&mut self.actions)
    }

    fn take(&mut self, now: Moment, input: Input) {
        match input {
            Input::Tick => {}
            Input::Answered => self.answer(now),
            Input::Profile(answer) => self.profile(now, answer),
            Input::Digit(digit) => self.press(digit),
            Input::PlaybackStarted(play) => self.play_started(now, play),
            Input::PlaybackFinished(play, reason) => self.play_ended(now, play, reason),
            Input::CommandFailed(reason) => self.command_failed(now, reason),
            Input::Reconnected => self.reconnected(now),
            Input::Transferred => self.finish(Outcome::Transferred, None, None),
            Input::HungUp(cause) => self.finish(Outcome::HungUp, Some(cause), None),
            Input::Lost(reason) => self.finish(Outcome::Lost, None, Some(reason)),
        }
    }

    /// Does what has become possible: acts on keys typed ahead, and lets the call go after its last prompt.
    fn settle(&mut self, now: Moment) {
        loop {
            match &self.state {
                State::Choosing | State::Verifying(_) if !self.queue.is_protected() => {
                    let Some(key) = self.typed.next() else { return };
                    self.key(now, key);
                }
                State::Leaving(departure) if self.queue.is_empty() => {
                    let departure = departure.clone();
                    self.depart(now, departure);
                }
                _ => return,
            }
        }
    }

    fn press(&mut self, digit: Digit) {
        // A caller on the way out has nothing left to choose.
        if !matches!(
            self.state,
            State::Leaving(_) | State::Transferring(_) | State::HangingUp
        ) {
            let secret = self.secrecy.holds();
            self.typed.push(Key { digit, secret });
        }
    }

    fn play_started(&mut self, now: Moment, play: PlayId) {
        if let Some(skipped) = self.queue.started(play) {
            self.secrecy.heard();
            self.audit_failed(skipped);
            self.wait(now);
        }
    }

    fn play_ended(&mut self, now: Moment, play: PlayId, reason: FinishReason) {
        let Some(line) = self.queue.finished(play) else {
            return;
        };
        if reason == FinishReason::Failed {
            self.audit_failed([line]);
        }
        self.wait(now);
    }

    fn audit_failed(&mut self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            self.audit(AuditEvent::PromptFailed { prompt: line.prompt });
        }
    }

    /// Nobody knows which of the last commands arrived: ends are asked for again, plays get a little time to show.
    fn reconnected(&mut self, now: Moment) {
        self.ask_to_end();
        if self.queue.doubt() {
            self.wait(now);
        }
    }

    fn command_failed(&mut self, now: Moment, reason: String) {
        match self.state.clone() {
            State::Transferring(target) => self.refused(now, target, reason),
            State::HangingUp => {
                self.audit(AuditEvent::CommandFailed { reason });
                self.finish(Outcome::Abandoned, None, None);
            }
            _ => self.audit(AuditEvent::CommandFailed { reason }),
        }
    }

    fn expire(&mut self, now: Moment) {
        self.deadline = Moment::NEVER;
        match self.state.clone() {
            State::Ringing | State::Done => {}
            State::AwaitingProfile => self.profile_timed_out(now),
            State::Choosing | State::Verifying(_) if self.queue.is_empty() => self.silence(now),
            State::Choosing | State::Verifying(_) | State::Leaving(_) => self.give_up_plays(now),
            State::Transferring(target) => {
                let patience = TRANSFER_PATIENCE.as_secs();
                self.refused(
                    now,
                    target,
                    format!("the platform said nothing within {patience} s"),
                );
            }
            State::HangingUp => self.finish(Outcome::Abandoned, None, None),
        }
    }

    /// The prompts were lost, or the platform forgot to say that they began or ended: go on as if they had.
    fn give_up_plays(&mut self, now: Moment) {
        let lost: Vec<Line> = self.queue.clear().collect();
        self.actions.push(Action::Stop);
        self.audit_failed(lost);
        self.wait(now);
    }

    /// Sets the deadline for what the session waits for now.
    fn wait(&mut self, now: Moment) {
        let patience = match self.state {
            // However the last prompt ended, silence is measured from there: a key that cut it off may never be released.
            State::Choosing | State::Verifying(_) if self.queue.is_empty() => {
                self.menu.node(self.node).no_input_timeout
            }
            State::Choosing | State::Verifying(_) | State::Leaving(_) => self.queue.patience(),
            State::Transferring(_) => TRANSFER_PATIENCE,
            State::HangingUp => HANGUP_PATIENCE,
            State::Ringing | State::AwaitingProfile | State::Done => return,
        };
        self.deadline = now + patience;
    }

    fn finish(&mut self, outcome: Outcome, cause: Option<HangupCause>, reason: Option<String>) {
        self.state = State::Done;
        self.deadline = Moment::NEVER;
        self.audit(AuditEvent::Finished {
            outcome,
            cause,
            reason,
        });
    }

    fn audit(&mut self, event: AuditEvent) {
        self.actions.push(Action::Audit(event));
    }
}
