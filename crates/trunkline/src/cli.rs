//! What the user can type. Nothing here touches the world.

mod audit;
mod bot;
mod bot_report;
mod bot_sync;
mod elsewhere;
mod play;
mod prompts;
mod tasks;
mod webhooks;

pub(crate) use audit::*;
pub(crate) use bot::*;
pub(crate) use bot_report::*;
pub(crate) use bot_sync::*;
pub(crate) use play::*;
pub(crate) use prompts::*;
pub(crate) use tasks::*;
pub(crate) use webhooks::*;

use ::webhooks::NewEndpoint;
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};
use url::Url;
use wire::{
    Faults,
    callcontrol::Codec,
    form::{self, Response},
    ids::{AgentId, CallId, ExternalId, PhoneNumber},
    script::{Sentence, parse_sentence},
};

/// Run, test and automate a contact centre from one binary.
#[derive(Parser)]
#[command(version, max_term_width = 110, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Print results as JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results only, no progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log more: -v what happens, -vv everything. RUST_LOG has the last word.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The configuration file [default: trunkline.toml, if there is one].
    #[arg(long, global = true, value_name = "FILE", env = "TRUNKLINE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  trunkline demo                              three calls through the built-in centre, with a report
  trunkline center --env-file center.env      a contact centre for your own programs
  trunkline menu check menu.toml              every fault of a menu file, with its line
  trunkline menu call menu.toml --do 'press 1 300ms into general_welcome'

Exit codes: 0 done, 1 the work failed, 2 usage.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole journey on the built-in centre, with a report.
    Demo(DemoArgs),
    /// The embedded contact centre alone, for other people's clients and for CI.
    Center(CenterArgs),
    /// Prompts: what files telephony takes, and building them into compiled prompts.
    #[command(subcommand)]
    Prompts(PromptsCommand),
    /// Play a prompt, and steer it: volume, codec, barge-in, cut-off.
    Play(PlayArgs),
    /// Bots: talk to them, test them, keep other systems in step with what was said, and measure it.
    #[command(subcommand)]
    Bot(BotCommand),
    /// Dynamic phone menus: check a menu file, draw it, call it.
    #[command(subcommand)]
    Menu(MenuCommand),
    /// Place a test call at a running centre, for another program to control.
    Call(CallArgs),
    /// The service: takes events in by webhook, and carries out what they lead to.
    Serve(ServeArgs),
    /// Follow-up: what became of interactions, and the rules that lead to tasks.
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// Webhooks that are sent: what waits, what failed, and to whom.
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// The audit log: read it, prove it, hand it on.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The database: what is in it, and a copy of it.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Where recordings are kept [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Leave the centre running afterwards, until Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline center
  trunkline center --listen 127.0.0.1:0 --env-file center.env --limits off
  trunkline center --completions 50/s --completions-to http://127.0.0.1:8650/webhooks/interaction-completed
  trunkline center --tls --tls-listen 127.0.0.1:8443 --tls-name acme.api.cxone.com")]
pub(crate) struct CenterArgs {
    /// Where to listen [default: 127.0.0.1:8642]. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "TRUNKLINE_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve HTTPS too, with certificates of the centre's own authority.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Where to listen for HTTPS [default: 127.0.0.1:8643].
    #[arg(long, value_name = "ADDR", requires = "tls", env = "TRUNKLINE_TLS_LISTEN")]
    pub(crate) tls_listen: Option<SocketAddr>,
    /// A host name for the certificate, beside localhost. May be repeated.
    #[arg(long, value_name = "NAME", requires = "tls", num_args = 1..)]
    pub(crate) tls_name: Vec<String>,
    /// Write the environment lines to this file once the centre is ready.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Where recordings, secrets and certificates are kept [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The tenant to serve [default: the demo tenant].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_TENANT")]
    pub(crate) tenant: Option<PathBuf>,
    /// Rate limits: default, off, or like 'profile-reads=200/min,session-creations=20/s,streams=200,other=10/s'.
    #[arg(long, value_name = "LIMITS", env = "TRUNKLINE_LIMITS")]
    pub(crate) limits: Option<center::Limits>,
    /// Let calls fetch audio from this host, and webhooks go there, though its address is internal. May be repeated.
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
    /// Send a webhook to this URL when an interaction is completed, as after each call.
    #[arg(
        long,
        value_name = "URL",
        env = "TRUNKLINE_COMPLETIONS_TO",
        hide_env_values = true,
        value_parser = parse_destination
    )]
    pub(crate) completions_to: Option<Url>,
    /// Make interactions up and complete them at this rate, such as 50/s or 30/min.
    #[arg(long, value_name = "RATE", env = "TRUNKLINE_COMPLETIONS")]
    pub(crate) completions: Option<center::CompletionRate>,
}

