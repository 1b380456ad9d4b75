//! The switch: one thread that owns every call and sends each its frame every 20 ms.
//!
//! Whoever wants something of a call sends the thread a message; nothing of a call is shared, so there is nothing to lock.

mod ended;
mod lines;
mod pacing;
mod recorder;
mod tape;
#[cfg(test)]
mod tests;
mod timeline;

pub use pacing::Pacing;

use crate::{
    clock::Clock,
    completions::Turns,
    keeping::{Foreseen, Placed, Update},
};
use flow::{
    Moment,
    call::{
        Announcements, Controller, ControllerId, Facts, Inset, Left, NotInset, SensitivePrompts,
        caller::Caller,
        leg::{PlayId, Sound},
    },
};
use lines::{House, Lines};
use recorder::{Closed, Recorder};
use serde::Serialize;
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};
use wire::{
    callcontrol::{CommandFrame, Event, HangupCause},
    calls::CallRecord,
    ids::{CallId, ClientId, FlowId},
};

/// Most messages that wait for the thread.
const QUEUE: usize = 16_384;
/// Frames are sent in slots of this length, so that one wake-up serves many calls.
const SLOT: Duration = Duration::from_millis(1);

/// What the switch tells a controller's connection.
#[derive(Debug)]
pub(crate) enum ToController {
    /// Pass this on.
    Event(Event),
    /// Close; with a reason it is an error.
    Release(Option<String>),
}

/// A call to be placed.
pub(crate) struct Placement {
    pub(crate) facts: Facts,
    pub(crate) caller: Caller,
    pub(crate) record: bool,
    pub(crate) placed: Placed,
    pub(crate) foreseen: Foreseen,
    /// The client because of whose hello it rings: a call of the same id that has nothing more to give it then ends.
    pub(crate) on_demand_for: Option<ClientId>,
    /// Whose nodes it plays.
    pub(crate) flow: Option<FlowId>,
}

/// Why a call was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("a call with the id {0:?} is under way")]
    Live(CallId),
    #[error("the center takes no more calls")]
    Full,
}

/// The switch takes no more requests for now, or is closed.
#[derive(Debug, thiserror::Error)]
#[error("the switch is overloaded")]
pub(crate) struct Overloaded;

/// Why a controller did not get a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    #[error("there is no call {0:?}")]
    Unknown(CallId),
    #[error("{0}")]
    Refused(String),
    #[error("the center is overloaded")]
    Busy,
}

/// Calls and punctuality.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) live_calls: usize,
    pub(crate) pacing: Pacing,
    pub(crate) live: Vec<CallRecord>,
    /// Calls that are over, and whose end is not in the store yet.
    pub(crate) unkept_calls: usize,
}

enum Message {
    Place(Box<Placement>, oneshot::Sender<Result<CallRecord, PlaceError>>),
    Attach {
        call: CallId,
        controller: Controller,
        link: mpsc::Sender<ToController>,
        reply: oneshot::Sender<Result<Option<FlowId>, AttachError>>,
    },
    Detach {
        call: CallId,
        id: ControllerId,
        since: Moment,
        left: Left,
    },
    Command {
        call: CallId,
        from: ControllerId,
        frame: CommandFrame,
        sound: Sound,
        started: Option<oneshot::Sender<(u64, PlayId)>>,
    },
    Loaded {
        call: CallId,
        serial: u64,
        play: PlayId,
        sound: Sound,
    },
    End {
        call: CallId,
        cause: HangupCause,
        reply: oneshot::Sender<bool>,
    },
    Insert {
        call: CallId,
        inset: Box<dyn Inset>,
        reply: oneshot::Sender<Result<(), NotInset>>,
    },
    Record(CallId, oneshot::Sender<Option<CallRecord>>),
    AwaitEnd(CallId, oneshot::Sender<CallRecord>),
    Status(oneshot::Sender<Status>),
    Recorded {
        call: CallId,
        serial: u64,
        closed: Closed,
    },
    /// The ends of these lines are in the store.
    Kept(Vec<u64>),
    Close(HangupCause),
    /// Ends that are not in the store by now are not waited for.
    GiveUp,
}

/// How long the ends of calls may take to get into the store when the center closes; the next start finds the others.
const KEEPING_PATIENCE: Duration = Duration::from_secs(10);

/// The way to the thread.
pub(crate) struct Switch {
    messages: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<bool>>>,
}

