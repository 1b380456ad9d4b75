//! One playback: which frame is next, and how it ends (contract section 3).
//!
//! The driver owns sound, sockets and the clock: every 20 ms it asks for a [`Turn`] and carries it out. Everything else (controls, keys, voice) changes
//! what the next turn is. So a cut-off takes effect with the next frame, whoever asks for it, and seeking is exact to the frame.

mod cut;
#[cfg(test)]
mod tests;

use cut::Cut;
use std::sync::Arc;
use wire::{
    Digit,
    playback::{Control, Interruptibility, PlaybackState},
};

/// The length of a frame, in milliseconds.
pub const FRAME_MS: u64 = 20;
/// Frames in which a prompt fades out: 150 ms, of which the last frame is half silent.
pub const FADE_FRAMES: u8 = 8;

/// What a playback needs to know of its prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// How many frames it has.
    pub frames: u32,
    /// Where a phrase may end: every frame in a pause, and the number of frames. In order.
    pub phrase_ends: Arc<[u32]>,
}

/// What to do in the 20 ms that begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Play a frame as it is.
    Play(u32),
    /// Play a frame at the given step of the fade, counted from 0 to [`FADE_FRAMES`] - 1.
    Fade(u32, u8),
    /// Send nothing: it is paused, or not ready.
    Rest,
    /// Send nothing any more.
    Over,
}

/// Who interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A key.
    Key(Digit),
    /// Somebody spoke.
    Voice,
}

/// That a playback was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// By what.
    pub cause: Cause,
    /// Where the prompt was when it happened, in milliseconds; it may have been played further while it faded or drained.
    pub at_ms: u64,
}

/// What becomes of a key or of voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is handed on now, and the prompt ends, at once or fading.
    Now,
    /// It is handed on when the phrase is over: by [`Playback::handed_on`].
    Later,
    /// It does not interrupt: it is not allowed to, or something else did before, or nothing plays.
    NotAnInterruption,
}

/// Why a control is refused: 409, or 400 for a place beyond the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is over, or about to be.
    #[error("the playback is {}; start a new session", .0.as_str())]
    State(PlaybackState),
    /// The prompt is shorter.
    #[error("positionMs must be at most {0}, the length of the prompt")]
    BeyondEnd(u64),
}

/// One playback.
#[derive(Debug, Clone)]
pub struct Playback {
    shape: Shape,
    interruptibility: Interruptibility,
    state: PlaybackState,
    /// The frame that is played next.
    next: u32,
    /// Frames that were really played.
    played: u64,
    cut: Option<Cut>,
    interruption: Option<Interruption>,
    /// An interruption whose phrase is over, until it is taken.
    due: Option<Cause>,
}

impl Playback {
    /// A playback that is not started yet: `buffering`.
    pub fn new(shape: Shape, interruptibility: Interruptibility) -> Self {
        Self {
            shape,
            interruptibility,
            state: PlaybackState::Buffering,
            next: 0,
            played: 0,
            cut: None,
            interruption: None,
            due: None,
        }
    }

    /// The prompt is ready.
    pub fn start(&mut self) {
        if self.state == PlaybackState::Buffering {
            self.state = PlaybackState::Playing;
        }
    }

    /// What the next 20 ms are. To be asked once for each.
    pub fn turn(&mut self) -> Turn {
        match self.state {
            PlaybackState::Playing => {}
            PlaybackState::Buffering | PlaybackState::Paused => return Turn::Rest,
            _ => return Turn::Over,
        }
        if self.cut.as_ref().is_some_and(|cut| cut.is_over(self.next)) {
            return self.be_interrupted();
        }
        if self.next >= self.shape.frames {
            return match self.cut {
                Some(_) => self.be_interrupted(),
                None => self.end(PlaybackState::Completed),
            };
        }
        let frame = self.next;
        self.next += 1;
        self.played += 1;
        match &mut self.cut {
            Some(Cut::Fade { step }) => {
                *step += 1;
                Turn::Fade(frame, *step - 1)
            }
            _ => Turn::Play(frame),
        }
    }

    /// A key went down.
    pub fn key(&mut self, digit: Digit) -> Heard {
        match self.interruptibility.dtmf {
            true => self.interrupt(Cause::Key(digit)),
            false => Heard::NotAnInterruption,
        }
    }

