//! `trunkline webhooks`.

mod deliveries;
mod endpoints;

use crate::{Done, cli::WebhooksCommand, config::Config, output::Output};
use anyhow::Result;

pub(crate) async fn run(command: WebhooksCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        WebhooksCommand::List(args) => deliveries::list(args, &config, output).await,
        WebhooksCommand::Show { id, store } => deliveries::show(id, &store, &config, output).await,
        WebhooksCommand::Replay(args) => deliveries::replay(args, &config, output).await,
        WebhooksCommand::Endpoints(command) => endpoints::run(command, &config, output).await,
    }
}
