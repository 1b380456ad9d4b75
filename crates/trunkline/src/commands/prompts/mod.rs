//! `trunkline prompts`.

mod build;
mod check;
mod found;
mod place;
mod play;
mod status;

pub(crate) use build::{build_work, in_words, summary, to_json};
pub(crate) use status::sound;

use crate::{Done, cli::PromptsCommand, config::Config, output::Output};
use anyhow::Result;

pub(crate) async fn run(command: PromptsCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        PromptsCommand::Check(args) => check::run(&args, output),
        PromptsCommand::Build(args) => build::run(args, &config, output).await,
        PromptsCommand::Status(args) => status::run(args, &config, output).await,
        PromptsCommand::Play(args) => play::run(args, &config, output).await,
    }
}

/// A text of others, as one line that a terminal can be shown.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
