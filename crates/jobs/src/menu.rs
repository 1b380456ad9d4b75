//! Leads calls through a menu: passes the call's events to the menu's machine, and carries out its actions.

mod asked;
mod entries;

use crate::audit::AuditLog;
use asked::Asked;
use client::{CallControl, CallSession, LostReason, Profiles, SessionEvent};
use entries::Entries;
use flow::{
    Moment,
    menu::{
        CallFacts, Menu, Session,
        session::{Action, AuditEvent, Input, PlayId, ProfileAnswer},
    },
};
use std::sync::Arc;
use tokio::{
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, sleep_until},
};
use wire::{
    UtcTime,
    callcontrol::{AudioSource, Capability, Command, CommandFrame, Event, FinishReason, HangupCause, Play},
    ids::{CallId, CommandId, CorrelationId, ExternalId, TransferTarget},
};

/// What a menu needs of a call.
const CAPABILITIES: [Capability; 4] = [
    Capability::Play,
    Capability::Dtmf,
    Capability::Transfer,
    Capability::Hangup,
];

/// How a call left the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// It was transferred.
    Transferred(TransferTarget),
    /// It ended.
    HungUp(HangupCause),
}

/// Why a call was not led to its end.
#[derive(Debug, thiserror::Error)]
pub enum MenuError {
    /// The platform did not give the call.
    #[error("the call {call} could not be taken")]
    Connect {
        /// The call.
        call: CallId,
        /// Why.
        #[source]
        source: client::Error,
    },
    /// The connection to the platform is gone for good; the platform takes care of the caller.
    #[error("the call {call} was lost")]
    Lost {
        /// The call.
        call: CallId,
        /// Why, if the platform said so.
        #[source]
        source: Option<LostReason>,
    },
    /// The menu was through with the call, but the platform did not say that it hung up.
    #[error("the platform did not say that the call {call} ended, though it was asked to end it")]
    NotEnded {
        /// The call.
        call: CallId,
    },
}

/// Leads calls through one menu. Cheap to clone; every call runs on its own.
#[derive(Clone)]
pub struct MenuJob {
    menu: Arc<Menu>,
    calls: CallControl,
    profiles: Profiles,
    audit: Arc<dyn AuditLog>,
}

impl MenuJob {
    /// A menu on a platform.
    pub fn new(menu: Arc<Menu>, calls: CallControl, profiles: Profiles, audit: Arc<dyn AuditLog>) -> Self {
        Self {
            menu,
            calls,
            profiles,
            audit,
        }
    }

    /// Takes a call and leads it through the menu until it is transferred or over, and its audit entries are durable.
    ///
    /// All requests of the call and its audit entries carry one correlation id.
    ///
    /// The caller is looked up by the external id that the platform knows, or else by `external_id`.
    pub async fn run(&self, call: &CallId, external_id: Option<ExternalId>) -> Result<Left, MenuError> {
        let entries = Entries {
            call: call.clone(),
            correlation: CorrelationId::from_uuid(uuid::Uuid::now_v7()),
        };
        let calls = self.calls.with_correlation(entries.correlation.clone());
        let connected = calls.connect(call, CAPABILITIES).await;
        let line = connected.map_err(|source| MenuError::Connect {
            call: call.clone(),
            source,
        })?;
        let known = line.session().clone();
        let facts = CallFacts {
            ani: known.ani,
            dnis: known.dnis,
            external_id: known.external_id.or(external_id),
        };
        self.audit.record(entries.taken(now(), &facts));
        let run = Run {
            job: self,
            call,
            entries,
            machine: Session::new(self.menu.clone(), facts),
            started: Instant::now(),
            line,
            profile: None,
            asked: Asked::default(),
        };
        let left = run.lead().await;
        self.audit.settle().await;
        left
    }
}

/// A profile that was asked for; dropped, it is no longer waited for.
struct Lookup {
    answer: oneshot::Receiver<ProfileAnswer>,
    task: AbortHandle,
}

impl Drop for Lookup {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Run<'a> {
    job: &'a MenuJob,
    call: &'a CallId,
    entries: Entries,
    machine: Session,
    started: Instant,
    line: CallSession,
    profile: Option<Lookup>,
    asked: Asked,
}

