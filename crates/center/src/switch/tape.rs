//! A line's way to its recording.

use super::recorder::{Recorder, RecordingId};
use audio::FRAME_SAMPLES;
use flow::call::Tick;

/// Frames that are collected before they go to the disk: one second.
const CHUNK_FRAMES: u64 = 50;

/// What is recorded of a call.
pub(super) struct Tape {
    pub(super) id: RecordingId,
    /// Recording may be turned off and on again.
    pub(super) running: bool,
    pending: Vec<u8>,
    frames: u64,
}

impl Tape {
    pub(super) fn new(id: RecordingId) -> Self {
        Self {
            id,
            running: true,
            pending: Vec::new(),
            frames: 0,
        }
    }

    /// Adds 20 ms. Whether there is enough for the disk.
    pub(super) fn add(&mut self, tick: &Tick) -> bool {
        self.pending.reserve(2 * FRAME_SAMPLES);
        let both = tick.heard.iter().zip(&tick.said);
        self.pending
            .extend(both.flat_map(|(heard, said)| [*heard, *said]));
        self.frames += 1;
        self.frames.is_multiple_of(CHUNK_FRAMES)
    }

    /// Hands what was collected to the recorder. `false` when the disk can't keep up: then it is lost.
    pub(super) fn flush(&mut self, recorder: &mut Recorder) -> bool {
        let bytes = std::mem::take(&mut self.pending);
        bytes.is_empty() || recorder.append(self.id, bytes)
    }

    /// How much was recorded.
    pub(super) fn duration_ms(&self) -> u64 {
        self.frames * audio::FRAME_MS
    }
}
