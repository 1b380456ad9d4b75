//! `trunkline completions`.

use crate::{Done, cli::Cli};
use clap::CommandFactory;
use clap_complete::Shell;

pub(crate) fn run(shell: Shell) -> anyhow::Result<Done> {
    clap_complete::generate(shell, &mut Cli::command(), "trunkline", &mut std::io::stdout());
    Ok(Done::Well)
}
