//! The `trunkline` binary: reads what the user typed, runs it, and maps what came of it to an exit code.
//!
//! Exit codes: 0 done, 1 the work failed, 2 usage.

mod cli;
mod commands;
mod config;
mod environment;
mod files;
mod output;
mod platform;
mod timeline;

use cli::{Cli, Command, MenuCommand};
use output::Output;
use std::process::ExitCode;

/// Records and JSON are allocated on one thread and freed on another all the time: the system's allocator took a quarter of the center's
/// processor time when conversations were synced (`benches/sync.rs`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command came to.
pub(crate) enum Done {
    /// All is well.
    Well,
    /// The work was done, and what it found is a failure that was told already.
    Failed,
    /// What was typed can't be done; that was told already.
    Misused,
}

fn main() -> ExitCode {
    // Before any thread: it changes the environment. A faulty file is named, a missing one is normal.
    let dotenv = environment::read_dotenv();
    let cli = Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let output = Output::new(cli.json, cli.quiet);
    output::start_logging(cli.verbose);
    match dotenv.and_then(|()| run(cli, &output)) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Failed) => ExitCode::from(1),
        Ok(Done::Misused) => ExitCode::from(2),
        Err(error) => output.error(&error),
    }
}

fn run(cli: Cli, output: &Output) -> anyhow::Result<Done> {
    let config = config::read(cli.config.as_deref())?;
    match cli.command {
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Menu(MenuCommand::Check(args)) => commands::menu_check::run(&args, output),
        Command::Menu(MenuCommand::Graph(args)) => commands::menu_graph::run(&args, output),
        Command::Menu(MenuCommand::Call(args)) => {
            with_runtime(commands::menu_call::run(args, config, output))
        }
        Command::Play(args) => with_runtime(commands::play::run(args, config, output)),
        Command::Bot(command) => with_runtime(commands::bot::run(command, config, output)),
        Command::Prompts(command) => with_runtime(commands::prompts::run(command, config, output)),
        Command::Tasks(command) => with_runtime(commands::tasks::run(command, config, output)),
        Command::Center(args) => with_runtime(commands::center::run(args, config, output)),
        Command::Call(args) => with_runtime(commands::call::run(args, output)),
        Command::Serve(args) => with_runtime(commands::serve::run(args, config, output)),
        Command::Webhooks(command) => with_runtime(commands::webhooks::run(command, config, output)),
        Command::Audit(command) => with_runtime(commands::audit::run(command, config, output)),
        Command::Store(command) => with_runtime(commands::store::run(command, config, output)),
        Command::Demo(args) => with_runtime(commands::demo::run(args, config, output)),
    }
}

fn with_runtime(work: impl Future<Output = anyhow::Result<Done>>) -> anyhow::Result<Done> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
