//! `trunkline bot sync`.

use super::{BotSourceArgs, When, parse_when};
use clap::Args;
use jobs::sync::Target;
use std::{path::PathBuf, time::Duration};

#[derive(Args)]
#[command(after_help = "\
Each change is a conversation with all that was said in it, and has an id for ever. It is delivered at least once, and applied once:
a file has each change id once, a table the newest state, a web hook gets the id as its Idempotency-Key, a ticket each interaction as
one comment. What was delivered is remembered in the data folder, one checkpoint for each platform and sink, so the next sync goes on
where the last one ended, or was killed.

Card numbers, codes, e-mail addresses and telephone numbers are masked, unless --no-mask.

A web hook knows us by TRUNKLINE_SINK_TOKEN (a bearer token), if that is set; a ticketing system by what its template names.
The platform is a centre in this process, unless TRUNKLINE_URL (or --platform) names another; that takes CLIENT_ID and CLIENT_SECRET
from the environment.

Examples:
  trunkline bot sync --to jsonl:changes.jsonl
  trunkline bot sync --to https://hooks.example/conversations --batch 100 --follow --every 5s
  trunkline bot sync --to postgres://crm@db/crm --since 7d
  trunkline bot sync --to https://acme.zendesk.example --template zendesk.toml --follow")]
pub(crate) struct BotSyncArgs {
    /// Where to: jsonl:FILE, http(s)://URL or postgres://URL.
    #[arg(
        long,
        value_name = "TARGET",
        env = "TRUNKLINE_SYNC_TO",
        hide_env_values = true
    )]
    pub(crate) to: Target,
    /// Begin with what changed from then on, such as 2026-11-21T09:30:00Z, or 24h, 7d ago, whatever was synced before. The next
    /// sync without it delivers what it left out, but for what was before the very first sync.
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub(crate) since: Option<When>,
    /// Go on until Ctrl-C.
    #[arg(long)]
    pub(crate) follow: bool,
    /// With --follow: how long to wait between two looks, such as 500ms, 5s or 2m.
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = parse_every)]
    pub(crate) every: Duration,
    /// How late a change may become visible after its time stamp, at most 1h.
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = parse_overlap)]
    pub(crate) overlap: Duration,
    /// Make tickets by this template.
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Most changes in a request to a web hook; with more than one, they come as {"changes": [...]}.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) batch: u16,
    /// How many conversations are asked for at once.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) page_size: u16,
    /// Do not mask what tells of a person.
    #[arg(long)]
    pub(crate) no_mask: bool,
    #[command(flatten)]
    pub(crate) source: BotSourceArgs,
}

fn parse_every(text: &str) -> Result<Duration, String> {
    let span = parse_span(text)?;
    match span {
        _ if span < Duration::from_millis(100) => Err("it must be 100ms at the least".into()),
        _ if span > Duration::from_secs(86_400) => Err("it must be 24h at the most".into()),
        _ => Ok(span),
    }
}

fn parse_overlap(text: &str) -> Result<Duration, String> {
    let span = parse_span(text)?;
    match span > flow::sync::MOST_OVERLAP {
        true => Err("it must be 1h at the most".into()),
        false => Ok(span),
    }
}

/// A span of time: `500ms`, `5s`, `2m`, `1h`.
fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no span of time like 500ms, 5s, 2m or 1h");
    let digits = text.trim_end_matches(|sign: char| !sign.is_ascii_digit());
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    let unit = match &text[digits.len()..] {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => return Err(wrong()),
    };
    unit.checked_mul(number).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units_and_bounds() {
        assert_eq!(parse_span("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_span("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "5", "s", "-1s", "5 s", "5d", "99999999999s", "1.5s", "5é"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
        assert!(parse_every("99ms").is_err() && parse_every("100ms").is_ok());
        assert!(parse_every("25h").is_err() && parse_every("24h").is_ok());
        assert!(parse_overlap("61m").is_err() && parse_overlap("1h").is_ok() && parse_overlap("0s").is_ok());
    }
}
