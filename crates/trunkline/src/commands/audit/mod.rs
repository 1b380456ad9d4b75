//! `trunkline audit`.

mod entries;
mod erase;
mod export;
mod list;
mod prove;
mod trust;
pub(crate) mod verify;

pub(crate) use entries::readable;

use crate::{Done, cli::AuditCommand, config::Config, output::Output};
use anyhow::Result;

pub(crate) async fn run(command: AuditCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        AuditCommand::List(args) => list::run(args, &config, output).await,
        AuditCommand::Verify(args) => verify::run(args, &config, output).await,
        AuditCommand::Prove(args) => prove::run(args, &config, output).await,
        AuditCommand::Export(args) => export::run(args, &config, output).await,
        AuditCommand::Erase(args) => erase::run(args, &config, output).await,
    }
}
