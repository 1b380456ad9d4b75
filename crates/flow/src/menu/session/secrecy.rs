//! Which of a caller's keys are secret: those of a sensitive menu, and those after a sensitive prompt.

/// What is asked now, and whether the caller can have heard it yet.
#[derive(Debug, Default)]
pub(super) struct Secrecy {
    /// The question that is open is sensitive.
    asked: bool,
    /// The question before it was, and nothing of the open one was heard: keys may still belong to that.
    lingers: bool,
}

impl Secrecy {
    /// The caller is asked something else, or the same again.
    pub(super) fn ask(&mut self, sensitive: bool) {
        self.lingers = !sensitive && self.holds();
        self.asked = sensitive;
    }

    /// The caller begins to hear a prompt of the question that is open.
    pub(super) fn heard(&mut self) {
        self.lingers = false;
    }

    /// Whether a key that comes now is secret.
    pub(super) fn holds(&self) -> bool {
        self.asked || self.lingers
    }
}