impl Switch {
    /// Starts the thread. Recordings go to `recordings`.
    pub(crate) fn start(
        clock: Clock,
        recordings: PathBuf,
        announcements: Announcements,
        sensitive: SensitivePrompts,
        turns: Arc<Turns>,
        keeper: mpsc::Sender<Update>,
    ) -> io::Result<Self> {
        let (messages, inbox) = sync_channel(QUEUE);
        let house = House {
            recordings,
            announcements,
            sensitive,
            turns,
        };
        let lines = Lines::new(Recorder::start()?, house, keeper, messages.clone());
        let thread = thread::Builder::new()
            .name("switch".into())
            .spawn(move || run(clock, &inbox, lines))?;
        Ok(Self {
            messages,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// A test caller rings.
    pub(crate) async fn place(&self, placement: Placement) -> Result<CallRecord, PlaceError> {
        let placed = self.ask(|reply| Message::Place(Box::new(placement), reply)).await;
        placed.unwrap_or(Err(PlaceError::Full))
    }

    /// A controller asks for a call; what the call has to say comes over `link`. Gives the call's flow.
    pub(crate) async fn attach(
        &self,
        call: CallId,
        controller: Controller,
        link: mpsc::Sender<ToController>,
    ) -> Result<Option<FlowId>, AttachError> {
        let attached = self
            .ask(|reply| Message::Attach {
                call,
                controller,
                link,
                reply,
            })
            .await;
        attached.unwrap_or(Err(AttachError::Busy))
    }

    /// A controller's connection is gone; it was last heard of at `since`.
    pub(crate) fn detach(&self, call: CallId, id: ControllerId, since: Moment, left: Left) {
        // If this were lost, the call would hang on a controller that is not there.
        deliver(
            &self.messages,
            Message::Detach {
                call,
                id,
                since,
                left,
            },
        );
    }

    /// A controller's command. `started` learns the play's number. `false` when the switch is overloaded.
    pub(crate) fn command(
        &self,
        call: CallId,
        from: ControllerId,
        frame: CommandFrame,
        sound: Sound,
        started: Option<oneshot::Sender<(u64, PlayId)>>,
    ) -> bool {
        self.messages
            .try_send(Message::Command {
                call,
                from,
                frame,
                sound,
                started,
            })
            .is_ok()
    }

    /// The sound of a play has come.
    pub(crate) fn loaded(&self, call: CallId, (serial, play): (u64, PlayId), sound: Sound) {
        // If this were lost, the call's queue would wait for ever.
        deliver(
            &self.messages,
            Message::Loaded {
                call,
                serial,
                play,
                sound,
            },
        );
    }

    /// Ends a call. `false` when there is none.
    pub(crate) async fn end(&self, call: CallId, cause: HangupCause) -> bool {
        self.ask(|reply| Message::End { call, cause, reply })
            .await
            .unwrap_or(false)
    }

    /// Something is to be heard in a call in the place of its own prompts.
    pub(crate) async fn insert(
        &self,
        call: CallId,
        inset: Box<dyn Inset>,
    ) -> Result<Result<(), NotInset>, Overloaded> {
        self.ask(|reply| Message::Insert { call, inset, reply })
            .await
            .ok_or(Overloaded)
    }

    /// A call that is live, or not in the store yet.
    pub(crate) async fn record(&self, call: CallId) -> Result<Option<CallRecord>, Overloaded> {
        self.ask(|reply| Message::Record(call, reply))
            .await
            .ok_or(Overloaded)
    }

    /// Waits until the call is over and in the store. `None` at once if it is not live.
    pub(crate) async fn ended(&self, call: CallId) -> Option<CallRecord> {
        self.ask(|reply| Message::AwaitEnd(call, reply)).await
    }

    /// Calls and punctuality.
    pub(crate) async fn status(&self) -> Option<Status> {
        self.ask(Message::Status).await
    }

    /// Tells the thread which ends are in the store.
    pub(crate) fn reports(&self) -> impl Fn(Vec<u64>) + Send + use<> {
        let messages = self.messages.clone();
        move |kept| deliver(&messages, Message::Kept(kept))
    }

    /// Ends every call, waits until all is on disk and in the store, and ends the thread. Whether all is kept.
    pub(crate) async fn close(&self, cause: HangupCause) -> bool {
        let messages = self.messages.clone();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let closing = move || {
            let _ = messages.send(Message::Close(cause));
            thread.is_some_and(|thread| thread.join().unwrap_or(false))
        };
        let mut closing = tokio::task::spawn_blocking(closing);
        if let Ok(kept) = tokio::time::timeout(KEEPING_PATIENCE, &mut closing).await {
            return kept.unwrap_or(false);
        }
        deliver(&self.messages, Message::GiveUp);
        closing.await.unwrap_or(false)
    }

    /// Tells the thread to end every call and then itself, and waits for nothing.
    pub(crate) fn begin_close(&self, cause: HangupCause) {
        let _ = self.messages.try_send(Message::Close(cause));
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.messages.try_send(message(reply)).ok()?;
        answer.await.ok()
    }
}

/// Hands over a message that must not be lost, however busy the thread is.
fn deliver(messages: &SyncSender<Message>, message: Message) {
    if let Err(TrySendError::Full(message)) = messages.try_send(message) {
        let messages = messages.clone();
        tokio::task::spawn_blocking(move || messages.send(message).is_ok());
    }
}

/// Runs until the switch is closed. Whether all is kept.
fn run(clock: Clock, inbox: &Receiver<Message>, mut lines: Lines) -> bool {
    while !lines.is_done() {
        let wait = time_to(slot_of(lines.deadline()), clock.now());
        match inbox.recv_timeout(wait.min(lines.longest_wait())) {
            Ok(message) => lines.message(clock.now(), message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        // A flood of messages must not hold up the frames.
        for message in inbox.try_iter().take(256) {
            lines.message(clock.now(), message);
        }
        lines.advance(clock.now());
    }
    lines.is_kept()
}

/// The end of the slot that a moment falls into.
fn slot_of(due: Moment) -> Moment {
    if due == Moment::NEVER {
        return due;
    }
    let slots = due.since_start().as_micros().div_ceil(SLOT.as_micros());
    Moment::at(Duration::from_micros(
        u64::try_from(slots * SLOT.as_micros()).unwrap_or(u64::MAX),
    ))
}

fn time_to(due: Moment, now: Moment) -> Duration {
    // Longer waits are not needed and not every platform takes them.
    (due - now).min(Duration::from_secs(3600))
}
