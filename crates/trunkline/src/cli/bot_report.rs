//! `trunkline bot report`.

use super::{BotSourceArgs, When, parse_when};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What conversations are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportBy {
    /// Each hour that they were created in.
    Hour,
    /// Each day.
    Day,
    /// Each bot.
    Bot,
    /// All of them in one.
    None,
}

#[derive(Args)]
#[command(after_help = "\
A conversation counts where it was created: resolved and contained are shares of those that were created then, whenever they were
settled. The range after a share is its 95 % confidence interval (Wilson): with few conversations it is wide.

Resolved is what the bot says by its rules, not a word in a text. Contained is what is over without having been handed to a person.

Examples:
  trunkline bot report
  trunkline bot report --by hour --from 24h
  trunkline bot report --by bot --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --csv report.csv --html report.html")]
pub(crate) struct BotReportArgs {
    /// How conversations are put together.
    #[arg(long, value_enum, default_value_t = ReportBy::Day)]
    pub(crate) by: ReportBy,
    /// The first that counts: a time such as 2026-11-21T09:30:00Z, or 24h, 7d ago.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_when)]
    pub(crate) from: When,
    /// The first that does not count any more [default: now].
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub(crate) to: Option<When>,
    /// Write a table for spreadsheets to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write a page with charts to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: BotSourceArgs,
}
