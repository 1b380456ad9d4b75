//! The calls of the switch and when they are due: all that its thread does, but for waiting.

use super::{
    AttachError, Message, PlaceError, Placement, Status, ToController,
    ended::Ended,
    pacing::Pacing,
    recorder::{self, Closed, Recorder, RecordingId},
    tape::Tape,
    timeline,
};
use crate::{
    clock::Clock,
    completions::{Completed, Turns},
    keeping::{Foreseen, Placed, Stage, Update, interaction_of},
};
use flow::{
    Moment,
    call::{
        Announcements, Call, Controller, ControllerId, Left, NotInset, Output, SensitivePrompts, Tick,
        leg::{PlayId, Sound},
    },
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};
use wire::{
    callcontrol::{CommandFrame, Event, HangupCause, RecordState},
    calls::{CallRecord, CallState, Happening, Recording, recording_path},
    ids::{CallId, FlowId},
};

const FRAME: Duration = Duration::from_millis(audio::FRAME_MS);
/// A call that is further behind than this goes on from now; the frames between are lost.
const MOST_BEHIND: Duration = Duration::from_secs(1);
/// Most calls at a time, with those that are over and not in the store yet.
pub(super) const MAX_CALLS: usize = 10_000;
/// How often a switch that closes looks whether anybody is left who could write calls down.
const CLOSING_LOOKS: Duration = Duration::from_millis(100);

/// A call with what its driver needs.
struct Line {
    serial: u64,
    call: Call,
    record: CallRecord,
    placed: Moment,
    next_tick: Moment,
    /// When the line's valid entry in [`Lines::due`] is due; all others are out of date.
    queued: Moment,
    /// The controller's connection; for a moment also that of its predecessor.
    links: Vec<(ControllerId, mpsc::Sender<ToController>)>,
    tape: Option<Tape>,
    /// How the call came to be, until that is handed to the keeper.
    placed_by: Option<Placed>,
    foreseen: Arc<Foreseen>,
    /// The state that the keeper knows, or will know.
    noted: Option<CallState>,
    /// It stands in [`Lines::unsent`].
    unsent: bool,
    over: bool,
    waiting: Vec<oneshot::Sender<CallRecord>>,
}

/// What is the same for all calls.
pub(super) struct House {
    /// The folder of recordings.
    pub(super) recordings: PathBuf,
    pub(super) announcements: Announcements,
    pub(super) sensitive: SensitivePrompts,
    /// Whose turn it is to have led a call.
    pub(super) turns: Arc<Turns>,
}

/// All calls of the switch.
pub(super) struct Lines {
    lines: HashMap<CallId, Line>,
    /// When lines are due; see [`Line::queued`].
    due: BinaryHeap<Reverse<(Moment, CallId)>>,
    ended: Ended,
    pacing: Pacing,
    recorder: Recorder,
    house: House,
    keeper: mpsc::Sender<Update>,
    /// Lines whose state the keeper is to know, in order; more than one when it can't keep up.
    unsent: VecDeque<(CallId, u64)>,
    own_inbox: SyncSender<Message>,
    next_serial: u64,
    closing: bool,
    given_up: bool,
}

impl Lines {
    pub(super) fn new(
        recorder: Recorder,
        house: House,
        keeper: mpsc::Sender<Update>,
        own_inbox: SyncSender<Message>,
    ) -> Self {
        Self {
            lines: HashMap::new(),
            due: BinaryHeap::new(),
            ended: Ended::default(),
            pacing: Pacing::default(),
            recorder,
            house,
            keeper,
            unsent: VecDeque::new(),
            own_inbox,
            next_serial: 0,
            closing: false,
            given_up: false,
        }
    }

    /// True when the switch was told to close and every call is over, on disk and in the store.
    pub(super) fn is_done(&self) -> bool {
        self.closing && self.lines.is_empty() && (self.ended.is_empty() || self.keeper.is_closed())
    }

    /// True when the store and the disk have all.
    pub(super) fn is_kept(&self) -> bool {
        !self.given_up && self.ended.is_empty()
    }

