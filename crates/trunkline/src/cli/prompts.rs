//! `trunkline prompts`.

use clap::{Args, Subcommand};
use std::{net::SocketAddr, path::PathBuf};
use url::Url;
use wire::ids::PromptId;

#[derive(Subcommand)]
pub(crate) enum PromptsCommand {
    /// What audio files are, what telephony would say of them, and what a build would do about it.
    Check(PromptsCheckArgs),
    /// Build what changed: convert, upload, compile, and listen to what came back.
    #[command(visible_alias = "deploy")]
    Build(PromptsBuildArgs),
    /// Where each prompt stands: ready, changed since, failed, or served by something else.
    Status(PromptsStatusArgs),
    /// Hear a compiled prompt, or write it to a WAV file.
    Play(PromptsPlayArgs),
}

#[derive(Args)]
#[command(after_help = "\
Files are judged by what they contain, never by their names. Exit code 1 means that telephony would refuse something, or
that a file can't be used at all; with --convert, that a build could not mend something.

Examples:
  trunkline prompts check welcome.flac
  trunkline prompts check --convert ivr/recordings
  trunkline --json prompts check ivr | jq -r '.files[] | select(.telephony.accepted | not) | .file'")]
pub(crate) struct PromptsCheckArgs {
    /// Files, and folders with all that is below them. Symbolic links are named and not followed.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Fail only for what a build that converts could not mend.
    #[arg(long)]
    pub(crate) convert: bool,
}

/// Whose prompts, and where they go.
#[derive(Args)]
pub(crate) struct PromptsPlaceArgs {
    /// The prompts file.
    #[arg(value_name = "FILE", default_value = "prompts.toml")]
    pub(crate) file: PathBuf,
    /// The platform [default: a centre in this process, on the same data folder].
    #[arg(long, value_name = "URL", env = "TRUNKLINE_URL")]
    pub(crate) platform: Option<String>,
    /// The tenant of the centre in this process [default: the demo tenant].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_TENANT")]
    pub(crate) tenant: Option<PathBuf>,
    /// Where what was built is remembered, and compiled files are kept [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
Only what changed is done again: a prompt is known by its file, its options, and by what the platform says serves its node.
A build that was interrupted is taken up where it was.

The platform is a centre in this process, unless TRUNKLINE_URL (or --platform) names another; that takes CLIENT_ID and
CLIENT_SECRET from the environment, and TRUNKLINE_WEBHOOK_SECRET for its callbacks. Without callbacks it is asked.

Examples:
  trunkline prompts build
  trunkline prompts build ivr/prompts.toml --platform https://acme.example --poll
  trunkline --json prompts build --strict | jq '.prompts[] | select(.state == \"failed\")'")]
pub(crate) struct PromptsBuildArgs {
    #[command(flatten)]
    pub(crate) place: PromptsPlaceArgs,
    /// Refuse what would have to be converted, whatever the prompts file says.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Build all of it, whether it changed or not.
    #[arg(long)]
    pub(crate) force: bool,
    /// Take no callbacks: ask the platform until it is done.
    #[arg(long)]
    pub(crate) poll: bool,
    /// Where to listen for callbacks [default: 127.0.0.1:0 for a platform on this machine, none otherwise].
    #[arg(long, value_name = "ADDR", conflicts_with = "poll")]
    pub(crate) callback_listen: Option<SocketAddr>,
    /// The URL that the platform reaches that address by.
    #[arg(long, value_name = "URL", requires = "callback_listen")]
    pub(crate) callback_url: Option<Url>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline prompts status
  trunkline --json prompts status ivr/prompts.toml | jq '.prompts[] | select(.state != \"ready\")'")]
pub(crate) struct PromptsStatusArgs {
    #[command(flatten)]
    pub(crate) place: PromptsPlaceArgs,
    /// Do not ask the platform what serves the nodes.
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline prompts play general_welcome
  trunkline prompts play general_welcome ivr/prompts.toml --out welcome.wav")]
pub(crate) struct PromptsPlayArgs {
    /// The prompt.
    pub(crate) prompt: PromptId,
    #[command(flatten)]
    pub(crate) place: PromptsPlaceArgs,
    /// Write it to this WAV file, as 16-bit PCM at 8000 Hz.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
