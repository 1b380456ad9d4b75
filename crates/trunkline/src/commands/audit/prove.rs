//! `trunkline audit prove`.

use super::trust::trust;
use crate::{Done, cli::AuditProveArgs, config::Config, files::read_text, output::Output, platform};
use anyhow::{Context, Result, bail};
use audit::{evidence::Evidence, leaf::ParsedLeaf, note::Note};
use serde_json::json;
use std::path::Path;
use store::{Notary, Store};

/// Largest proof that is read, in bytes.
const MAX_PROOF: usize = 4 * 1024 * 1024;

pub(super) async fn run(args: AuditProveArgs, config: &Config, output: &Output) -> Result<Done> {
    match (&args.check, args.index) {
        (Some(file), _) => check(file, &args, config, output),
        (None, Some(index)) => prove(index, &args, config).await,
        (None, None) => bail!("name the entry's index"),
    }
}

/// Prints evidence, JSON in any case: it is made for a file.
async fn prove(index: u64, args: &AuditProveArgs, config: &Config) -> Result<Done> {
    let store = platform::existing_store(&args.store, config).await?;
    let checkpoint = checkpoint(&store, args, config).await?;
    let evidence = store.evidence(index, &checkpoint).await?;
    store.close().await;
    let Some(evidence) = evidence else {
        bail!("there is no entry {index}, or retention dropped its text");
    };
    anstream::println!("{}", serde_json::to_string_pretty(&evidence)?);
    Ok(Done::Well)
}

/// A signed checkpoint: a new one if the key is here, otherwise the newest of those that are believed.
async fn checkpoint(store: &Store, args: &AuditProveArgs, config: &Config) -> Result<String> {
    let folder = platform::audit_folder(&args.store, config);
    if Notary::is_in(&folder) {
        return Ok(Notary::open(store.clone(), &folder).await?.sign().await?);
    }
    let trust = trust(&args.store, config, &args.key, &[])?;
    let newest = store.last_checkpoint().await?;
    let newest = newest.context("the log is not signed yet")?;
    Note::parse(&newest)?
        .verify(&trust.keys)
        .context("the newest checkpoint can't be believed")?;
    Ok(newest)
}

fn check(file: &Path, args: &AuditProveArgs, config: &Config, output: &Output) -> Result<Done> {
    let text = read_text(file, MAX_PROOF).with_context(|| format!("{} can't be read", file.display()))?;
    let evidence: Evidence =
        serde_json::from_str(&text).with_context(|| format!("{} is no proof", file.display()))?;
    let trust = trust(&args.store, config, &args.key, &[])?;
    let checkpoint = evidence.check(&trust.keys).context("the proof does not hold")?;
    let leaf = ParsedLeaf::parse(&evidence.leaf).context("the entry can't be read")?;
    output.line(format!(
        "The proof holds: entry {} ({} at {}) is in the log of {} entries that {} signed.",
        evidence.index,
        leaf.action,
        leaf.at,
        checkpoint.size(),
        checkpoint.origin()
    ));
    output.json(&json!({"holds": true, "index": evidence.index, "size": checkpoint.size(), "origin": checkpoint.origin()}));
    Ok(Done::Well)
}
