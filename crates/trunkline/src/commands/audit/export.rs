//! `trunkline audit export`.

use super::entries::{each, filter};
use crate::{
    Done,
    cli::{AuditExportArgs, ExportFormat},
    config::Config,
    output::Output,
    platform,
};
use anyhow::{Context, Result};
use audit::export::{Exported, csv, jsonl, ocsf};
use serde_json::json;
use std::{
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};
use store::{KeptEntry, create_private, vouchers};

pub(super) async fn run(args: AuditExportArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(&args.store, config).await?;
    let folder = platform::audit_folder(&args.store, config);
    let key = vouchers(&folder)?.0;
    let log = key.as_ref().map_or("trunkline-audit", |key| key.name());
    let mut to = open(args.to.as_deref())?;
    let (mut written, mut expired) = (0_u64, 0_u64);
    if args.format == ExportFormat::Csv {
        write!(to, "{}{}", csv::HEADER, csv::LINE_END)?;
    }
    each(&store, filter(&args.entries), |entry| {
        match line(args.format, log, &entry)? {
            Some(line) => {
                to.write_all(line.as_bytes())
                    .context("the export can't be written")?;
                written += 1;
            }
            None => expired += 1,
        }
        Ok(())
    })
    .await?;
    to.flush().context("the export can't be written")?;
    store.close().await;
    if expired > 0 {
        output.note(format!(
            "{expired} entries are left out: retention dropped their texts"
        ));
    }
    if let Some(file) = &args.to {
        output.line(format!("{written} entries are in {}", file.display()));
        output.json(&json!({"file": file, "entries": written, "expired": expired}));
    }
    Ok(Done::Well)
}

/// An entry in the format, with its line end; `None` when retention dropped its text.
fn line(format: ExportFormat, log: &str, entry: &KeptEntry) -> Result<Option<String>> {
    let Some(leaf) = &entry.leaf else {
        return Ok(None);
    };
    let exported = Exported::new(leaf, &entry.texts).with_context(|| {
        format!(
            "entry {} can't be read; 'trunkline audit verify' says why",
            entry.index
        )
    })?;
    Ok(Some(match format {
        ExportFormat::Jsonl => jsonl::line(&exported) + "\n",
        ExportFormat::Csv => csv::line(&exported) + csv::LINE_END,
        ExportFormat::Ocsf => format!("{}\n", ocsf::event(&exported, log, env!("CARGO_PKG_VERSION"))),
    }))
}

/// The named file, for its owner only, or standard output.
fn open(to: Option<&Path>) -> Result<Box<dyn Write>> {
    let Some(path) = to else {
        return Ok(Box::new(BufWriter::new(io::stdout().lock())));
    };
    let file: fs::File =
        create_private(path).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}
