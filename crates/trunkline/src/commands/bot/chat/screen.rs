//! What the terminal shows. Without a terminal: plain lines, `you: ...` and `bot: ...`.

use super::standing;
use crate::output::Output;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use flow::scenario::Heard;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};
use wire::conversation::Conversation;

const BOT: Style = AnsiColor::Cyan.on_default().bold();
const YOU: Style = AnsiColor::Green.on_default().bold();
const DIM: Style = Style::new().dimmed();
/// How fast the dots of a typing bot go.
const TICK: Duration = Duration::from_millis(180);

const HELP: &str = "\
  1, 2, ...      press a button
  /wait 10m      let time pass
  /state         how the conversation stands
  /context       what is kept with it
  /save FILE     write what was said as a scenario
  /quit          close the conversation";

pub(super) struct Screen {
    output: Output,
    /// There is a person who reads and types.
    is_live: bool,
    /// The line that asks is on the screen.
    is_asking: bool,
    typing: Option<ProgressBar>,
}

impl Screen {
    pub(super) fn new(output: &Output) -> Self {
        Self {
            output: *output,
            is_live: output.shows_progress() && io::stdin().is_terminal() && io::stdout().is_terminal(),
            is_asking: false,
            typing: None,
        }
    }

    pub(super) fn begin(&self, platform: &str, conversation: &str) {
        self.note(&format!("{conversation} on {platform}"));
        if self.is_live {
            self.note("/help says what you can do");
        }
    }

    /// Whether a person reads and types.
    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Asks for a line, unless it was asked for already: what was typed since stays.
    pub(super) fn ask(&mut self) {
        if self.is_live && !self.is_asking {
            self.is_asking = true;
            anstream::print!("{YOU}you{YOU:#}  ");
            let _ = io::stdout().flush();
        }
    }

    /// A line was typed: the terminal echoed it.
    pub(super) fn asked(&mut self) {
        self.is_asking = false;
    }

    /// What is sent. A terminal has shown it; of a button, its label is.
    pub(super) fn customer(&self, text: &str, pressed: Option<&str>) {
        match pressed {
            Some(label) if self.is_live => self.note(&format!("     you press {label}")),
            _ if self.is_live => {}
            Some(label) => self.output.line(format!("you: {label}")),
            None => self.output.line(format!("you: {}", printable(text))),
        }
    }

    pub(super) fn bot(&mut self, heard: &Heard) {
        let text = printable(&heard.text);
        self.is_asking = false;
        if self.is_live {
            // The line that asks is written over.
            anstream::print!("\r\x1b[2K");
            let text = text.replace('\n', "\n     ");
            self.output.line(format!("{BOT}bot{BOT:#}  {text}"));
        } else {
            self.output
                .line(format!("bot: {}", text.replace('\n', "\n     ")));
        }
        for (number, button) in (1..).zip(&heard.buttons) {
            self.output
                .line(format!("     {BOT}{number}{BOT:#} {}", printable(&button.label)));
        }
    }

    /// The bot may be typing.
    pub(super) fn typing(&mut self) {
        if !self.is_live || self.typing.is_some() {
            return;
        }
        let style = ProgressStyle::with_template("{spinner:.dim}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let style = style.tick_strings(&[
            "bot  ·  ",
            "bot  ·· ",
            "bot  ···",
            "bot   ··",
            "bot    ·",
            "bot     ",
            "",
        ]);
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(TICK);
        self.typing = Some(bar);
    }

    pub(super) fn clear(&mut self) {
        if let Some(bar) = self.typing.take() {
            bar.finish_and_clear();
        }
    }

    pub(super) fn state(&self, conversation: &Conversation) {
        self.output.line(format!(
            "{DIM}{}, version {}, bot {}, changed {}{DIM:#}",
            standing(conversation),
            conversation.version,
            conversation.bot_id.as_deref().unwrap_or("-"),
            conversation.updated_date
        ));
    }

    pub(super) fn context(&self, conversation: &Conversation) -> Result<()> {
        let context = &conversation.context;
        let text = serde_json::to_string_pretty(&context)?;
        self.output.line(format!(
            "{DIM}{}\n{} bytes{DIM:#}",
            printable(&text),
            context.size_bytes()
        ));
        Ok(())
    }

    pub(super) fn help(&self) {
        self.output.line(format!("{DIM}{HELP}{DIM:#}"));
    }

    pub(super) fn note(&self, text: &str) {
        self.output.note(format!("{DIM}{}{DIM:#}", printable(text)));
    }

    pub(super) fn fault(&self, error: &anyhow::Error) {
        self.output.fault(printable(&format!("{error:#}")));
    }

    pub(super) fn end(&self, conversation: &Conversation) {
        if self.is_live {
            anstream::println!();
        }
        self.note(&standing(conversation));
    }
}

/// What bots say must not steer the terminal.
fn printable(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bot_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\r"), "a\u{fffd}[2Jb\nc\u{fffd}");
    }
}
