//! `trunkline store`.

use crate::{
    Done,
    cli::{StoreArgs, StoreCommand},
    config::Config,
    output::Output,
    platform,
};
use ::store::Counts;
use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(command: StoreCommand, config: Config, output: &Output) -> Result<Done> {
    match command {
        StoreCommand::Info { store } => info(&store, &config, output).await,
        StoreCommand::Backup { file, store } => backup(&file, &store, &config, output).await,
    }
}

async fn info(args: &StoreArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(args, config).await?;
    let counts = store.counts().await?;
    output.line(table(&counts));
    output.json(&json!({
        "events": counts.events, "waiting": counts.waiting, "held": counts.held,
        "done": counts.done, "dead": counts.dead, "auditEntries": counts.entries,
    }));
    store.close().await;
    Ok(Done::Well)
}

fn table(counts: &Counts) -> String {
    let lines = [
        ("events taken in", counts.events),
        ("effects that wait", counts.waiting),
        ("effects under way", counts.held),
        ("effects done", counts.done),
        ("dead letters", counts.dead),
        ("audit entries", counts.entries),
    ];
    let lines = lines.map(|(name, count)| format!("{name:<18} {count:>10}"));
    lines.join("\n")
}

async fn backup(file: &Path, args: &StoreArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(args, config).await?;
    store
        .backup(file)
        .await
        .with_context(|| format!("the database can't be copied to {}", file.display()))?;
    store.close().await;
    output.line(format!("the database is in {}", file.display()));
    output.json(&json!({"file": file}));
    Ok(Done::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_stand_below_each_other() {
        let counts = Counts {
            events: 12,
            waiting: 1,
            held: 0,
            done: 10,
            dead: 1,
            entries: 1_234_567,
        };
        insta::assert_snapshot!(table(&counts), @r"
        events taken in            12
        effects that wait           1
        effects under way           0
        effects done               10
        dead letters                1
        audit entries         1234567
        ");
    }
}
