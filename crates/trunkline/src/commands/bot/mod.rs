//! `trunkline bot`: talking to bots, testing them, handing on what was said, and how it went.

mod chat;
mod import;
mod place;
mod report;
mod source;
mod sync;
mod test;

use crate::{Done, cli::BotCommand, config::Config, output::Output};
use anyhow::Result;

pub(crate) async fn run(command: BotCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        BotCommand::Chat(args) => Box::pin(chat::run(args, &config, output)).await,
        BotCommand::Test(args) => Box::pin(test::run(args, &config, output)).await,
        BotCommand::Import(args) => import::run(&args, output),
        BotCommand::Sync(args) => Box::pin(sync::run(args, &config, output)).await,
        BotCommand::Report(args) => Box::pin(report::run(args, &config, output)).await,
    }
}
