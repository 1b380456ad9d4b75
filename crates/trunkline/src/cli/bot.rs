//! `trunkline bot`.

use super::{BotReportArgs, BotSyncArgs};
use clap::{Args, Subcommand};
use flow::scenario::{MOST_RUNS, Perturbation};
use std::{num::NonZeroUsize, path::PathBuf};

/// Most made-up dialogues of one test.
const MOST_DIALOGUES: i64 = 100_000;

#[derive(Subcommand)]
pub(crate) enum BotCommand {
    /// Talk to a bot in the terminal.
    Chat(BotChatArgs),
    /// Run scripted conversations as tests.
    Test(BotTestArgs),
    /// Keep a file, a web hook, a database or a ticketing system in step with conversations.
    Sync(BotSyncArgs),
    /// What share of conversations was resolved, and how fast they were answered.
    Report(BotReportArgs),
    /// Turn tests of other programs into scenarios.
    Import(BotImportArgs),
}

/// The platform that conversations are on.
#[derive(Args)]
pub(crate) struct BotSourceArgs {
    /// The platform [default: a centre in this process, on the same data folder].
    #[arg(long, visible_alias = "url", value_name = "URL", env = "TRUNKLINE_URL")]
    pub(crate) platform: Option<String>,
    /// The tenant of the centre in this process [default: the demo tenant].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_TENANT")]
    pub(crate) tenant: Option<PathBuf>,
    /// Where checkpoints and the audit log are, and what the centre in this process keeps [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Where the bot is, and how it is talked to.
#[derive(Args)]
pub(crate) struct BotPlaceArgs {
    #[command(flatten)]
    pub(crate) source: BotSourceArgs,
    /// The bot's instance [default: the only one of the tenant in this process].
    #[arg(long, value_name = "ID")]
    pub(crate) instance: Option<String>,
    /// A key of the context's botSession that stays when the context is too large. May be repeated.
    #[arg(long, value_name = "KEY")]
    pub(crate) pin: Vec<String>,
    /// Do not mask e-mail addresses and telephone numbers in the audit log.
    #[arg(long)]
    pub(crate) no_mask: bool,
}

#[derive(Args)]
#[command(after_help = "\
Say something, or press a button by its number. /wait 10m lets time pass, /state and /context show the conversation,
/save FILE writes it down as a scenario, /quit ends it. Not on a terminal, each line of the input is a message.

The platform is a centre in this process, unless TRUNKLINE_URL (or --platform) names another; that takes CLIENT_ID and
CLIENT_SECRET from the environment, and TRUNKLINE_ADMIN_TOKEN for /wait without waiting.

Examples:
  trunkline bot chat
  trunkline bot chat --record scenarios/refund.yaml
  echo 'where is my order?' | trunkline bot chat")]
pub(crate) struct BotChatArgs {
    #[command(flatten)]
    pub(crate) place: BotPlaceArgs,
    /// Write what was said to this file at the end, as a scenario.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
A scenario is a YAML file (docs/scenarios.md); the demo's are in demo/scenarios. Folders are read with all that is below them.

The platform is a centre in this process, unless TRUNKLINE_URL (or --platform) names another; that takes CLIENT_ID and
CLIENT_SECRET from the environment, and TRUNKLINE_ADMIN_TOKEN, without which a scenario's `wait` waits in earnest.

Exit codes: 0 all passed; 1 a scenario failed, or the platform; 2 usage, or a faulty file.

Examples:
  trunkline bot test demo/scenarios/*.yaml
  trunkline bot test scenarios --tags smoke --parallel 50 --junit report.xml --html report.html
  trunkline bot test scenarios --perturb typos,double --seed 7 --repeat 10
  trunkline bot test --fuzz 200 --bot demo/bot.toml")]
pub(crate) struct BotTestArgs {
    /// Scenario files, and folders with them.
    #[arg(value_name = "FILE", required_unless_present = "fuzz")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) place: BotPlaceArgs,
    /// How many conversations at once, up to 2000.
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) parallel: NonZeroUsize,
    /// Run each scenario so often; all runs must pass [default: what the scenario says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS)))]
    pub(crate) repeat: Option<u32>,
    /// Run a failed run again up to so often [default: what the scenario says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10))]
    pub(crate) retries: Option<u32>,
    /// Only scenarios with one of these tags.
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Change what is said, as people do: typos, case, punctuation, double (messages sent twice).
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) perturb: Vec<Perturbation>,
    /// The seed of what is changed and made up [default: what the scenario says, or 0].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Hold so many made-up dialogues, too, and find the shortest in which the bot fails.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_DIALOGUES))]
    pub(crate) fuzz: Option<u32>,
    /// What the bot types is there at once: a centre moves the conversation's clock on by 5 s after each message.
    #[arg(long)]
    pub(crate) skip_typing: bool,
    /// The bot's file: what of it no scenario reached is told, and made-up dialogues use its examples.
    #[arg(long, value_name = "FILE")]
    pub(crate) bot: Option<PathBuf>,
    /// Write the scenarios to this file, with what the bot answered as what is expected.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Write a JUnit report to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a report for people to this file: one page of HTML.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
Botium's .convo.txt (with the .utterances.txt that are named beside them), and the YAML of web-messaging testers. What has no
counterpart is told with its line, and left out.

Examples:
  trunkline bot import spec/convo/*.txt > scenarios/imported.yaml
  trunkline bot import survey.yml --out scenarios/survey.yaml")]
pub(crate) struct BotImportArgs {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Write the scenarios to this file [default: to standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
