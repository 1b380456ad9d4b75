//! `trunkline webhooks`.

use super::StoreArgs;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List deliveries, newest first.
    List(WebhooksListArgs),
    /// Show one delivery with its body.
    Show {
        /// Its number, as 'webhooks list' shows it.
        id: i64,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Send again: dead letters, or a delivery that was done.
    Replay(WebhooksReplayArgs),
    /// Who gets webhooks.
    #[command(subcommand)]
    Endpoints(EndpointsCommand),
}

/// A state that deliveries are listed by.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DeliveryState {
    /// It waits for its time, or behind another.
    Waiting,
    /// It is under way.
    Held,
    /// It was delivered.
    Done,
    /// It was given up: a dead letter.
    Dead,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline webhooks list
  trunkline webhooks list --state dead --endpoint ep_01a1fcbbccf470ef9753471d11fd4d17
  trunkline --json webhooks list --state dead | jq '.deliveries[].error'")]
pub(crate) struct WebhooksListArgs {
    /// Only deliveries in this state. May be repeated.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Vec<DeliveryState>,
    /// Only deliveries to this endpoint.
    #[arg(long, value_name = "ID")]
    pub(crate) endpoint: Option<String>,
    /// Only deliveries with a smaller number than this: the next page.
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<i64>,
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = "\
A running 'trunkline serve' sends them within a second; otherwise they are sent when it starts.

Examples:
  trunkline webhooks replay 4711
  trunkline webhooks replay --dead --endpoint ep_01a1fcbbccf470ef9753471d11fd4d17")]
pub(crate) struct WebhooksReplayArgs {
    /// The deliveries' numbers.
    #[arg(required_unless_present = "dead", conflicts_with = "dead")]
    pub(crate) ids: Vec<i64>,
    /// All dead letters.
    #[arg(long)]
    pub(crate) dead: bool,
    /// Only those to this endpoint.
    #[arg(long, value_name = "ID", requires = "dead")]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Subcommand)]
pub(crate) enum EndpointsCommand {
    /// List the endpoints.
    List {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Add an endpoint; prints its secret.
    Add(EndpointAddArgs),
    /// Remove an endpoint. What still waits for it is given up.
    Remove(EndpointArgs),
    /// Send to it again.
    Enable(EndpointArgs),
    /// Send to it no more; what waits for it stays.
    Disable(EndpointArgs),
    /// Give it a new secret; the old one signs beside it for 24 h.
    Rotate(EndpointArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline webhooks endpoints add https://crm.example/hooks
  trunkline webhooks endpoints add https://crm.example/hooks --event call.ended --event task.created")]
pub(crate) struct EndpointAddArgs {
    /// Where to: http or https.
    pub(crate) url: String,
    /// Only events of this type. May be repeated [default: all].
    #[arg(long = "event", value_name = "TYPE")]
    pub(crate) events: Vec<String>,
    /// What it is, for people.
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
pub(crate) struct EndpointArgs {
    /// The endpoint's id.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
