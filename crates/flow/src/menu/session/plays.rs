//! The prompts on their way to the caller, and the keys that came before they were wanted.

use super::{Digit, PlayId};
use std::collections::VecDeque;
use wire::{KeySet, ids::PromptId};

/// Most keys kept while nothing asks for them; what is pressed beyond that is lost.
pub const MAX_TYPED_AHEAD: usize = 32;

/// Something to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) prompt: PromptId,
    /// Keys don't cut it off.
    pub(super) protected: bool,
}

impl Line {
    pub(super) fn open(prompt: &PromptId) -> Self {
        Self {
            prompt: prompt.clone(),
            protected: false,
        }
    }

    pub(super) fn protected(prompt: &PromptId) -> Self {
        Self {
            prompt: prompt.clone(),
            protected: true,
        }
    }

    pub(super) fn barge_in(&self) -> KeySet {
        if self.protected { KeySet::NONE } else { KeySet::ALL }
    }
}

/// The plays whose end has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    last: u64,
    waiting: Vec<(PlayId, Line)>,
}

impl Queue {
    pub(super) fn add(&mut self, line: Line) -> PlayId {
        self.last += 1;
        let play = PlayId(self.last);
        self.waiting.push((play, line));
        play
    }

    /// Takes out a play; `None` when it belongs to a queue that was stopped.
    pub(super) fn finished(&mut self, play: PlayId) -> Option<Line> {
        let at = self.waiting.iter().position(|(waiting, _)| *waiting == play)?;
        Some(self.waiting.remove(at).1)
    }

    pub(super) fn holds(&self, play: PlayId) -> bool {
        self.waiting.iter().any(|(waiting, _)| *waiting == play)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_protected(&self) -> bool {
        self.waiting.iter().any(|(_, line)| line.protected)
    }

    pub(super) fn clear(&mut self) -> impl Iterator<Item = Line> {
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(_, line)| line)
    }
}

/// Keys that were pressed before anything asked for them.
#[derive(Debug, Default)]
pub(super) struct Typed(VecDeque<Digit>);

impl Typed {
    pub(super) fn push(&mut self, digit: Digit) {
        if self.0.len() < MAX_TYPED_AHEAD {
            self.0.push_back(digit);
        }
    }

    pub(super) fn next(&mut self) -> Option<Digit> {
        self.0.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
