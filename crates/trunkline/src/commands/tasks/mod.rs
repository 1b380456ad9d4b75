//! `trunkline tasks`.

mod follow_ups;
mod rules;
mod rules_file;
mod since;

use crate::{
    Done,
    cli::{RulesCommand, TasksCommand},
    config::Config,
    output::Output,
};
use anyhow::Result;

pub(crate) async fn run(command: TasksCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        TasksCommand::List(args) => follow_ups::list(args, &config, output).await,
        TasksCommand::Show { interaction, store } => {
            follow_ups::show(&interaction, &store, &config, output).await
        }
        TasksCommand::Replay(args) => follow_ups::replay(args, &config, output).await,
        TasksCommand::Rules(RulesCommand::Check(args)) => rules::check(&args, output),
        TasksCommand::Rules(RulesCommand::Try(args)) => match args.since {
            Some(when) => since::try_since(&args, when, &config, output).await,
            None => rules::try_form(&args, output),
        },
    }
}