#[derive(Subcommand)]
pub(crate) enum MenuCommand {
    /// Report every fault of menu files, with file and line.
    Check(MenuCheckArgs),
    /// Print a menu as a Mermaid diagram.
    Graph(MenuGraphArgs),
    /// Place a call against a menu, press keys, keep the recording.
    Call(MenuCallArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline menu check menu.toml
  trunkline menu check menus/*.toml --prompts audio/")]
pub(crate) struct MenuCheckArgs {
    /// The menu files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) prompts: PromptsArg,
}

#[derive(Args)]
pub(crate) struct MenuGraphArgs {
    /// The menu file [default: the demo menu].
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct PromptsArg {
    /// The folder with the prompts' audio files [default: 'prompts' beside the menu file, or else the demo's].
    #[arg(long, value_name = "DIR")]
    pub(crate) prompts: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
Moments: 'after 2s', '300ms into PROMPT', 'when PROMPT starts', 'when PROMPT ends', '1s after PROMPT ends'.
Steps run one after the other; 'after' counts from the step before, or from the answer.

The call runs on a centre of its own, unless TRUNKLINE_URL (or --center) names a running one; that takes
CLIENT_ID, CLIENT_SECRET and TRUNKLINE_ADMIN_TOKEN from the environment, as 'trunkline center' prints them.

Examples:
  trunkline menu call --external-id CRM-USER-98765 --do 'press 1 300ms into premium_priority'
  trunkline menu call menu.toml --do 'press 4 when option_billing ends' --do 'hang up 2s after billing_menu ends'")]
pub(crate) struct MenuCallArgs {
    /// The menu file [default: the demo menu].
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
    /// A running centre [default: one in this process].
    #[arg(long, value_name = "URL", env = "TRUNKLINE_URL")]
    pub(crate) center: Option<String>,
    /// The tenant of the centre in this process [default: the demo tenant].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_TENANT")]
    pub(crate) tenant: Option<PathBuf>,
    /// Where the recording is kept [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Copy the recording to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) recording: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct CallerArgs {
    /// The caller's number.
    #[arg(long, value_name = "NUMBER", default_value = "+15550100")]
    pub(crate) ani: PhoneNumber,
    /// The number called.
    #[arg(long, value_name = "NUMBER", default_value = "+18005550100")]
    pub(crate) dnis: PhoneNumber,
    /// The caller's id in the CRM, which finds the profile.
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<ExternalId>,
    /// The G.711 law: PCMU or PCMA.
    #[arg(long, default_value = "PCMU", value_parser = parse_codec)]
    pub(crate) codec: Codec,
    /// What the caller does: 'press KEY MOMENT', 'say FILE MOMENT', 'hang up MOMENT'. May be repeated.
    #[arg(long = "do", value_name = "STEP", value_parser = parse_step)]
    pub(crate) steps: Vec<Sentence>,
    /// What the customer answers afterwards, such as 'overall_satisfaction=2'. May be repeated.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_response)]
    pub(crate) form: Vec<Response>,
    /// The agent who is said to have led the call [default: one of the tenant's by turns].
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<AgentId>,
}

#[derive(Args)]
#[command(after_help = "\
Moments: 'after 2s', '300ms into PROMPT', 'when PROMPT starts', 'when PROMPT ends', '1s after PROMPT ends'.

Example:
  trunkline call --id my-call --do 'press 1 300ms into general_welcome' --wait")]
pub(crate) struct CallArgs {
    /// The running centre.
    #[arg(long, value_name = "URL", env = "TRUNKLINE_URL")]
    pub(crate) center: String,
    /// The call's id [default: made up].
    #[arg(long)]
    pub(crate) id: Option<CallId>,
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
    /// Do not record the call.
    #[arg(long)]
    pub(crate) no_recording: bool,
    /// Wait until the call is over, and print what happened.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Which database.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Where data is kept [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A PostgreSQL database [default: SQLite, trunkline.db in the data folder].
    #[arg(long, value_name = "URL", env = "TRUNKLINE_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
}

#[derive(Args)]
#[command(after_help = "\
Interactions that are over come to POST /webhooks/interaction-completed: their forms are judged by rules, tasks are created, and
agents are told. 'trunkline tasks' shows what became of them. The platform is a centre in the same process, unless --platform names
another; that takes CLIENT_ID and CLIENT_SECRET (and TRUNKLINE_CA) from the environment.

Other sources (who may send events) and their secrets stand in trunkline.toml:

  [[serve.source]]
  name = \"crm\"
  secrets = [\"whsec_...\"]          # two of them while one is being replaced

Events come to POST /webhooks/<source>, and go on to the endpoints of
'trunkline webhooks endpoints'.

Examples:
  trunkline serve
  trunkline serve --rules rules.toml --completions 1/s
  trunkline serve --platform https://acme.example
  trunkline serve --listen 127.0.0.1:0 --env-file serve.env --database postgres://trunkline@db/trunkline")]
pub(crate) struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:8650]. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "TRUNKLINE_SERVE_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Write the environment lines to this file once the service is ready.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The platform that has forms, tasks and agents [default: a centre in this process].
    #[arg(long, value_name = "URL", env = "TRUNKLINE_PLATFORM")]
    pub(crate) platform: Option<String>,
    /// The rules that forms are judged by, read anew when they change [default: the built-in rules].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_RULES")]
    pub(crate) rules: Option<PathBuf>,
    /// The tenant of the centre in this process [default: the demo tenant].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_TENANT")]
    pub(crate) tenant: Option<PathBuf>,
    /// The rate limits of the centre in this process: default, off, or like 'profile-reads=200/min,session-creations=20/s,streams=200,other=10/s'.
    #[arg(long, value_name = "LIMITS", env = "TRUNKLINE_LIMITS")]
    pub(crate) limits: Option<center::Limits>,
    /// Make up interactions and complete them at this rate, like 50/s or 6/min.
    #[arg(long, value_name = "RATE", env = "TRUNKLINE_COMPLETIONS")]
    pub(crate) completions: Option<center::CompletionRate>,
    /// Let webhooks go to this host though its address is internal. May be repeated.
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum StoreCommand {
    /// Say what is in the database.
    Info {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Copy a SQLite database to a new file, while it is in use.
    Backup {
        /// The file, which must not be there yet.
        file: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
}

fn parse_step(text: &str) -> Result<Sentence, Faults> {
    parse_sentence(text)
}

/// An address that webhooks can go to.
pub(crate) fn parse_destination(text: &str) -> Result<Url, String> {
    NewEndpoint::parse(text, "", &["*"], None).map_err(|faults| faults.to_string())?;
    text.parse().map_err(|error| format!("url: {error}"))
}

fn parse_response(text: &str) -> Result<Response, String> {
    let (field, value) = text
        .split_once('=')
        .ok_or("write it like overall_satisfaction=2")?;
    let answer = serde_json::json!({"fieldName": field, "value": value});
    let mut faults = Faults::new();
    let read = form::read_responses(&[answer], "form", &mut faults).pop();
    faults.finish(read).map_err(|faults| faults.to_string())
}

fn parse_codec(text: &str) -> Result<Codec, String> {
    text.to_ascii_uppercase().parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
