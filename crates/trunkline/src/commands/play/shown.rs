//! The progress bar of a playback.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use jobs::playback::Place;

/// How far it is, where anybody sees it.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(output: &Output) -> Self {
        if !output.shows_progress() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{wide_bar} {prefix}  {msg}");
        Self(ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(super) fn show(&self, place: &Place) {
        if self.0.is_hidden() {
            return;
        }
        let (position, length) = (place.position_ms(), place.duration_ms);
        self.0.set_length(length);
        self.0.set_position(position);
        self.0.set_prefix(format!(
            "{} / {}  {}",
            seconds(position),
            seconds(length),
            place.state
        ));
    }

    /// Says something beside it.
    pub(super) fn say(&self, text: impl Into<std::borrow::Cow<'static, str>>) {
        self.0.set_message(text);
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// `1.2 s`.
pub(super) fn seconds(ms: u64) -> String {
    let tenths = ms.saturating_add(50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_to_a_tenth() {
        let told = [0, 49, 50, 1240, 61_000].map(seconds);
        assert_eq!(told, ["0.0 s", "0.0 s", "0.1 s", "1.2 s", "61.0 s"]);
    }
}
