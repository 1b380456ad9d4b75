//! `trunkline audit list`.

use super::entries::{each, filter, readable};
use crate::{Done, cli::AuditListArgs, config::Config, output::Output, platform};
use anyhow::Result;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};
use std::collections::VecDeque;

pub(super) async fn run(args: AuditListArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(&args.store, config).await?;
    let limit = usize::from(args.limit);
    let mut last: VecDeque<Value> = VecDeque::new();
    let mut wanted = filter(&args.entries);
    if args.entries.is_any() {
        // Nothing is filtered: the last ones are where the log ends.
        wanted.from = store.log().await?.size().saturating_sub(limit as u64);
    }
    each(&store, wanted, |entry| {
        last.push_back(readable(&entry));
        if last.len() > limit {
            last.pop_front();
        }
        Ok(())
    })
    .await?;
    store.close().await;
    if last.is_empty() {
        output.line("there are no such entries");
    } else {
        output.line(table(last.make_contiguous()));
    }
    output.json(&json!({"entries": last}));
    Ok(Done::Well)
}

fn table(entries: &[Value]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["index", "at", "action", "subject", "outcome", "detail"]);
    for entry in entries {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let details = [&entry["detail"], &entry["personal"]];
        let details: Vec<String> = details
            .into_iter()
            .filter_map(Value::as_object)
            .flatten()
            .map(detail)
            .collect();
        table.add_row([
            entry["index"].to_string(),
            text("at"),
            text("action"),
            text("subject"),
            text("outcome"),
            details.join(" "),
        ]);
    }
    table
}

fn detail((name, value): (&String, &Value)) -> String {
    match value {
        Value::Null => format!("{name}=(erased)"),
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_a_table() {
        let entry = json!({"index": 17, "at": "2026-11-21T09:30:00.000Z", "actor": "menu", "action": "menu.taken",
            "subject": "call-1", "outcome": "success", "detail": {"dnis": "+1800", "after": 5}, "personal": {"ani": null}});
        insta::assert_snapshot!(table(&[entry]), @r"
        ┌───────┬──────────────────────────┬────────────┬─────────┬─────────┬─────────────────────────────────┐
        │ index ┆ at                       ┆ action     ┆ subject ┆ outcome ┆ detail                          │
        ╞═══════╪══════════════════════════╪════════════╪═════════╪═════════╪═════════════════════════════════╡
        │ 17    ┆ 2026-11-21T09:30:00.000Z ┆ menu.taken ┆ call-1  ┆ success ┆ after=5 dnis=+1800 ani=(erased) │
        └───────┴──────────────────────────┴────────────┴─────────┴─────────┴─────────────────────────────────┘
        ");
    }
}
