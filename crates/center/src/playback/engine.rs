//! The engine: a thread or two that own every stream and send each its frame every 20 ms.
//!
//! A stream stays with the thread that its number falls to. Whoever wants something of it sends that thread a message. The thread waits for nothing but
//! short locks, and allocates nothing for a packet; what is left to do of streams that are over is a third one's ([`undertaker`]).

mod calls;
mod running;
mod undertaker;

use super::{
    book::{Book, Seat},
    in_call::Shared,
    line::{Line, Reports},
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
        mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle, available_parallelism},
    time::Duration,
};
use tokio::sync::oneshot;
use wire::{ids::CorrelationId, playback::Control};

/// Most threads that send. Two share 3,000 streams so that neither is busy for more than half of the time, and one that was held up catches up.
const MOST_THREADS: usize = 2;
/// Most messages that wait for a thread.
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

/// The way to one thread that sends.
struct Lane {
    messages: SyncSender<Message>,
    counts: Arc<Counts>,
}

/// The way to the threads.
pub(super) struct Engine {
    lanes: Vec<Lane>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The way to the threads for what is heard.
#[derive(Clone)]
pub(super) struct Listener(Arc<[SyncSender<Message>]>);

impl Engine {
    /// Starts the threads.
    pub(super) fn start(clock: Clock, book: Arc<Book>, teller: Teller) -> io::Result<Self> {
        let reports = Arc::new(Reports::open());
        let (ended, burials) = channel();
        let mut lanes = Vec::new();
        let mut threads = Vec::new();
        for _ in 0..available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS)) {
            let (messages, inbox) = sync_channel(QUEUE);
            let counts = Arc::new(Counts::default());
            let running = Running::new(reports.clone(), ended.clone(), teller.clone(), counts.clone());
            lanes.push(Lane { messages, counts });
            threads.push(named("playback", move || run(clock, &inbox, running))?);
        }
        threads.push(named("playback-ends", move || {
            undertaker::run(&burials, &reports, &book, &teller);
        })?);
        Ok(Self {
            lanes,
            threads: Mutex::new(threads),
        })
    }

    /// A stream begins; answered when its first frame is ready to be sent.
    pub(super) async fn begin(&self, stream: NewStream) -> Result<(), Overloaded> {
        let lane = self.lane(stream.session.facts.serial);
        ask(lane, |reply| Message::Start(Box::new(stream), reply)).await
    }

    /// A stream began in a call; it is to be steered and told of from now on.
    pub(super) async fn begin_in_call(&self, stream: NewInCall) -> Result<(), Overloaded> {
        let lane = self.lane(stream.session.facts.serial);
        ask(lane, |reply| Message::InCall(Box::new(stream), reply)).await
    }

    /// A directive for a stream.
    pub(super) async fn direct(&self, directive: Directive) -> Result<Result<(), NotDone>, Overloaded> {
        let lane = self.lane(directive.stream);
        ask(lane, |reply| Message::Direct(Box::new(directive), reply)).await
    }

    /// For who hears callers.
    pub(super) fn listener(&self) -> Listener {
        Listener(self.lanes.iter().map(|lane| lane.messages.clone()).collect())
    }

    /// Streams and punctuality.
    pub(super) fn punctuality(&self) -> Punctuality {
        let sum = |of: fn(&Counts) -> &AtomicU64| {
            let all = self.lanes.iter().map(|lane| of(&lane.counts).load(Relaxed));
            all.sum()
        };
        let worst = self.lanes.iter().map(|lane| lane.counts.worst_us.load(Relaxed));
        Punctuality {
            live: self.lanes.iter().map(|lane| lane.counts.live.load(Relaxed)).sum(),
            frames: sum(|counts| &counts.frames),
            late: sum(|counts| &counts.late),
            worst_us: worst.max().unwrap_or(0),
            underruns: sum(|counts| &counts.underruns),
        }
    }

    /// Ends every stream, and the threads. Blocks.
    pub(super) fn close(&self) {
        for lane in &self.lanes {
            let _ = lane.messages.send(Message::Close);
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }

    /// Tells the threads to end, and waits for nothing.
    pub(super) fn begin_close(&self) {
        for lane in &self.lanes {
            let _ = lane.messages.try_send(Message::Close);
        }
    }

    fn lane(&self, stream: Serial) -> &SyncSender<Message> {
        &self.lanes[stream.among(self.lanes.len())].messages
    }
}

async fn ask<T>(
    lane: &SyncSender<Message>,
    message: impl FnOnce(oneshot::Sender<T>) -> Message,
) -> Result<T, Overloaded> {
    let (reply, answer) = oneshot::channel();
    lane.try_send(message(reply)).map_err(|_| Overloaded)?;
    answer.await.map_err(|_| Overloaded)
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(work)
}

impl Listener {
    /// A key went down, or somebody spoke. It must not be lost: who listens waits while the queue is full.
    pub(super) fn heard(&self, stream: Serial, cause: Cause) {
        let _ = self.lane(stream).send(Message::Heard(stream, cause));
    }

    /// A stream in a call is over. Waits for nothing: the engine looks by itself, too.
    pub(super) fn over(&self, stream: Serial) {
        let _ = self.lane(stream).try_send(Message::Over(stream));
    }

    fn lane(&self, stream: Serial) -> &SyncSender<Message> {
        &self.0[stream.among(self.0.len())]
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