    /// How long to wait for messages at the most.
    pub(super) fn longest_wait(&self) -> Duration {
        if self.closing {
            CLOSING_LOOKS
        } else {
            Duration::MAX
        }
    }

    /// When [`Self::advance`] is due.
    pub(super) fn deadline(&self) -> Moment {
        self.due.peek().map_or(Moment::NEVER, |Reverse((due, _))| *due)
    }

    /// Carries out a request.
    pub(super) fn message(&mut self, now: Moment, message: Message) {
        match message {
            Message::Place(placement, reply) => {
                let _ = reply.send(self.place(now, *placement));
            }
            Message::Attach {
                call,
                controller,
                link,
                reply,
            } => {
                let _ = reply.send(self.attach(now, &call, controller, link));
            }
            Message::Detach {
                call,
                id,
                since,
                left,
            } => self.with(now, &call, |line, out| {
                line.links.retain(|(known, _)| *known != id);
                line.call.detach(since, id, left, out);
            }),
            Message::Command {
                call,
                from,
                frame,
                sound,
                started,
            } => {
                self.command(now, &call, from, frame, sound, started);
            }
            Message::Loaded {
                call,
                serial,
                play,
                sound,
            } => {
                if let Some(line) = self.lines.get_mut(&call).filter(|line| line.serial == serial) {
                    line.call.loaded(play, sound);
                }
            }
            Message::End { call, cause, reply } => {
                let live = self.lines.get(&call).is_some_and(|line| !line.over);
                self.with(now, &call, |line, out| line.call.end(now, cause, out));
                let _ = reply.send(live);
            }
            Message::Insert { call, inset, reply } => {
                let mut inserted = Err(NotInset::NotThere);
                self.with(now, &call, |line, _| inserted = line.call.insert(inset));
                let _ = reply.send(inserted);
            }
            Message::Record(call, reply) => {
                let live = self.lines.get(&call).map(Line::record_now);
                let _ = reply.send(live.or_else(|| self.ended.get(&call).cloned()));
            }
            Message::AwaitEnd(call, reply) => match self.lines.get_mut(&call) {
                Some(line) => {
                    line.waiting.retain(|waiting| !waiting.is_closed());
                    line.waiting.push(reply);
                }
                None => self.ended.wait(&call, reply),
            },
            Message::Status(reply) => {
                let _ = reply.send(self.status());
            }
            Message::Recorded { call, serial, closed } => self.recorded(&call, serial, closed),
            Message::Kept(serials) => {
                serials.into_iter().for_each(|serial| self.ended.kept(serial));
                self.send_unsent();
            }
            Message::Close(cause) => self.close(now, cause),
            Message::GiveUp => {
                self.given_up = !self.lines.is_empty() || !self.ended.is_empty();
                self.ended.give_up();
                self.lines.clear();
            }
        }
    }

