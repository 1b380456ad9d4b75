//! What the engine's thread does: messages in, frames out.

use super::{
    Counts, Directive, Message, NewInCall, NewStream, NotDone,
    calls::Calls,
    undertaker::{Directed, Ended},
};
use crate::{
    clock::Clock,
    playback::{
        line::{Packet, Reports},
        session::Serial,
        stream::{Sender, Step, Stream},
        telling::{Teller, Told},
        wheel::{self, Wheel},
    },
};
use flow::{Moment, playback::Cause};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::Sender as Way,
    },
    time::Duration,
};
use tokio::sync::oneshot;
use wire::playback::Control;

/// A frame later than this is counted as late, as for calls.
const LATE: Duration = Duration::from_millis(5);
const UNDERRUN: Duration = Duration::from_millis(flow::playback::FRAME_MS);

/// The streams of one thread, and what they share.
pub(super) struct Running {
    wheel: Wheel<Stream>,
    /// The slot of each stream.
    slots: HashMap<Serial, usize>,
    calls: Calls,
    packet: Box<Packet>,
    reports: Arc<Reports>,
    /// To the undertaker: at most one message for each stream.
    ended: Way<Ended>,
    teller: Teller,
    counts: Arc<Counts>,
    is_closed: bool,
}

impl Running {
    pub(super) fn new(reports: Arc<Reports>, ended: Way<Ended>, teller: Teller, counts: Arc<Counts>) -> Self {
        Self {
            wheel: Wheel::new(),
            slots: HashMap::new(),
            calls: Calls::new(),
            packet: Box::new([0; size_of::<Packet>()]),
            reports,
            ended,
            teller,
            counts,
            is_closed: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// When [`Self::advance`] is due.
    pub(super) fn deadline(&self) -> Moment {
        self.wheel.deadline().min(self.calls.deadline())
    }

    /// Nothing begins or changes once it is closed: whoever asks is told so by the reply that does not come.
    pub(super) fn message(&mut self, now: Moment, message: Message) {
        if self.is_closed {
            return;
        }
        match message {
            Message::Start(stream, ready) => self.start(*stream, now, ready),
            Message::InCall(stream, ready) => self.start_in_call(*stream, now, ready),
            Message::Over(stream) => self.end_if_over(stream, now),
            Message::Direct(directive, reply) => self.direct(*directive, reply, now),
            Message::Heard(stream, cause) => self.hear(stream, cause, now),
            Message::Close => self.close(now),
        }
    }

    fn start(&mut self, new: NewStream, now: Moment, ready: oneshot::Sender<()>) {
        let tick = self.wheel.place(now);
        let serial = new.session.facts.serial;
        new.seat.take(&new.session);
        new.session.ready(now - new.received);
        let stream = Stream::new(new.session, new.prepared, new.line, tick);
        self.teller.tell(Told::created(&stream.session));
        self.slots.insert(serial, wheel::slot(tick));
        self.wheel.add(tick, stream);
        self.count_live();
        let _ = ready.send(());
    }

    fn start_in_call(&mut self, new: NewInCall, now: Moment, ready: oneshot::Sender<()>) {
        new.seat.take(&new.session);
        new.session.ready(now - new.received);
        self.teller.tell(Told::created(&new.session));
        self.calls.add(new.session.facts.serial, new.stream, now);
        self.count_live();
        let _ = ready.send(());
    }

    fn count_live(&self) {
        let live = self.wheel.len() + self.calls.len();
        self.counts.live.store(live, Relaxed);
    }

    fn direct(&mut self, directive: Directive, reply: oneshot::Sender<Result<(), NotDone>>, now: Moment) {
        let (control, rendered) = (directive.control, directive.rendered);
        let done = self.with(directive.stream, |stream| {
            let done = stream.control(&control, rendered);
            done.map(|()| stream.session.clone())
        });
        let done = match done {
            None => Err(NotDone::Gone),
            Some(done) => done.map_err(NotDone::Refused),
        };
        let session = match done {
            Ok(session) => session,
            Err(not_done) => {
                let _ = reply.send(Err(not_done));
                return;
            }
        };
        let (took, correlation) = (now - directive.received, directive.correlation);
        if matches!(control, Control::Stop) {
            let by = Directed {
                correlation,
                took,
                reply,
            };
            return self.end(directive.stream, now, Some(by));
        }
        let told = Told::controlled(&session, control.action(), correlation, took);
        self.teller.tell(told);
        let _ = reply.send(Ok(()));
    }

    fn hear(&mut self, serial: Serial, cause: Cause, now: Moment) {
        self.with(serial, |stream| stream.hear(cause));
        self.end_if_over(serial, now);
    }

    fn end_if_over(&mut self, serial: Serial, now: Moment) {
        if self.with(serial, |stream| stream.is_over()) == Some(true) {
            self.end(serial, now, None);
        }
    }

    fn with<T>(&mut self, serial: Serial, act: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        let Some(slot) = self.slots.get(&serial) else {
            return self.calls.get(serial).map(|stream| act(&mut stream.lock()));
        };
        let is_it = |stream: &Stream| stream.session.facts.serial == serial;
        self.wheel.find(*slot, is_it).map(act)
    }

    /// Takes a stream that is over out of its slot.
    fn end(&mut self, serial: Serial, at: Moment, by: Option<Directed>) {
        let Some(slot) = self.slots.get(&serial) else {
            if let Some(stream) = self.calls.remove(serial) {
                let session = stream.lock().session.clone();
                self.hand_over(Ended {
                    session,
                    stream: None,
                    at,
                    by,
                });
            }
            return;
        };
        let stream = self
            .wheel
            .remove(*slot, |stream| stream.session.facts.serial == serial);
        if let Some(stream) = stream {
            self.dismiss(stream, at, by);
        }
    }

    fn dismiss(&mut self, stream: Stream, at: Moment, by: Option<Directed>) {
        self.slots.remove(&stream.session.facts.serial);
        self.hand_over(Ended {
            session: stream.session.clone(),
            stream: Some(stream),
            at,
            by,
        });
    }

    /// What is left to do of a stream that is over may take its time.
    fn hand_over(&mut self, ended: Ended) {
        self.count_live();
        let _ = self.ended.send(ended);
    }

    /// Sends the frames of one slot that is due: however far behind the thread is, messages are taken in between.
    pub(super) fn advance(&mut self, clock: Clock) {
        for serial in self.calls.over(clock.now()) {
            self.end(serial, clock.now(), None);
        }
        if let Some(due) = self.wheel.due(clock.now()) {
            if due.skipped > 0 {
                self.skipped(due.tick, due.skipped);
            }
            let mut streams = self.wheel.take(due.tick);
            let mut over = Vec::new();
            let mut at = 0;
            while let Some(stream) = streams.get_mut(at) {
                match self.step(stream, due.tick, clock.now()) {
                    Step::Over => over.push(streams.swap_remove(at)),
                    Step::Played | Step::Rested => at += 1,
                }
            }
            self.wheel.put_back(due.tick, streams);
            for stream in over {
                self.dismiss(stream, clock.now(), None);
            }
        }
    }

    fn step(&mut self, stream: &mut Stream, tick: wheel::Tick, now: Moment) -> Step {
        let late = now - wheel::moment_of(tick);
        let mut with = Sender {
            packet: &mut self.packet,
            reports: &self.reports,
        };
        let step = stream.step(tick, now, late, &mut with);
        if step == Step::Played {
            count(&self.counts.frames, 1);
            count(&self.counts.late, u64::from(late > LATE));
            count(&self.counts.underruns, u64::from(late > UNDERRUN));
            let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
            self.counts.worst_us.fetch_max(late_us, Relaxed);
        }
        step
    }

    /// The thread was held up for so long that turns were left out.
    fn skipped(&mut self, tick: wheel::Tick, turns: u64) {
        let missed = self.wheel.iter_mut().map(|stream| stream.skipped(tick, turns));
        let playing = missed.sum();
        count(&self.counts.underruns, playing);
    }

    /// Ends every stream: whoever plays is told that the center closes.
    fn close(&mut self, now: Moment) {
        self.is_closed = true;
        let streams: Vec<Stream> = self.wheel.drain().collect();
        for mut stream in streams {
            stream.fail("the center was closed".to_owned());
            self.dismiss(stream, now, None);
        }
        let in_calls: Vec<_> = self.calls.drain().collect();
        for shared in in_calls {
            let mut stream = shared.lock();
            stream.fail("the center was closed".to_owned());
            let session = stream.session.clone();
            drop(stream);
            self.hand_over(Ended {
                session,
                stream: None,
                at: now,
                by: None,
            });
        }
    }
}

/// Only this thread writes.
fn count(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.store(counter.load(Relaxed) + more, Relaxed);
    }
}
