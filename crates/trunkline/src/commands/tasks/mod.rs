//! `trunkline tasks`.

mod rules;
mod rules_file;

use crate::{
    Done,
    cli::{RulesCommand, TasksCommand},
    output::Output,
};
use anyhow::Result;

pub(crate) fn run(command: TasksCommand, output: &Output) -> Result<Done> {
    match command {
        TasksCommand::Rules(RulesCommand::Check(args)) => rules::check(&args, output),
        TasksCommand::Rules(RulesCommand::Try(args)) => rules::try_form(&args, output),
    }
}
