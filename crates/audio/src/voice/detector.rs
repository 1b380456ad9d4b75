//! Frames in, speech out.

use super::gate::Gate;
use super::pitch::{self, has_pitch};
use super::upsample::Upsampler;
use super::{STEP, STEP_MS};

/// Steps that are kept, to be given to the network when the gate opens: it looks at 48 ms, and at two steps before.
const KEPT: usize = 3;
/// Steps for which the network goes on listening after the gate has closed. It has to forget often: when it listens to noise for
/// long, it begins to hear voices in it (with pink noise at -26 dB some twelve times a minute).
const LINGER: u32 = 4;

/// Steps with a pitch without which nothing is speech.
const PITCHED: u64 = 2;
/// How many steps before the ones that it takes somebody can have begun: a long hiss, or a word of short bits. What is older was
/// a noise of its own.
const BEGINNING: u64 = 20;

/// When something counts as speech.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much speech it takes until it has begun, in milliseconds: less is quicker, more ignores longer coughs.
    pub sustained_ms: u32,
    /// How much silence it takes until it has ended, in milliseconds. Pauses between words are up to 300.
    pub hangover_ms: u32,
    /// How loud a voice is at the least, in dB of full scale: what is below is somebody in the background. Callers have -40 to -15.
    pub quietest_db: f32,
    /// How sure the network must be, 0.0 to 1.0.
    pub certainty: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sustained_ms: 80,
            hangover_ms: 480,
            quietest_db: -45.0,
            certainty: 0.5,
        }
    }
}

/// What the detector heard. Times are in milliseconds since its first sample, in steps of 16 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody speaks.
    Began {
        /// Since when.
        at_ms: u64,
    },
    /// He has ended; told after the hangover.
    Ended {
        /// The end of his last word.
        at_ms: u64,
        /// How long he spoke.
        duration_ms: u64,
    },
}

/// Finds speech in sound at 8000 Hz. Takes frames of any length, allocates nothing after it was made, and holds 11 KB.
pub struct Detector {
    settings: Settings,
    gate: Gate,
    upsampler: Upsampler,
    network: Box<earshot::Detector>,
    pending: [f32; STEP],
    filled: usize,
    /// The last steps, oldest first.
    kept: [[f32; STEP]; KEPT],
    /// For how many steps more the network listens.
    listening: u32,
    /// Steps so far.
    index: u64,
    state: State,
}

/// Times are in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many steps of voice, less so many without, since a step; and how many of them had a pitch.
    Quiet { voiced: u64, pitched: u64, since: u64 },
    /// Since a step, and until after the last one with a voice.
    Speaking { since: u64, until: u64 },
}

const NOBODY: State = State::Quiet {
    voiced: 0,
    pitched: 0,
    since: 0,
};

impl Detector {
    /// One for each stream of sound.
    pub fn new(settings: Settings) -> Detector {
        Detector {
            settings,
            gate: Gate::new(settings.quietest_db),
            upsampler: Upsampler::new(),
            network: Box::default(),
            pending: [0.0; STEP],
            filled: 0,
            kept: [[0.0; STEP]; KEPT],
            listening: 0,
            index: 0,
            state: NOBODY,
        }
    }

    /// Listens on. Samples are -1.0 to 1.0; what is beyond is clipped, and what is not a number is silence.
    pub fn push(&mut self, samples: &[f32], mut tell: impl FnMut(Event)) {
        for sample in samples {
            let sample = if sample.is_nan() { 0.0 } else { *sample };
            self.pending[self.filled] = sample.clamp(-1.0, 1.0);
            self.filled += 1;
            if self.filled == STEP {
                self.filled = 0;
                let voiced = self.judge();
                self.index += 1;
                if let Some(event) = self.weigh(voiced) {
                    tell(event);
                }
            }
        }
    }

    /// Whether somebody speaks now.
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking { .. })
    }

    /// Is this step a voice?
    fn judge(&mut self) -> bool {
        let open = self.gate.opens(&self.pending);
        if open && self.listening == 0 {
            self.wake();
        }
        if open {
            self.listening = LINGER;
        }
        let score = if self.listening > 0 {
            self.listening -= 1;
            self.network.predict_f32(&self.upsampler.double(&self.pending))
        } else {
            0.0
        };
        self.kept.rotate_left(1);
        self.kept[KEPT - 1] = self.pending;
        score >= self.settings.certainty
    }

    /// The network has not listened for a while: it forgets, and hears the last steps first.
    fn wake(&mut self) {
        self.network.reset();
        self.upsampler = Upsampler::new();
        for step in &self.kept {
            self.network.predict_f32(&self.upsampler.double(step));
        }
    }

    fn weigh(&mut self, voiced: bool) -> Option<Event> {
        match self.state {
            State::Quiet { voiced: 0, .. } if !voiced => None,
            State::Quiet { voiced: 0, .. } => self.weigh_in_silence(voiced, 0, 0, self.index - 1),
            State::Quiet {
                voiced: before,
                pitched,
                since,
            } => self.weigh_in_silence(voiced, before, pitched, since),
            State::Speaking { since, until } => self.weigh_in_speech(voiced, since, until),
        }
    }

    fn weigh_in_silence(&mut self, voiced: bool, before: u64, pitched: u64, since: u64) -> Option<Event> {
        let count = if voiced { before + 1 } else { before - 1 };
        let pitched = pitched + u64::from(voiced && pitched < PITCHED && self.has_pitch());
        let needed = u64::from(self.settings.sustained_ms).div_ceil(STEP_MS).max(1);
        if count >= needed && pitched >= PITCHED && !self.gate.is_steady() {
            let since = since.max(self.index.saturating_sub(needed + BEGINNING));
            self.state = State::Speaking {
                since,
                until: self.index,
            };
            return Some(Event::Began {
                at_ms: since * STEP_MS,
            });
        }
        let voiced = count.min(needed);
        self.state = State::Quiet {
            voiced,
            pitched,
            since,
        };
        None
    }

    fn has_pitch(&self) -> bool {
        let mut window = [0.0; pitch::WINDOW];
        window[..STEP].copy_from_slice(&self.kept[KEPT - 2]);
        window[STEP..].copy_from_slice(&self.kept[KEPT - 1]);
        has_pitch(&window)
    }

    fn weigh_in_speech(&mut self, voiced: bool, since: u64, until: u64) -> Option<Event> {
        let until = if voiced { self.index } else { until };
        if (self.index - until) * STEP_MS <= u64::from(self.settings.hangover_ms) {
            self.state = State::Speaking { since, until };
            return None;
        }
        self.state = NOBODY;
        Some(Event::Ended {
            at_ms: until * STEP_MS,
            duration_ms: (until - since) * STEP_MS,
        })
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Detector({:?} after {} ms)", self.state, self.index * STEP_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_a_voice_now_and_then_is_no_beginning() {
        let mut detector = Detector::new(Settings::default());
        // The level changes, unlike that of a machine.
        let step = std::array::from_fn(|n| if n % 2 == 0 { 0.5 } else { -0.5 });
        detector.gate.opens(&step);
        detector.index = 1000;
        detector.state = State::Quiet {
            voiced: 4,
            pitched: PITCHED,
            since: 10,
        };
        let Some(Event::Began { at_ms }) = detector.weigh(true) else {
            unreachable!("it was about to begin");
        };
        assert_eq!(at_ms, (1000 - 25) * STEP_MS);
    }
}
