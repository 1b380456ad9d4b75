//! `trunkline play`.

use super::parse_destination;
use clap::Args;
use std::path::PathBuf;
use url::Url;

/// What is played is judged by the rules of the directive, all at once: so the options are texts here.
#[derive(Args)]
#[command(after_help = "\
On a terminal: space pauses and goes on, left and right seek 5 s, up and down change the volume,
r begins again, q stops. With --wav, the keys 0-9 * # are pressed on the line.

The platform is a centre in this process, unless TRUNKLINE_URL (or --platform) names another;
that takes CLIENT_ID and CLIENT_SECRET from the environment, and TRUNKLINE_WEBHOOK_SECRET to
sign with for --webhook.

Exit codes: 0 completed, stopped or interrupted; 1 failed; 2 usage.

Examples:
  trunkline play prompt-main-menu-en --wav heard.wav
  trunkline play prompt-main-menu-en --gain 0.8 --peak 0.95 --ratio 0.7 --to rtp://192.0.2.7:4000
  trunkline play prompt-main-menu-en --call call-12345-abcde --cutoff fade
  trunkline play prompt-main-menu-en --codec opus --dry-run")]
pub(crate) struct PlayArgs {
    /// The prompt: the id of one of the platform's, or of an asset.
    pub(crate) prompt: String,
    /// What is on the line: g711u, g711a, g729 or opus.
    #[arg(long, default_value = "g711u")]
    pub(crate) codec: String,
    /// Linear gain, 0.0 to 1.0.
    #[arg(long, value_name = "GAIN", default_value = "1.0", allow_hyphen_values = true)]
    pub(crate) gain: String,
    /// What no sample exceeds, as a fraction of full scale: the gain to 1.0.
    #[arg(long, value_name = "LIMIT", default_value = "1.0", allow_hyphen_values = true)]
    pub(crate) peak: String,
    /// What dynamics above the knee are scaled by: 0.1 (strongest) to 1.0 (untouched).
    #[arg(long, value_name = "RATIO", default_value = "1.0", allow_hyphen_values = true)]
    pub(crate) ratio: String,
    /// Who may interrupt: dtmf, voice, both with a comma, or none.
    #[arg(long, value_name = "WHO", default_value = "dtmf")]
    pub(crate) barge_in: String,
    /// How it ends then: immediate, fade (150 ms) or drain (to the end of the phrase).
    #[arg(long, value_name = "HOW", default_value = "immediate")]
    pub(crate) cutoff: String,
    /// Cut leading and trailing silence off that is longer than this, 300 ms at least.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub(crate) trim: Option<String>,
    /// Send RTP to this address, such as rtp://192.0.2.7:4000.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Play into this call.
    #[arg(long, value_name = "ID")]
    pub(crate) call: Option<String>,
    /// Receive the RTP here, and write what is heard to this file, as 16-bit WAV.
    #[arg(long, value_name = "FILE")]
    pub(crate) wav: Option<PathBuf>,
    /// The platform [default: a centre in this process, on the same data folder].
    #[arg(long, value_name = "URL", env = "TRUNKLINE_URL")]
    pub(crate) platform: Option<String>,
    /// The tenant of the centre in this process [default: the demo tenant].
    #[arg(long, value_name = "FILE", env = "TRUNKLINE_TENANT")]
    pub(crate) tenant: Option<PathBuf>,
    /// Where the audit log is, and webhooks that are owed [default: trunkline-data].
    #[arg(long, value_name = "DIR", env = "TRUNKLINE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Play only if this makes no more than so many streams at once, 1 to 50.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) max_streams: Option<String>,
    /// Tell this address of the start, each control and the end, by signed webhooks.
    #[arg(long, value_name = "URL", value_parser = parse_destination)]
    pub(crate) webhook: Option<Url>,
    /// Print the directive as it would be sent, and ask nobody.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