    /// Somebody began to speak.
    pub fn voice(&mut self) -> Heard {
        match self.interruptibility.voice {
            true => self.interrupt(Cause::Voice),
            false => Heard::NotAnInterruption,
        }
    }

    /// The interruption that waited for the end of its phrase, once.
    pub fn handed_on(&mut self) -> Option<Cause> {
        self.due.take()
    }

    /// Carries out a control. Asking for what is so already is no fault. A new volume changes nothing here but needs a playback
    /// that goes on: the driver puts [`Playback::replace`] what it made.
    pub fn control(&mut self, control: &Control) -> Result<(), Refused> {
        if matches!(control, Control::Stop) && self.state == PlaybackState::Stopped {
            return Ok(());
        }
        if self.state.is_over() {
            return Err(Refused::State(self.state));
        }
        if matches!(control, Control::Stop) {
            self.end(PlaybackState::Stopped);
            return Ok(());
        }
        if self.cut.is_some() {
            return Err(Refused::State(PlaybackState::Interrupted));
        }
        match control {
            Control::Pause if self.state == PlaybackState::Playing => self.state = PlaybackState::Paused,
            Control::Resume if self.state == PlaybackState::Paused => self.state = PlaybackState::Playing,
            Control::Seek { position_ms } => self.seek(*position_ms)?,
            Control::Restart => {
                self.next = 0;
                if self.state == PlaybackState::Paused {
                    self.state = PlaybackState::Playing;
                }
            }
            Control::Pause | Control::Resume | Control::Volume(_) | Control::Stop => {}
        }
        Ok(())
    }

    /// Goes on with another rendering of the prompt, at the same place.
    pub fn replace(&mut self, shape: Shape) {
        self.next = self.next.min(shape.frames);
        self.shape = shape;
    }

    /// It can't go on.
    pub fn fail(&mut self) {
        if !self.state.is_over() {
            self.end(PlaybackState::Failed);
        }
    }

    /// Where it stands.
    pub fn state(&self) -> PlaybackState {
        self.state
    }

    /// The place in the prompt, in milliseconds.
    pub fn position_ms(&self) -> u64 {
        u64::from(self.next) * FRAME_MS
    }

    /// The length of the prompt, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        u64::from(self.shape.frames) * FRAME_MS
    }

    /// How many frames were really played; what was sought over does not count, what was heard twice counts twice.
    pub fn played_frames(&self) -> u64 {
        self.played
    }

    /// How long was really played, in milliseconds.
    pub fn played_ms(&self) -> u64 {
        self.played * FRAME_MS
    }

    /// What interrupted it, from the moment it did.
    pub fn interruption(&self) -> Option<Interruption> {
        self.interruption
    }

    fn interrupt(&mut self, cause: Cause) -> Heard {
        let is_live = matches!(self.state, PlaybackState::Playing | PlaybackState::Paused);
        if !is_live || self.cut.is_some() {
            return Heard::NotAnInterruption;
        }
        self.interruption = Some(Interruption {
            cause,
            at_ms: self.position_ms(),
        });
        // Of what is paused nothing is heard that could fade.
        self.cut = match self.state {
            PlaybackState::Paused => None,
            _ => Cut::new(self.interruptibility.cutoff, self.next, &self.shape),
        };
        match self.cut {
            None => {
                self.state = PlaybackState::Interrupted;
                Heard::Now
            }
            Some(Cut::Fade { .. }) => Heard::Now,
            Some(Cut::Drain { .. }) => Heard::Later,
        }
    }

    fn be_interrupted(&mut self) -> Turn {
        if matches!(self.cut, Some(Cut::Drain { .. })) {
            self.due = self.interruption.map(|interruption| interruption.cause);
        }
        self.end(PlaybackState::Interrupted)
    }

    fn end(&mut self, state: PlaybackState) -> Turn {
        self.cut = None;
        self.state = state;
        Turn::Over
    }

    fn seek(&mut self, position_ms: u64) -> Result<(), Refused> {
        let frame = u32::try_from(position_ms / FRAME_MS).unwrap_or(u32::MAX);
        if frame > self.shape.frames {
            return Err(Refused::BeyondEnd(self.duration_ms()));
        }
        self.next = frame;
        Ok(())
    }
}