    fn place(&mut self, now: Moment, placement: Placement) -> Result<CallRecord, PlaceError> {
        let Placement {
            facts,
            caller,
            record,
            placed,
            foreseen,
            on_demand_for,
            flow,
        } = placement;
        if self.closing || self.lines.len() + self.ended.len() >= MAX_CALLS {
            return Err(PlaceError::Full);
        }
        if let Some(live) = self.lines.get(&facts.id) {
            if !(live.over || on_demand_for.is_some_and(|client| live.call.is_spent(&client))) {
                return Err(PlaceError::Live(facts.id));
            }
            self.with(now, &facts.id, |line, out| {
                line.call.end(now, HangupCause::Completed, out)
            });
            self.forget(&facts.id);
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        let id = facts.id.clone();
        let call_record = CallRecord {
            id: id.clone(),
            ani: facts.ani.clone(),
            dnis: facts.dnis.clone(),
            external_id: facts.external_id.clone(),
            flow_id: flow,
            state: CallState::Ringing,
            placed_at: Clock::utc(),
            transferred_to: None,
            cause: None,
            recording: None,
            interaction_id: None,
            timeline: Vec::new(),
        };
        let line = Line {
            serial,
            call: Call::new(
                now,
                facts,
                caller,
                self.house.announcements.clone(),
                self.house.sensitive.clone(),
            ),
            record: call_record,
            placed: now,
            next_tick: Moment::NEVER,
            queued: Moment::NEVER,
            links: Vec::new(),
            tape: None,
            placed_by: Some(placed),
            foreseen: Arc::new(foreseen),
            noted: None,
            unsent: false,
            over: false,
            waiting: Vec::new(),
        };
        self.lines.insert(id.clone(), line);
        self.with(now, &id, |line, out| {
            out.push(Output::Happened(Happening::Placed));
            if record {
                line.call.record(RecordState::Start, None, out);
            }
        });
        self.lines.get(&id).map(Line::record_now).ok_or(PlaceError::Full)
    }

    fn attach(
        &mut self,
        now: Moment,
        id: &CallId,
        controller: Controller,
        link: mpsc::Sender<ToController>,
    ) -> Result<Option<FlowId>, AttachError> {
        let mut result = Err(AttachError::Unknown(id.clone()));
        self.with(now, id, |line, out| {
            let first = line.call.state() == CallState::Ringing;
            let controller_id = controller.id;
            result = line
                .call
                .attach(now, Clock::utc(), controller, out)
                .map(|()| line.record.flow_id.clone())
                .map_err(AttachError::Refused);
            if result.is_ok() {
                line.links.push((controller_id, link));
            }
            if result.is_ok() && first {
                line.next_tick = now;
            }
        });
        let over = match self.lines.get(id) {
            Some(line) => line.over,
            None => self.ended.get(id).is_some(),
        };
        if result.is_err() && over {
            return Err(AttachError::Refused(format!("the call {id:?} has ended")));
        }
        result
    }

    fn command(
        &mut self,
        now: Moment,
        id: &CallId,
        from: ControllerId,
        frame: CommandFrame,
        sound: Sound,
        started: Option<oneshot::Sender<(u64, PlayId)>>,
    ) {
        self.with(now, id, |line, out| {
            let serial = line.serial;
            let tell_play = |play| {
                if let Some(started) = started {
                    let _ = started.send((serial, play));
                }
                sound
            };
            line.call.command(now, from, frame, tell_play, out);
        });
    }

    /// Lets the lines that are due act: their timers, and their frames.
    pub(super) fn advance(&mut self, now: Moment) {
        while let Some(Reverse((due, _))) = self.due.peek()
            && *due <= now
        {
            let Some(Reverse((entry, id))) = self.due.pop() else {
                return;
            };
            match self.lines.get_mut(&id) {
                Some(line) if line.queued == entry => line.queued = Moment::NEVER,
                _ => continue,
            }
            let mut ticked = None;
            let mut lateness = None;
            self.with(now, &id, |line, out| {
                if line.call.deadline() <= now {
                    line.call.act(now, out);
                }
                if line.next_tick <= now {
                    lateness = Some(now - line.next_tick);
                    ticked = Some(line.tick(now, out));
                }
            });
            if let Some(lateness) = lateness {
                self.pacing.sent(lateness);
            }
            if let Some(tick) = ticked {
                self.tape(&id, tick);
            }
        }
    }

    /// Lets one line act, notes when it is due next, and carries out what it puts out.
    fn with(&mut self, now: Moment, id: &CallId, act: impl FnOnce(&mut Line, &mut Vec<Output>)) {
        let Some(line) = self.lines.get_mut(id).filter(|line| !line.over) else {
            return;
        };
        let mut out = Vec::new();
        act(line, &mut out);
        let state = line.call.state();
        let changed = line.noted.replace(state) != Some(state);
        let next = line.next_tick.min(line.call.deadline());
        if next < line.queued {
            line.queued = next;
            self.due.push(Reverse((next, id.clone())));
        }
        for output in out {
            self.carry_out(now, id, output);
        }
        // The end is written when the recording is whole.
        if changed && state != CallState::Ended {
            self.note(id);
        }
    }

    /// The keeper is to know how a call stands now.
    fn note(&mut self, id: &CallId) {
        if let Some(line) = self.lines.get_mut(id).filter(|line| !line.unsent) {
            line.unsent = true;
            self.unsent.push_back((id.clone(), line.serial));
            self.send_unsent();
        }
    }

    /// Hands the latest states of calls to the keeper, as many as it takes.
    fn send_unsent(&mut self) {
        while let Some((id, serial)) = self.unsent.pop_front() {
            let line = self.lines.get_mut(&id).filter(|line| line.serial == serial);
            let update = match line {
                Some(line) => Some(line.update()),
                None => self.ended.update(serial),
            };
            // Without an update the end was handed over already.
            let Some(update) = update else { continue };
            if let Err(TrySendError::Full(update)) = self.keeper.try_send(update) {
                match self.lines.get_mut(&id).filter(|line| line.serial == serial) {
                    Some(line) => {
                        line.placed_by = update.placed;
                        line.unsent = true;
                    }
                    None => self.ended.not_sent(update),
                }
                self.unsent.push_front((id, serial));
                return;
            }
        }
    }

    fn carry_out(&mut self, now: Moment, id: &CallId, output: Output) {
        let Some(line) = self.lines.get_mut(id) else {
            return;
        };
        match output {
            Output::Tell(controller, event) => {
                if let Some(unsent) = line.send(controller, event) {
                    // It does not read what it is sent: the connection is given up, the call is not.
                    self.with(now, id, |line, out| {
                        line.call.detach(now, controller, Left::Lost, out);
                        line.call.undelivered(unsent);
                    });
                }
            }
            Output::Release(controller, reason) => {
                let _ = line
                    .link(controller)
                    .map(|link| link.try_send(ToController::Release(reason)));
                line.links.retain(|(id, _)| *id != controller);
            }
            Output::Happened(what) => {
                let at_ms = (now - line.placed).as_secs_f64() * 1000.0;
                timeline::note(&mut line.record, (at_ms * 1000.0).round() / 1000.0, what);
            }
            Output::Record(RecordState::Start) => self.start_tape(id),
            Output::Record(RecordState::Stop) => {
                line.flush(&mut self.recorder);
                if let Some(tape) = &mut line.tape {
                    tape.running = false;
                }
            }
            Output::Over => self.finish(id),
        }
    }

    fn start_tape(&mut self, id: &CallId) {
        let Some(line) = self.lines.get_mut(id) else {
            return;
        };
        if let Some(tape) = &mut line.tape {
            tape.running = true;
            return;
        }
        let name = recorder::file_name(id, line.record.placed_at, line.serial);
        let path = self.house.recordings.join(name);
        let tape_id = RecordingId(line.serial);
        let opened = self.recorder.open(tape_id, path.clone(), line.call.facts().law());
        line.tape = Some(Tape::new(tape_id));
        line.record.recording = Some(Recording {
            path: path.display().to_string(),
            uri: recording_path(id),
            duration_ms: 0,
            sha256: None,
            fault: (!opened).then(|| "the disk can't keep up".to_owned()),
        });
    }

    fn tape(&mut self, id: &CallId, tick: Tick) {
        let Some(line) = self.lines.get_mut(id) else {
            return;
        };
        let Some(tape) = line.tape.as_mut().filter(|tape| tape.running) else {
            return;
        };
        if tape.add(&tick) {
            line.flush(&mut self.recorder);
        }
    }

    /// A call is over: it is written down as soon as its recording is on disk.
    fn finish(&mut self, id: &CallId) {
        let Some(line) = self.lines.get_mut(id) else {
            return;
        };
        line.over = true;
        line.next_tick = Moment::NEVER;
        line.flush(&mut self.recorder);
        let Some(tape) = line.tape.take() else {
            return self.forget(id);
        };
        let (inbox, call, serial) = (self.own_inbox.clone(), id.clone(), line.serial);
        let done = move |closed| {
            // This runs on a thread of the recorder, which may wait for the switch; the switch never waits for the recorder.
            let _ = inbox.send(Message::Recorded { call, serial, closed });
        };
        if !self.recorder.close(tape.id, Box::new(done)) {
            let fault = Some("the disk can't keep up; a part may be missing".into());
            self.recorded(id, serial, Closed { sha256: None, fault });
        }
    }

    fn recorded(&mut self, id: &CallId, serial: u64, closed: Closed) {
        let Some(line) = self.lines.get_mut(id).filter(|line| line.serial == serial) else {
            return;
        };
        if let Some(recording) = &mut line.record.recording {
            recording.sha256 = closed.sha256;
            recording.fault = closed.fault.or(recording.fault.take());
        }
        self.forget(id);
    }

    fn forget(&mut self, id: &CallId) {
        if let Some(line) = self.lines.remove(id) {
            let (serial, mut record) = (line.serial, line.record_now());
            let completed =
                interaction_of(&mut record, &line.foreseen, &self.house.turns).map(Completed::new);
            self.ended
                .add(serial, record, completed, line.placed_by, line.waiting);
            self.unsent.push_back((id.clone(), serial));
            self.send_unsent();
        }
    }

    fn close(&mut self, now: Moment, cause: HangupCause) {
        self.closing = true;
        for id in self.lines.keys().cloned().collect::<Vec<_>>() {
            self.with(now, &id, |line, out| line.call.end(now, cause, out));
        }
    }

    /// Calls without their timelines, which may be long: this thread has frames to send.
    fn status(&self) -> Status {
        let live = self.lines.values().take(100).map(|line| CallRecord {
            state: line.call.state(),
            ..without_timeline(&line.record)
        });
        Status {
            live_calls: self.lines.len(),
            pacing: self.pacing.clone(),
            live: live.collect(),
            unkept_calls: self.ended.len(),
        }
    }
}

fn without_timeline(record: &CallRecord) -> CallRecord {
    CallRecord {
        id: record.id.clone(),
        ani: record.ani.clone(),
        dnis: record.dnis.clone(),
        external_id: record.external_id.clone(),
        flow_id: record.flow_id.clone(),
        state: record.state,
        placed_at: record.placed_at,
        transferred_to: record.transferred_to.clone(),
        cause: record.cause,
        recording: record.recording.clone(),
        interaction_id: record.interaction_id.clone(),
        timeline: Vec::new(),
    }
}

impl Line {
    fn link(&self, controller: ControllerId) -> Option<&mpsc::Sender<ToController>> {
        self.links
            .iter()
            .find(|(id, _)| *id == controller)
            .map(|(_, link)| link)
    }

