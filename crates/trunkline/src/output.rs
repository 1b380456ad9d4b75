//! What goes to the terminal: results to standard output, talk to standard error, JSON when asked for.

use audit::mask;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, IsTerminal},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

const RED: anstyle::Style = anstyle::Style::new()
    .fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Red)))
    .bold();

/// What was typed can't be done: exit code 2. Holds why, with the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// Decides once what is printed, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether a progress bar would be seen.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// A result for people; left out when JSON is wanted.
    pub(crate) fn line(self, text: impl Display) {
        if !self.json {
            anstream::println!("{text}");
        }
    }

    /// A result for programs.
    pub(crate) fn json(self, value: &impl Serialize) {
        if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(text) => anstream::println!("{text}"),
                Err(error) => anstream::eprintln!("error: {error}"),
            }
        }
    }

    /// Something that is good to know while waiting.
    pub(crate) fn note(self, text: impl Display) {
        if !self.quiet && !self.json {
            anstream::eprintln!("{text}");
        }
    }

    /// A fault of what was typed; programs get it as JSON.
    pub(crate) fn fault(self, text: impl Display) {
        if !self.json {
            anstream::eprintln!("{RED}error:{RED:#} {text}");
        }
    }

    /// An error with its causes, and the exit code that belongs to it.
    pub(crate) fn error(self, error: &anyhow::Error) -> ExitCode {
        let code = ExitCode::from(if error.is::<Misuse>() { 2 } else { 1 });
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        if self.json {
            self.json(&serde_json::json!({"error": causes.first(), "causes": causes.get(1..)}));
            return code;
        }
        self.fault(causes.first().map_or("", String::as_str));
        let mut said = causes.first().cloned().unwrap_or_default();
        for cause in causes.iter().skip(1) {
            // Many errors repeat their source in their own text.
            if !said.contains(cause.as_str()) {
                anstream::eprintln!("  because: {cause}");
                said.push_str(cause);
            }
        }
        code
    }
}

/// Logs go to standard error: warnings, or what `-v` and `RUST_LOG` ask for.
pub(crate) fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info,trunkline=debug,center=debug,client=debug,jobs=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Masked)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Standard error, with card numbers and codes masked. Each line of the log comes in one piece.
struct Masked;

impl io::Write for Masked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(mask::text(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
