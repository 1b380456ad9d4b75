//! The engine: one thread that owns every stream and sends each its frame every 20 ms.
//!
//! Whoever wants something of a stream sends the thread a message. It waits for nothing but short locks, and allocates nothing for a packet.

mod calls;
mod running;

use super::{
    book::{Book, Seat},
    in_call::Shared,
    line::Line,
    prepared::Prepared,
    session::{Serial, Session},
    telling::Teller,
};
use crate::clock::Clock;
use flow::{
    Moment,
    playback::{Cause, Refused},
};
use running::Running;
use serde::Serialize;
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;
use wire::{ids::CorrelationId, playback::Control};

/// Most messages that wait for the thread.
const QUEUE: usize = 16_384;
/// Most messages that are taken before frames are looked after again.
const MESSAGES_AT_ONCE: usize = 256;
/// The longest wait for a message; longer ones are not needed, and not every platform takes them.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A stream that is ready to begin.
pub(super) struct NewStream {
    pub(super) session: Arc<Session>,
    pub(super) prepared: Arc<Prepared>,
    pub(super) line: Option<Line>,
    /// When its directive was received.
    pub(super) received: Moment,
    pub(super) seat: Seat,
}

/// A directive for a live stream.
pub(super) struct Directive {
    pub(super) stream: Serial,
    pub(super) control: Control,
    /// For a new volume: the prompt as it sounds then.
    pub(super) rendered: Option<Arc<Prepared>>,
    pub(super) received: Moment,
    pub(super) correlation: CorrelationId,
}

/// Why a directive was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotDone {
    /// The stream is over.
    Gone,
    Refused(Refused),
}

/// A stream that is heard in a call already.
pub(super) struct NewInCall {
    pub(super) session: Arc<Session>,
    pub(super) stream: Shared,
    pub(super) received: Moment,
    pub(super) seat: Seat,
}

enum Message {
    Start(Box<NewStream>, oneshot::Sender<()>),
    InCall(Box<NewInCall>, oneshot::Sender<()>),
    /// A stream in a call is over.
    Over(Serial),
    Direct(Box<Directive>, oneshot::Sender<Result<(), NotDone>>),
    Heard(Serial, Cause),
    Close,
}

/// The engine takes no more, or is closed.
#[derive(Debug, thiserror::Error)]
#[error("the playback engine is overloaded or closed; try again")]
pub(super) struct Overloaded;

/// What the engine counts, for the status.
#[derive(Default)]
pub(super) struct Counts {
    live: AtomicUsize,
    frames: AtomicU64,
    late: AtomicU64,
    worst_us: AtomicU64,
    underruns: AtomicU64,
}

/// Streams and punctuality.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Punctuality {
    /// Live streams.
    live: usize,
    /// Frames that were sent.
    frames: u64,
    /// Frames that were more than 5 ms late.
    late: u64,
    /// The latest of all, in microseconds.
    worst_us: u64,
    /// Frames that were more than 20 ms late, left out, or not taken by the machine.
    underruns: u64,
}

/// The way to the thread.
pub(super) struct Engine {
    messages: SyncSender<Message>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The way to the thread for what is heard.
#[derive(Clone)]
pub(super) struct Listener(SyncSender<Message>);

impl Engine {
    /// Starts the thread.
    pub(super) fn start(clock: Clock, book: Arc<Book>, teller: Teller) -> io::Result<Self> {
        let (messages, inbox) = sync_channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let running = Running::new(book, teller, counts.clone());
        let thread = thread::Builder::new()
            .name("playback".into())
            .spawn(move || run(clock, &inbox, running))?;
        Ok(Self {
            messages,
            counts,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// A stream begins; answered when its first frame is ready to be sent.
    pub(super) async fn begin(&self, stream: NewStream) -> Result<(), Overloaded> {
        self.ask(|reply| Message::Start(Box::new(stream), reply)).await
    }

    /// A stream began in a call; it is to be steered and told of from now on.
    pub(super) async fn begin_in_call(&self, stream: NewInCall) -> Result<(), Overloaded> {
        self.ask(|reply| Message::InCall(Box::new(stream), reply)).await
    }

    /// A directive for a stream.
    pub(super) async fn direct(&self, directive: Directive) -> Result<Result<(), NotDone>, Overloaded> {
        self.ask(|reply| Message::Direct(Box::new(directive), reply))
            .await
    }

    /// For who hears callers.
    pub(super) fn listener(&self) -> Listener {
        Listener(self.messages.clone())
    }

    /// Streams and punctuality.
    pub(super) fn punctuality(&self) -> Punctuality {
        let counts = &self.counts;
        Punctuality {
            live: counts.live.load(Relaxed),
            frames: counts.frames.load(Relaxed),
            late: counts.late.load(Relaxed),
            worst_us: counts.worst_us.load(Relaxed),
            underruns: counts.underruns.load(Relaxed),
        }
    }

    /// Ends every stream, and the thread. Blocks.
    pub(super) fn close(&self) {
        let _ = self.messages.send(Message::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Tells the thread to end, and waits for nothing.
    pub(super) fn begin_close(&self) {
        let _ = self.messages.try_send(Message::Close);
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, Overloaded> {
        let (reply, answer) = oneshot::channel();
        self.messages.try_send(message(reply)).map_err(|_| Overloaded)?;
        answer.await.map_err(|_| Overloaded)
    }
}

impl Listener {
    /// A key went down, or somebody spoke. It must not be lost: who listens waits while the queue is full.
    pub(super) fn heard(&self, stream: Serial, cause: Cause) {
        let _ = self.0.send(Message::Heard(stream, cause));
    }

    /// A stream in a call is over. Waits for nothing: the engine looks by itself, too.
    pub(super) fn over(&self, stream: Serial) {
        let _ = self.0.try_send(Message::Over(stream));
    }
}

fn run(clock: Clock, inbox: &Receiver<Message>, mut running: Running) {
    while !running.is_closed() {
        let wait = (running.deadline() - clock.now()).min(LONGEST_WAIT);
        match inbox.recv_timeout(wait) {
            Ok(message) => running.message(clock.now(), message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        for message in inbox.try_iter().take(MESSAGES_AT_ONCE) {
            running.message(clock.now(), message);
        }
        running.advance(clock);
    }
}
