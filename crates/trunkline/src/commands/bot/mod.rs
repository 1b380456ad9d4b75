//! `trunkline bot`: talking to bots, testing them.

mod chat;
mod import;
mod place;
mod test;

use crate::{Done, cli::BotCommand, config::Config, output::Output};
use anyhow::Result;

pub(crate) async fn run(command: BotCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        BotCommand::Chat(args) => Box::pin(chat::run(args, &config, output)).await,
        BotCommand::Test(args) => Box::pin(test::run(args, &config, output)).await,
        BotCommand::Import(args) => import::run(&args, output),
    }
}
