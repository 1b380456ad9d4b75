//! What a line means.

use std::time::Duration;
use wire::conversation::Button;

/// What was typed.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Nothing,
    Message {
        text: String,
        /// The label of the button that was pressed.
        pressed: Option<String>,
    },
    Wait(Duration),
    State,
    Context,
    Save(String),
    Help,
    Quit,
    /// It can't be done; holds why.
    Unknown(String),
}

impl Said {
    pub(super) fn read(line: &str, buttons: &[Button]) -> Self {
        let line = &plain(line);
        let line = line.trim();
        let Some(command) = line.strip_prefix('/') else {
            return Self::message(line, buttons);
        };
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let argument = argument.trim();
        match (name, argument) {
            ("quit" | "q" | "exit", _) => Self::Quit,
            ("state", _) => Self::State,
            ("context", _) => Self::Context,
            ("help" | "?", _) => Self::Help,
            ("save", "") => Self::Unknown("say where to, such as /save refund.yaml".into()),
            ("save", file) => Self::Save(file.to_owned()),
            ("wait", time) => match flow::scenario::duration(time) {
                Some(time) => Self::Wait(time),
                None => Self::Unknown("say how long, such as /wait 10m".into()),
            },
            _ => Self::Unknown(format!("/{name} is not known; /help says what is")),
        }
    }

    fn message(line: &str, buttons: &[Button]) -> Self {
        if line.is_empty() {
            return Self::Nothing;
        }
        let number = line
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let pressed = number.and_then(|index| buttons.get(index)).or_else(|| {
            buttons
                .iter()
                .find(|button| button.label.eq_ignore_ascii_case(line))
        });
        Self::Message {
            text: pressed.map_or(line, |button| &button.value).to_owned(),
            pressed: pressed.map(|button| button.label.clone()),
        }
    }
}

/// The line without what keys such as arrows send, and without other control characters.
fn plain(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.next_if(|next| matches!(next, '[' | 'O')).is_some() => {
                // Up to the letter that ends it.
                chars.by_ref().find(|next| matches!(next, '@'..='~'));
            }
            '\t' => kept.push(' '),
            c if c.is_control() => {}
            c => kept.push(c),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_buttons_and_commands() {
        let buttons = [("Yes", "y-1"), ("No", "n-1")].map(|(label, value)| Button {
            label: label.into(),
            value: value.into(),
        });
        let pressed = |text: &str, label: &str| Said::Message {
            text: text.into(),
            pressed: Some(label.into()),
        };
        let plain = |text: &str| Said::Message {
            text: text.into(),
            pressed: None,
        };
        assert_eq!(Said::read("2", &buttons), pressed("n-1", "No"));
        assert_eq!(Said::read(" yes ", &buttons), pressed("y-1", "Yes"));
        assert_eq!(Said::read("3", &buttons), plain("3"));
        assert_eq!(Said::read("a\u{1b}[A\u{1b}[1;5Cb\u{8}\tc\n", &[]), plain("ab c"));
        assert_eq!(Said::read("2", &[]), plain("2"));
        assert_eq!(Said::read("  ", &buttons), Said::Nothing);
        assert_eq!(
            Said::read("/wait 1h30m", &[]),
            Said::Wait(Duration::from_secs(5400))
        );
        assert_eq!(Said::read("/save a b.yaml", &[]), Said::Save("a b.yaml".into()));
        assert_eq!(Said::read("/q", &[]), Said::Quit);
        assert!(matches!(Said::read("/wait", &[]), Said::Unknown(_)));
        assert!(matches!(Said::read("/dance", &[]), Said::Unknown(_)));
    }
}
