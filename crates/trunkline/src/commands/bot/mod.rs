//! `trunkline bot`.

mod report;
mod source;
mod sync;

use crate::{Done, cli::BotCommand, config::Config, output::Output};
use anyhow::Result;

pub(crate) async fn run(command: BotCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        BotCommand::Sync(args) => Box::pin(sync::run(args, &config, output)).await,
        BotCommand::Report(args) => Box::pin(report::run(args, &config, output)).await,
    }
}
