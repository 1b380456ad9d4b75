//! A call's story: what happened in the call and what the menu made of it, by time.

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::fmt::Write as _;
use wire::{
    ShownDigit, UtcTime,
    calls::{CallRecord, Happening, Moment},
};

const QUIET: Style = Style::new().dimmed();
const KEY: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)))
    .bold();
const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const MENU: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Magenta)));

/// The story as lines for people; `audit` holds the log's entries for this call.
pub(crate) fn tell(record: &CallRecord, audit: &[Value]) -> String {
    // A prompt that was cleared from the queue was never heard.
    let heard = |moment: &&Moment| !matches!(moment.what, Happening::PromptFinished { played_ms: 0, .. });
    let moments = record.timeline.iter().filter(heard);
    let mut lines: Vec<(f64, String)> = moments
        .map(|moment| (moment.at_ms, happening(&moment.what)))
        .collect();
    lines.extend(
        audit
            .iter()
            .filter(|entry| entry["actor"] == "menu")
            .map(|entry| {
                let at = entry["at"]
                    .as_str()
                    .and_then(|at| at.parse::<UtcTime>().ok())
                    .unwrap_or(record.placed_at);
                let since = at.timestamp().duration_since(record.placed_at.timestamp());
                (since.as_secs_f64() * 1000.0, menu_line(entry))
            }),
    );
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    lines.iter().fold(String::new(), |mut story, (at, line)| {
        let _ = writeln!(story, "  {QUIET}{:>8.3} s{QUIET:#}  {line}", at / 1000.0);
        story
    })
}

fn happening(what: &Happening) -> String {
    match what {
        Happening::Placed => "the caller dials".into(),
        Happening::Answered => "answered".into(),
        Happening::PromptStarted { prompt } => format!("hears   {prompt}"),
        Happening::PromptFinished {
            prompt,
            reason,
            played_ms,
        } => {
            format!("{QUIET}ends    {prompt} ({reason}, {played_ms} ms heard){QUIET:#}")
        }
        Happening::KeyPressed { digit } => format!("{KEY}presses {}{KEY:#}", key(*digit, "")),
        Happening::CutOff { digit, after_ms } => {
            format!(
                "{KEY}silence {after_ms:.1} ms after {}{KEY:#}",
                key(*digit, "key ")
            )
        }
        Happening::Speaks { duration_ms } => format!("{KEY}speaks for {duration_ms} ms{KEY:#}"),
        Happening::ControllerLost => "the controller is gone".into(),
        Happening::ControllerBack => "the controller is back".into(),
        Happening::FallbackStarted => "nobody came back: the center takes over".into(),
        Happening::Transferred { target } => format!("{GOOD}transferred to {target}{GOOD:#}"),
        Happening::Ended { cause } => format!("over ({cause})"),
    }
}

fn key(digit: ShownDigit, before: &str) -> String {
    match digit {
        ShownDigit::Shown(digit) => format!("{before}{digit}"),
        ShownDigit::Masked => "a secret key".into(),
    }
}

/// An audit entry: its name and its fields.
fn menu_line(entry: &Value) -> String {
    let action = entry["action"].as_str().unwrap_or("?");
    let name = action.strip_prefix("menu.").unwrap_or(action).replace('_', " ");
    let parts = [&entry["detail"], &entry["personal"]];
    let fields = parts.into_iter().filter_map(Value::as_object).flatten();
    let fields: Vec<String> = fields
        .map(|(field, value)| match value {
            Value::String(text) => format!("{field}={text}"),
            other => format!("{field}={other}"),
        })
        .collect();
    format!("{MENU}menu    {name}{MENU:#} {}", fields.join(" "))
}
