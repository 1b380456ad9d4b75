//! One stream: the machine that says what is heard, the prompt, and the line it goes out by.

use super::{
    fade::Fader,
    line::{Line, Packet, Reports, Sending},
    prepared::Prepared,
    session::Session,
    wheel::Tick,
};
use crate::clock::Clock;
use flow::{
    Moment,
    playback::{Cause, FRAME_MS, Heard, Playback, Refused, Turn},
};
use std::{io::ErrorKind, sync::Arc, time::Duration};
use wire::playback::{Control, PlaybackState};

/// A frame that is sent so long after it was due is an underrun.
const UNDERRUN: Duration = Duration::from_millis(FRAME_MS);

/// A live stream.
pub(super) struct Stream {
    pub(super) session: Arc<Session>,
    playback: Playback,
    prepared: Arc<Prepared>,
    /// `None`: it is heard in a call, or by nobody.
    line: Option<Line>,
    fader: Option<Fader>,
    /// The millisecond of its first frame.
    started: Tick,
    /// The 20 ms, counted from the beginning, in which a frame was sent last.
    last_sent: Option<u64>,
    /// The interruption may be seen.
    is_told: bool,
}

/// What all streams share while frames are sent.
pub(super) struct Sender<'a> {
    pub(super) packet: &'a mut Packet,
    pub(super) reports: &'a Reports,
}

/// What came of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A frame was played.
    Played,
    /// It rests.
    Rested,
    /// It is over.
    Over,
}

impl Stream {
    /// A stream whose prompt is ready: its first frame goes out in this millisecond.
    pub(super) fn new(
        session: Arc<Session>,
        prepared: Arc<Prepared>,
        line: Option<Line>,
        started: Tick,
    ) -> Self {
        let who = session.facts.config.interruptibility;
        let mut playback = Playback::new(prepared.shape().clone(), who);
        playback.start();
        let stream = Self {
            session,
            playback,
            prepared,
            line,
            fader: None,
            started,
            last_sent: None,
            is_told: false,
        };
        stream.publish();
        stream
    }

    /// Carries out the 20 ms that begin at `tick`. `late` is how long ago that was.
    pub(super) fn step(&mut self, tick: Tick, now: Moment, late: Duration, with: &mut Sender<'_>) -> Step {
        if tick < self.started {
            return Step::Rested;
        }
        let turn = self.playback.turn();
        match turn {
            Turn::Rest => return Step::Rested,
            Turn::Over => {
                self.is_told = true;
                self.publish();
                return Step::Over;
            }
            Turn::Play(frame) => self.play(frame, None, tick, now, with),
            Turn::Fade(frame, step) => self.play(frame, Some(step), tick, now, with),
        }
        if late > UNDERRUN {
            self.session.underrun(1);
        }
        self.session.advanced(&self.playback);
        match self.playback.state().is_over() {
            true => Step::Over,
            false => Step::Played,
        }
    }

    fn play(&mut self, frame: u32, fading: Option<u8>, tick: Tick, now: Moment, with: &mut Sender<'_>) {
        let elapsed = tick.saturating_sub(self.started) / FRAME_MS;
        let Some(line) = &mut self.line else {
            self.session.sent();
            return;
        };
        let payload = payload(&mut self.fader, &self.prepared, frame, fading);
        // Silence is nothing that is sent: the receiver's clock goes on without it.
        let Some(payload) = payload.filter(|payload| !payload.is_empty()) else {
            return;
        };
        let is_first = self.last_sent.is_none_or(|last| last + 1 != elapsed);
        match line.send(payload, elapsed, is_first, with.packet, now) {
            Sending::Sent => self.session.sent(),
            Sending::Lost => self.session.underrun(1),
            Sending::Dead(kind) => {
                self.session.underrun(1);
                return self.fail(unreachable(kind));
            }
        }
        self.last_sent = Some(elapsed);
        line.report(with.reports, Clock::utc, now);
    }

    /// Turns of the wheel before `tick` were left out. Gives how many frames were missed: none while it rests, or before it began.
    pub(super) fn skipped(&mut self, tick: Tick, turns: u64) -> u64 {
        let turns = turns.min(tick.saturating_sub(self.started) / FRAME_MS);
        if self.playback.state() != PlaybackState::Playing {
            return 0;
        }
        self.session.underrun(u32::try_from(turns).unwrap_or(u32::MAX));
        turns
    }

    /// A control; what it changes is heard from the next frame on.
    pub(super) fn control(
        &mut self,
        control: &Control,
        rendered: Option<Arc<Prepared>>,
    ) -> Result<(), Refused> {
        self.playback.control(control)?;
        if let Some(rendered) = rendered {
            self.playback.replace(rendered.shape().clone());
            self.prepared = rendered;
        }
        self.publish();
        Ok(())
    }

    /// The next 20 ms for a call: writes the frame, or leaves it silent. Whether it goes on.
    pub(super) fn next_frame(&mut self, into: &mut audio::Frame) -> bool {
        let (frame, fading) = match self.playback.turn() {
            Turn::Play(frame) => (frame, None),
            Turn::Fade(frame, step) => (frame, Some(step)),
            Turn::Rest => return true,
            Turn::Over => {
                self.is_told = true;
                self.publish();
                return false;
            }
        };
        let payload = payload(&mut self.fader, &self.prepared, frame, fading);
        if let Some(payload) = payload.and_then(|payload| payload.try_into().ok()) {
            *into = payload;
        }
        self.session.sent();
        self.session.advanced(&self.playback);
        true
    }

    /// A key or a voice.
    pub(super) fn hear(&mut self, cause: Cause) -> Heard {
        let heard = match cause {
            Cause::Key(digit) => self.playback.key(digit),
            Cause::Voice => self.playback.voice(),
        };
        match heard {
            Heard::NotAnInterruption => return heard,
            Heard::Now => self.is_told = true,
            Heard::Later => {}
        }
        self.publish();
        heard
    }

    /// It can't go on.
    pub(super) fn fail(&mut self, reason: String) {
        self.playback.fail();
        self.session.failed(reason);
        self.publish();
    }

    pub(super) fn is_over(&self) -> bool {
        self.playback.state().is_over()
    }

    /// Says goodbye to who listens.
    pub(super) fn hang_up(&self, reports: &Reports, now: Moment) {
        if let Some(line) = &self.line {
            line.bye(reports, Clock::utc(), now);
        }
    }

    fn publish(&self) {
        self.session.changed(&self.playback, self.is_told);
    }
}

/// What is sent in the 20 ms of a frame, as it is or at a step of a fade.
fn payload<'a>(
    fader: &'a mut Option<Fader>,
    prepared: &'a Prepared,
    frame: u32,
    fading: Option<u8>,
) -> Option<&'a [u8]> {
    match fading {
        None => Some(prepared.payload(frame)),
        Some(step) => faded(fader, prepared, frame, step),
    }
}

/// The payload of a frame that fades; what can't be encoded is silence.
fn faded<'a>(fader: &'a mut Option<Fader>, prepared: &Prepared, frame: u32, step: u8) -> Option<&'a [u8]> {
    if step == 0 || fader.is_none() {
        *fader = Fader::new(prepared, frame).ok();
    }
    fader.as_mut()?.payload(prepared, frame, step).ok()
}

fn unreachable(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::ConnectionRefused => {
            "nobody listens at the destination; start the receiver first, or check its port".to_owned()
        }
        other => format!("the destination can't be reached: {other}"),
    }
}
