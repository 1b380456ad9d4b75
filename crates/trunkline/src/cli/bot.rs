//! `trunkline bot`.

use super::{BotReportArgs, BotSyncArgs};
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum BotCommand {
    /// Keep a file, a web hook, a database or a ticketing system in step with conversations.
    Sync(BotSyncArgs),
    /// What share of conversations was resolved, and how fast they were answered.
    Report(BotReportArgs),
}
