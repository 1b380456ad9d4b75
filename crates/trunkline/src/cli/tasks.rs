//! `trunkline tasks`.

use super::{StoreArgs, When, parse_when};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use wire::{UtcTime, ids::AgentId};

#[derive(Subcommand)]
pub(crate) enum TasksCommand {
    /// List interactions that came in, newest first, and what became of them.
    List(TasksListArgs),
    /// Show what became of one interaction: which rule fired and why, its tasks, and who was told.
    Show {
        /// The interaction.
        interaction: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Do again what failed for good, or judge again what could not be judged.
    Replay(TasksReplayArgs),
    /// The rules: which completed interactions lead to tasks.
    #[command(subcommand)]
    Rules(RulesCommand),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline tasks list
  trunkline tasks list --failed
  trunkline --json tasks list --limit 1000 | jq '.interactions[] | select(.state == \"unjudged\")'")]
pub(crate) struct TasksListArgs {
    /// Only those of which something failed for good.
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only those with a smaller number than this: the next page.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) before: Option<i64>,
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = "\
What is repeated carries the same idempotency key, so nothing is created twice.

Examples:
  trunkline tasks replay --failed
  trunkline tasks replay --unjudged
  trunkline tasks replay int-1001 int-1002")]
pub(crate) struct TasksReplayArgs {
    /// Interactions.
    #[arg(value_name = "INTERACTION", required_unless_present_any = ["failed", "unjudged"])]
    pub(crate) interactions: Vec<String>,
    /// All of which something failed for good.
    #[arg(long, conflicts_with = "interactions")]
    pub(crate) failed: bool,
    /// Judge again all that could not be judged: once the rules or the forms are mended.
    #[arg(long, conflicts_with = "interactions")]
    pub(crate) unjudged: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Subcommand)]
pub(crate) enum RulesCommand {
    /// Report every fault of rules files, with file and line: also gaps, and rules that never fire.
    Check(RulesCheckArgs),
    /// Judge a form: which rule fires, why, and what tasks it leads to.
    Try(RulesTryArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline tasks rules check rules.toml
  trunkline --json tasks rules check rules/*.toml")]
pub(crate) struct RulesCheckArgs {
    /// The rules files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
The form is what '--set' says, over what '--form' says, which is the JSON of
GET /api/v2/interactions/{id}/postinteractionforms:

  {\"interactionId\": \"int-1\", \"responses\": [{\"fieldName\": \"overall_satisfaction\", \"value\": \"2\"}]}

Examples:
  trunkline tasks rules try --set score=2
  trunkline tasks rules try rules.toml --form form.json --set queue=billing --at 2026-12-24T15:00:00+01:00
  trunkline tasks rules try rules.toml --since 7d      what they make of the forms of last week")]
pub(crate) struct RulesTryArgs {
    /// The rules file [default: the built-in rules].
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What a field of the rules is, as the form or the completion would say it. May be repeated.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_set)]
    pub(crate) set: Vec<(String, String)>,
    /// A form as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) form: Option<PathBuf>,
    /// The agent who led the interaction.
    #[arg(long, value_name = "ID", default_value = "agent-1")]
    pub(crate) agent: AgentId,
    /// When the interaction was completed, such as 2026-11-21T09:30:00Z [default: now].
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<UtcTime>,
    /// Judge the forms that came in from then on: 2026-11-21T09:30:00Z, or 24h, 7d ago.
    #[arg(long, value_name = "TIME", value_parser = parse_when, conflicts_with_all = ["set", "form", "at"])]
    pub(crate) since: Option<When>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    let (field, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not like score=2"))?;
    Ok((field.trim().to_owned(), value.to_owned()))
}

fn parse_time(text: &str) -> Result<UtcTime, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no time like 2026-11-21T09:30:00Z"))
}
