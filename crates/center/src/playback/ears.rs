//! The ears: one thread that reads what the other ends send, and tells the engine of keys and voices at once.

mod ear;

use super::{address::RtpSocket, engine::Listener, session::Session};
use crate::clock::Clock;
pub(super) use ear::Ear;
use mio::{Events, Poll, Registry, Token, Waker};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use wire::playback::RtpTarget;

/// Most streams that wait to be listened to.
const QUEUE: usize = 4_096;
/// Most sockets that are told at a time.
const EVENTS: usize = 1_024;
/// Most datagrams of one socket before others have their turn.
const DATAGRAMS_AT_ONCE: usize = 32;
/// How often ears of streams that are over are thrown away.
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// What wakes the thread; no stream has this number.
const WAKE: Token = Token(usize::MAX);

/// The way to the thread. Dropped, the thread ends.
pub(super) struct Ears {
    registry: Registry,
    waker: Waker,
    newcomers: SyncSender<Ear>,
    is_closed: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Ears {
    pub(super) fn start(clock: Clock, listener: Listener) -> io::Result<Self> {
        let poll = Poll::new()?;
        let (newcomers, inbox) = sync_channel(QUEUE);
        let is_closed = Arc::new(AtomicBool::new(false));
        let hearing = Hearing {
            inbox,
            ears: HashMap::new(),
            unfinished: Vec::new(),
            is_closed: is_closed.clone(),
            listener,
            clock,
        };
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        let thread = thread::Builder::new()
            .name("playback-ears".into())
            .spawn(move || hearing.run(poll))?;
        Ok(Self {
            registry,
            waker,
            newcomers,
            is_closed,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Listens to what comes to a stream's socket, as long as the stream lives.
    pub(super) fn listen(
        &self,
        mut socket: RtpSocket,
        session: &Arc<Session>,
        target: &RtpTarget,
    ) -> io::Result<Arc<RtpSocket>> {
        let token = token(session);
        socket.register(&self.registry, token)?;
        let socket = Arc::new(socket);
        let ear = Ear::new(session.clone(), socket.clone(), target);
        self.newcomers
            .try_send(ear)
            .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        self.waker.wake()?;
        Ok(socket)
    }

    /// Ends the thread. Blocks.
    pub(super) fn close(&self) {
        self.begin_close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn begin_close(&self) {
        self.is_closed.store(true, Relaxed);
        let _ = self.waker.wake();
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.begin_close();
    }
}

/// The number of a stream's socket.
fn token(session: &Session) -> Token {
    Token(session.facts.serial.0 as usize)
}

/// What the thread has.
struct Hearing {
    inbox: Receiver<Ear>,
    ears: HashMap<Token, Ear>,
    /// Sockets that have more than was read of them: nobody tells of them again.
    unfinished: Vec<Token>,
    is_closed: Arc<AtomicBool>,
    listener: Listener,
    clock: Clock,
}

impl Hearing {
    fn run(mut self, mut poll: Poll) {
        let mut events = Events::with_capacity(EVENTS);
        let mut swept = self.clock.now();
        loop {
            let patience = match (self.unfinished.is_empty(), self.ears.is_empty()) {
                (false, _) => Some(Duration::ZERO),
                (true, false) => Some(SWEEP_EVERY),
                (true, true) => None,
            };
            if let Err(error) = poll.poll(&mut events, patience)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "nothing is heard of callers any more");
                return;
            }
            if self.is_closed.load(Relaxed) {
                return;
            }
            self.take_newcomers();
            for token in std::mem::take(&mut self.unfinished) {
                self.read(token);
            }
            events.iter().for_each(|event| self.read(event.token()));
            if self.clock.now() - swept >= SWEEP_EVERY {
                swept = self.clock.now();
                self.ears.retain(|_, ear| !ear.is_over());
            }
        }
    }

    /// What came to their sockets before they were known here is read at once.
    fn take_newcomers(&mut self) {
        while let Ok(ear) = self.inbox.try_recv() {
            let token = token(ear.session());
            self.ears.insert(token, ear);
            self.read(token);
        }
    }

    fn read(&mut self, token: Token) {
        let Some(ear) = self.ears.get_mut(&token) else {
            return;
        };
        for _ in 0..DATAGRAMS_AT_ONCE {
            if !ear.read(self.clock, &self.listener) {
                return;
            }
        }
        self.unfinished.push(token);
    }
}
