//! `trunkline audit`.

use super::StoreArgs;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::{path::PathBuf, time::Duration};
use wire::UtcTime;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List entries, oldest first: the last ones, or those that a filter names.
    List(AuditListArgs),
    /// Check every entry against the tree and the signed checkpoints; names the first broken one.
    Verify(AuditVerifyArgs),
    /// Print a proof that an entry is in the log; or check one.
    Prove(AuditProveArgs),
    /// Write entries as JSON lines, CSV or OCSF.
    Export(AuditExportArgs),
    /// Erase what is known of a person. The log stays valid.
    Erase(AuditEraseArgs),
}

/// Which entries are meant.
#[derive(Args)]
pub(crate) struct EntriesArgs {
    /// From this time on: 2026-11-21T09:30:00Z, or 90m, 24h, 7d ago.
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub(crate) since: Option<When>,
    /// Until this time.
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub(crate) until: Option<When>,
    /// Actions that begin like this: menu, menu.key, webhook.
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// Of this call, event or endpoint.
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
}

impl EntriesArgs {
    /// Whether all entries are meant.
    pub(crate) fn is_any(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.action.is_none() && self.subject.is_none()
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline audit list
  trunkline audit list --since 24h --action webhook.dead
  trunkline audit list --subject call-12345-abcde")]
pub(crate) struct AuditListArgs {
    #[command(flatten)]
    pub(crate) entries: EntriesArgs,
    /// How many at the most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = "\
Whoever can write the database could replace its checkpoints too. So the data folder
keeps a copy of the newest, and one that was handed to somebody else (--checkpoint)
shows what even its keeper can't undo.

Examples:
  trunkline audit verify
  trunkline audit verify --checkpoint last-month.txt --key auditor+1a2b3c4d+Ab...")]
pub(crate) struct AuditVerifyArgs {
    /// A signed checkpoint that was kept elsewhere. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// A public key that is trusted, beside the data folder's own. May be repeated.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline audit prove 17 > proof.json
  trunkline audit prove --check proof.json --key \"$(cat trunkline-data/audit.pub)\"")]
pub(crate) struct AuditProveArgs {
    /// The entry's index.
    #[arg(required_unless_present = "check", conflicts_with = "check")]
    pub(crate) index: Option<u64>,
    /// Check a proof instead; needs no database.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
    /// A public key that is trusted, beside the data folder's own. May be repeated.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// A format of exported entries.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// JSON lines: the entries as they are hashed, with the texts that were not erased.
    Jsonl,
    /// A table for spreadsheets.
    Csv,
    /// JSON lines of the Open Cybersecurity Schema Framework, class 6003.
    Ocsf,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  trunkline audit export --format csv --since 7d --to week.csv
  trunkline audit export --format ocsf | gzip > audit.ocsf.jsonl.gz")]
pub(crate) struct AuditExportArgs {
    /// The format.
    #[arg(long, default_value = "jsonl")]
    pub(crate) format: ExportFormat,
    /// The file, which must not be there yet [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) entries: EntriesArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = "\
Every call that names the person loses its personal texts in the audit log and in the
records of calls, and its recording. Hashes stay, so 'audit verify' holds. Bodies of
events and webhooks are not searched: they go after keep_days. This can't be undone.

Example:
  trunkline audit erase +15550123456 --yes")]
pub(crate) struct AuditEraseArgs {
    /// A telephone number, or an id in the CRM.
    pub(crate) person: String,
    /// Yes, erase.
    #[arg(long, required = true)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// A point in time as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// This one.
    At(UtcTime),
    /// So long ago.
    Ago(Duration),
}

impl When {
    /// The point in time, seen from now.
    pub(crate) fn resolve(self) -> UtcTime {
        match self {
            Self::At(time) => time,
            Self::Ago(span) => Timestamp::now()
                .checked_sub(span)
                .unwrap_or(Timestamp::MIN)
                .into(),
        }
    }
}

pub(super) fn parse_when(text: &str) -> Result<When, String> {
    if let Ok(time) = text.parse() {
        return Ok(When::At(time));
    }
    if let Ok(midnight) = format!("{text}T00:00:00Z").parse() {
        return Ok(When::At(midnight));
    }
    let wrong = || {
        format!(
            "{text:?} is neither a time like 2026-11-21 or 2026-11-21T09:30:00Z nor a span like 90m, 24h or 7d"
        )
    };
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: u32 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    Ok(When::Ago(Duration::from_secs(u64::from(number) * seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_point_or_a_span() {
        let noon = "2026-11-21T12:00:00Z";
        assert_eq!(parse_when(noon), Ok(When::At(noon.parse().unwrap())));
        let midnight = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(parse_when("2026-11-21"), Ok(When::At(midnight)));
        assert_eq!(parse_when("90m"), Ok(When::Ago(Duration::from_secs(5400))));
        for wrong in [
            "",
            "m",
            "90",
            "-5m",
            "5y",
            "soon",
            "2026-13-01",
            "9999999999d",
            "é",
        ] {
            assert!(parse_when(wrong).is_err(), "{wrong}");
        }
    }
}