impl Run<'_> {
    async fn lead(mut self) -> Result<Left, MenuError> {
        self.feed(Input::Answered).await;
        loop {
            let deadline = self.deadline();
            let input = tokio::select! {
                event = self.line.next() => match event {
                    Some(SessionEvent::Event(event)) => {
                        if let Some(left) = left_by(&event) {
                            self.finish(event).await;
                            return Ok(left);
                        }
                        self.input_of(event)
                    }
                    Some(SessionEvent::Reconnected) => Some(Input::Reconnected),
                    Some(SessionEvent::Lost(reason)) => return Err(self.lost(Some(reason)).await),
                    None => return Err(self.lost(None).await),
                },
                answer = profile_of(&mut self.profile) => Some(Input::Profile(answer)),
                () = sleep_until(deadline) => Some(Input::Tick),
            };
            if let Some(input) = input {
                self.feed(input).await;
            }
            if self.machine.is_done() {
                self.line.close().await;
                return Err(MenuError::NotEnded {
                    call: self.call.clone(),
                });
            }
        }
    }

    async fn finish(mut self, event: Event) {
        if let Some(input) = self.input_of(event) {
            self.feed(input).await;
        }
        self.line.close().await;
    }

    async fn lost(mut self, source: Option<LostReason>) -> MenuError {
        let reason = match &source {
            Some(reason) => reason.to_string(),
            None => "the connection ended without a reason".into(),
        };
        self.feed(Input::Lost(reason)).await;
        MenuError::Lost {
            call: self.call.clone(),
            source,
        }
    }

    fn now(&self) -> Moment {
        Moment::at(self.started.elapsed())
    }

    fn deadline(&self) -> Instant {
        let due = self.machine.deadline().since_start();
        // A machine that waits for nothing is looked after once a day, which keeps the sum within bounds.
        self.started + due.min(self.started.elapsed() + std::time::Duration::from_secs(86_400))
    }

    async fn feed(&mut self, input: Input) {
        for action in self.machine.handle(self.now(), input) {
            self.carry_out(action).await;
        }
    }

    async fn carry_out(&mut self, action: Action) {
        match action {
            Action::FetchProfile(external_id) => self.profile = Some(self.look_up(external_id)),
            Action::Play {
                play,
                prompt,
                barge_in,
            } => {
                let command = Command::Play(Play {
                    audio: AudioSource::Prompt(prompt),
                    barge_in,
                });
                self.send(CommandId::numbered("play", play.0), command).await;
            }
            Action::Stop => {
                let id = self.asked.stop();
                self.send(id, Command::Stop).await;
            }
            Action::Transfer(target) => {
                let id = self.asked.transfer();
                self.send(id, Command::Transfer(target)).await;
            }
            Action::Hangup => {
                let id = self.asked.hangup();
                self.send(id, Command::Hangup).await;
            }
            Action::Audit(event) => self.audit(&event),
        }
    }

    fn audit(&self, event: &AuditEvent) {
        self.job.audit.record(self.entries.of(now(), event));
    }

    /// What an event means to the machine, if anything.
    fn input_of(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::PlaybackStarted { command_id, .. } => {
                self.asked.heard_of_plays();
                play_of(command_id.as_ref()).map(Input::PlaybackStarted)
            }
            Event::PlaybackFinished {
                command_id, reason, ..
            } => {
                self.asked.heard_of_plays();
                play_of(command_id.as_ref()).map(|play| Input::PlaybackFinished(play, reason))
            }
            Event::Dtmf { digit, .. } => Some(Input::Digit(digit)),
            Event::Error {
                command_id, message, ..
            } => self.error(command_id.as_ref(), message),
            Event::Transferred { .. } => Some(Input::Transferred),
            Event::Hangup { cause, .. } => Some(Input::HungUp(cause)),
            Event::Connected { .. } | Event::Media { .. } | Event::Recorded { .. } => None,
        }
    }

    /// An error of a play or of what ends the call is for the machine; any other is only noted.
    fn error(&self, command: Option<&CommandId>, message: String) -> Option<Input> {
        if let Some(play) = play_of(command) {
            return Some(Input::PlaybackFinished(play, FinishReason::Failed));
        }
        if self.asked.is_to_end(command) {
            return Some(Input::CommandFailed(message));
        }
        self.audit(&AuditEvent::CommandFailed { reason: message });
        None
    }

    /// Looks the caller up beside the call, which goes on meanwhile.
    fn look_up(&self, external_id: ExternalId) -> Lookup {
        let profiles = self
            .job
            .profiles
            .with_correlation(self.entries.correlation.clone());
        let (reply, answer) = oneshot::channel();
        let task = tokio::spawn(async move {
            let answer = match profiles.by_external_id(&external_id).await {
                Ok(Some(profile)) => ProfileAnswer::Found(profile),
                Ok(None) => ProfileAnswer::NotFound,
                Err(error) => ProfileAnswer::Failed(error.to_string()),
            };
            let _ = reply.send(answer);
        });
        Lookup {
            answer,
            task: task.abort_handle(),
        }
    }

    async fn send(&self, command_id: CommandId, command: Command) {
        let command_id = Some(command_id);
        // A line that is over says so by its events, which come next.
        let _ = self.line.send(CommandFrame { command_id, command }).await;
    }
}

/// The time by the clock on the wall, for people.
fn now() -> UtcTime {
    jiff::Timestamp::now().into()
}

/// How the call leaves the menu with this event, if it does.
fn left_by(event: &Event) -> Option<Left> {
    match event {
        Event::Transferred { target, .. } => Some(Left::Transferred(target.clone())),
        Event::Hangup { cause, .. } => Some(Left::HungUp(*cause)),
        _ => None,
    }
}

/// The answer of the lookup, once; never without one.
async fn profile_of(lookup: &mut Option<Lookup>) -> ProfileAnswer {
    let Some(waiting) = lookup else {
        return std::future::pending().await;
    };
    let answer = (&mut waiting.answer).await;
    *lookup = None;
    answer.unwrap_or_else(|_| ProfileAnswer::Failed("the lookup broke off".into()))
}

fn play_of(command: Option<&CommandId>) -> Option<PlayId> {
    command?.as_str().strip_prefix("play-")?.parse().ok().map(PlayId)
}