    /// Sends an event to a controller; gives it back, and gives the connection up, if that is not possible.
    fn send(&mut self, controller: ControllerId, event: Event) -> Option<Event> {
        let Some(link) = self.link(controller) else {
            return Some(event);
        };
        let unsent = match link.try_send(ToController::Event(event)) {
            Ok(()) => return None,
            Err(TrySendError::Full(unsent) | TrySendError::Closed(unsent)) => unsent,
        };
        self.links.retain(|(id, _)| *id != controller);
        match unsent {
            ToController::Event(event) => Some(event),
            ToController::Release(_) => None,
        }
    }

    fn tick(&mut self, now: Moment, out: &mut Vec<Output>) -> Tick {
        // After a standstill of the machine the caller gets the present, not a burst of the past.
        let due = if now - self.next_tick > MOST_BEHIND {
            now
        } else {
            self.next_tick
        };
        self.next_tick = due + FRAME;
        self.call.tick(now, out)
    }

    fn flush(&mut self, recorder: &mut Recorder) {
        let (Some(tape), Some(recording)) = (&mut self.tape, &mut self.record.recording) else {
            return;
        };
        if !tape.flush(recorder) {
            recording.fault = Some("the disk can't keep up; a part is missing".into());
        }
        recording.duration_ms = tape.duration_ms();
    }

    /// What the keeper is to know.
    fn update(&mut self) -> Update {
        self.unsent = false;
        Update {
            serial: self.serial,
            record: Arc::new(self.record_now()),
            placed: self.placed_by.take(),
            stage: Stage::Live(self.foreseen.clone()),
        }
    }

    fn record_now(&self) -> CallRecord {
        CallRecord {
            state: self.call.state(),
            ..self.record.clone()
        }
    }
}
