//! The prompts on their way to the caller, and the keys that came before they were wanted.

use super::{Digit, PLAY_PATIENCE, PlayId, RECONNECTED_PATIENCE, START_PATIENCE};
use std::{collections::VecDeque, fmt, time::Duration};
use wire::{KeySet, ShownDigit, ids::PromptId};

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

/// Makes everything before a protected line protected: a key clears the whole queue of the platform.
pub(super) fn protect_up_to_the_last(lines: &mut [Line]) {
    let protected = lines.iter().rposition(|line| line.protected).unwrap_or(0);
    for line in lines.iter_mut().take(protected) {
        line.protected = true;
    }
}

/// The plays whose end has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    last: u64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    play: PlayId,
    line: Line,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Sent,
    /// The connection broke since it was sent.
    Doubtful,
    Started,
}

impl Queue {
    pub(super) fn add(&mut self, line: Line) -> PlayId {
        self.last += 1;
        let play = PlayId(self.last);
        self.waiting.push(Waiting {
            play,
            line,
            progress: Progress::Sent,
        });
        play
    }

    /// A play is heard now. What was to be heard before it never will be: that is given back. `None` when the play
    /// belongs to a queue that was stopped.
    pub(super) fn started(&mut self, play: PlayId) -> Option<Vec<Line>> {
        let at = self.place(play)?;
        let skipped = self.waiting.drain(..at).map(|waiting| waiting.line).collect();
        if let Some(first) = self.waiting.first_mut() {
            first.progress = Progress::Started;
        }
        Some(skipped)
    }

    /// Takes out a play; `None` when it belongs to a queue that was stopped.
    pub(super) fn finished(&mut self, play: PlayId) -> Option<Line> {
        let at = self.place(play)?;
        Some(self.waiting.remove(at).line)
    }

    fn place(&self, play: PlayId) -> Option<usize> {
        self.waiting.iter().position(|waiting| waiting.play == play)
    }

    /// The plays that did not start may have been lost. Whether the first is in doubt only now.
    pub(super) fn doubt(&mut self) -> bool {
        let is_news = self.first_is(Progress::Sent);
        for waiting in &mut self.waiting {
            if waiting.progress == Progress::Sent {
                waiting.progress = Progress::Doubtful;
            }
        }
        is_news
    }

    /// How long to wait for news of the first play.
    pub(super) fn patience(&self) -> Duration {
        match self.waiting.first().map(|waiting| waiting.progress) {
            Some(Progress::Started) => PLAY_PATIENCE,
            Some(Progress::Doubtful) => RECONNECTED_PATIENCE,
            Some(Progress::Sent) | None => START_PATIENCE,
        }
    }

    fn first_is(&self, progress: Progress) -> bool {
        self.waiting
            .first()
            .is_some_and(|waiting| waiting.progress == progress)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_protected(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.line.protected)
    }

    pub(super) fn clear(&mut self) -> impl Iterator<Item = Line> {
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|waiting| waiting.line)
    }
}

/// A key that was pressed.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) digit: Digit,
    /// It was pressed when a secret was asked for.
    pub(super) secret: bool,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ShownDigit::new(self.digit, self.secret), f)
    }
}

/// Keys that were pressed before anything asked for them.
#[derive(Debug, Default)]
pub(super) struct Typed(VecDeque<Key>);

impl Typed {
    pub(super) fn push(&mut self, key: Key) {
        if self.0.len() < MAX_TYPED_AHEAD {
            self.0.push_back(key);
        }
    }

    pub(super) fn next(&mut self) -> Option<Key> {
        self.0.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
