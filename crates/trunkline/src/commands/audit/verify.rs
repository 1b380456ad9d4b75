//! `trunkline audit verify`.

use super::trust::trust;
use crate::{Done, cli::AuditVerifyArgs, config::Config, output::Output, platform};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use store::{Store, Trust, Verified};

pub(super) async fn run(args: AuditVerifyArgs, config: &Config, output: &Output) -> Result<Done> {
    let trust = trust(&args.store, config, &args.key, &args.checkpoint)?;
    let store = platform::existing_store(&args.store, config).await?;
    let verified = verify(&store, &trust, output).await?;
    let newest = store.last_checkpoint().await?;
    store.close().await;
    tell(&verified, newest.as_deref(), output);
    Ok(if verified.is_good() {
        Done::Well
    } else {
        Done::Failed
    })
}

/// Verifies the whole log, with a progress bar.
pub(crate) async fn verify(store: &Store, trust: &Trust, output: &Output) -> Result<Verified> {
    let bar = if output.shows_progress() {
        let style = ProgressStyle::with_template("verifying {wide_bar} {human_pos} of {human_len} entries");
        ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    } else {
        ProgressBar::hidden()
    };
    let verified = store
        .verify_log(trust, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .await;
    bar.finish_and_clear();
    Ok(verified?)
}

fn tell(verified: &Verified, newest: Option<&str>, output: &Output) {
    for line in story(verified) {
        output.line(line);
    }
    if let (true, Some(note)) = (verified.is_good(), newest) {
        output.line(format!(
            "\nThe newest checkpoint; whoever keeps it can hold the log to it:\n\n{}",
            note.trim_end()
        ));
    }
    let mut report = to_json(verified);
    report["checkpoint"] = newest.into();
    output.json(&report);
}

/// What was found, in lines.
pub(crate) fn story(verified: &Verified) -> Vec<String> {
    let verdict = &verified.verdict;
    let mut lines: Vec<String> = verdict.faults.iter().map(ToString::to_string).collect();
    let named = lines.len() as u64;
    if verdict.broken > named {
        lines.push(format!("... and {} more", verdict.broken - named));
    }
    lines.extend(
        verified
            .forged
            .iter()
            .map(|why| format!("beside the entries: {why}")),
    );
    if verified.unknown > 0 {
        lines.push(format!(
            "{} checkpoints are of keys that are not known here; name them with --key",
            verified.unknown
        ));
    }
    let entries = match verdict.entries {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    let signed = match (verdict.proven, verdict.entries) {
        (0, 1..) => "none of them signed yet".to_owned(),
        (proven, all) if proven >= all => "all of them signed".to_owned(),
        (proven, _) => format!("the first {proven} of them signed"),
    };
    if verdict.expired > 0 {
        lines.push(format!(
            "the texts of {} entries are gone: retention dropped them",
            verdict.expired
        ));
    }
    if verified.is_unjudged() {
        lines.push("Nobody who is known here vouches for the audit log, so it can't be judged; name a key with --key.".to_owned());
        return lines;
    }
    lines.push(match verified.is_good() {
        true => format!("The audit log holds: {entries}, {signed}."),
        false => {
            format!("The audit log does NOT hold: {entries} looked at; the first line says where it breaks.")
        }
    });
    lines
}

/// The same for programs.
pub(crate) fn to_json(verified: &Verified) -> Value {
    let verdict = &verified.verdict;
    let faults = verdict
        .faults
        .iter()
        .map(|fault| json!({"entry": fault.entry, "last": fault.last, "message": fault.to_string()}));
    json!({
        "holds": verified.is_good(), "entries": verdict.entries, "signed": verdict.proven, "expired": verdict.expired, "broken": verdict.broken,
        "faults": faults.collect::<Vec<_>>(), "checkpoints": verified.checkpoints, "unknownKeys": verified.unknown,
        "forged": verified.forged,
    })
}
