//! How an interrupted prompt ends.

use super::{FADE_FRAMES, Shape};
use wire::playback::Cutoff;

/// A prompt that is interrupted and not silent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    /// It becomes silent in [`FADE_FRAMES`].
    Fade { step: u8 },
    /// It plays to the end of its phrase.
    Drain { until: u32 },
}

impl Cut {
    /// `None` when nothing more is to be heard.
    pub(super) fn new(cutoff: Cutoff, next: u32, shape: &Shape) -> Option<Self> {
        match cutoff {
            Cutoff::Immediate => None,
            Cutoff::Fade => Some(Self::Fade { step: 0 }),
            Cutoff::Drain => {
                let ends = &shape.phrase_ends;
                let at = ends.partition_point(|end| *end < next);
                let until = ends.get(at).copied().unwrap_or(shape.frames);
                Some(Self::Drain { until })
            }
        }
    }

    pub(super) fn is_over(&self, next: u32) -> bool {
        match self {
            Self::Fade { step } => *step >= FADE_FRAMES,
            Self::Drain { until } => next >= *until,
        }
    }
}
