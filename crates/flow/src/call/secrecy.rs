//! Which of a caller's keys are secret: those after a prompt that asks for a PIN, a card number or the like.

use super::leg::LegEvent;
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};
use wire::{Digit, ShownDigit, ids::PromptId};

/// The prompts after which keys are secret. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SensitivePrompts(Arc<BTreeSet<PromptId>>);

impl SensitivePrompts {
    /// These prompts.
    pub fn new(prompts: impl IntoIterator<Item = PromptId>) -> Self {
        Self(Arc::new(prompts.into_iter().collect()))
    }

    /// Whether what a command plays is one of them.
    fn has(&self, audio: &str) -> bool {
        self.0.iter().any(|prompt| is_prompt(audio, prompt))
    }
}

/// Follows what a caller is asked, and shows keys accordingly.
#[derive(Debug)]
pub(super) struct Secrecy {
    prompts: SensitivePrompts,
    /// A sensitive prompt was the last that began, or it was cut off before it could begin.
    asked: bool,
}

impl Secrecy {
    pub(super) fn new(prompts: SensitivePrompts) -> Self {
        Self {
            prompts,
            asked: false,
        }
    }

    /// A prompt began or is over.
    pub(super) fn note(&mut self, event: &LegEvent) {
        match event {
            LegEvent::Started(item) => self.asked = self.prompts.has(&item.audio),
            LegEvent::Finished { item, .. } => self.asked |= self.prompts.has(&item.audio),
        }
    }

    /// A prompt of somebody else began.
    pub(super) fn began(&mut self, audio: &str) {
        self.asked = self.prompts.has(audio);
    }

    /// A key that is pressed while these prompts play or wait: who knows the line types before it asks.
    pub(super) fn show<'a>(&self, digit: Digit, mut on_the_way: impl Iterator<Item = &'a str>) -> ShownDigit {
        ShownDigit::new(
            digit,
            self.asked || on_the_way.any(|audio| self.prompts.has(audio)),
        )
    }
}

/// Whether what a command plays is this prompt: the id itself, or a file of that name.
pub(super) fn is_prompt(audio: &str, prompt: &PromptId) -> bool {
    let path = audio.split(['?', '#']).next().unwrap_or(audio);
    let file = unescaped(path.rsplit('/').next().unwrap_or(path));
    let stem = file.rsplit_once('.').map_or(file.as_ref(), |(stem, _)| stem);
    [audio, &file, stem].contains(&prompt.as_str())
}

/// A part of a URL without its `%20`s.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_known_by_its_id_and_by_its_file() {
        let prompt = "enter pin".parse().unwrap();
        for audio in [
            "enter pin",
            "enter pin.wav",
            "https://center/audio/enter%20pin.mp3",
            "https://center/audio/enter%20pin.mp3?v=1.2#x",
            "https://center/audio/%65nter pin",
        ] {
            assert!(is_prompt(audio, &prompt), "{audio}");
        }
        for audio in [
            "pin",
            "enter pin/x",
            "enter%2",
            "enter%zzpin",
            "%",
            "enter_pin",
            "",
        ] {
            assert!(!is_prompt(audio, &prompt), "{audio}");
        }
    }
}
