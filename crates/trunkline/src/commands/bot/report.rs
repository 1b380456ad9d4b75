//! `trunkline bot report`.

use super::source::Source;
use crate::{
    Done,
    cli::{BotReportArgs, ReportBy, When},
    config::Config,
    output::Output,
};
use anyhow::{Context, Result, bail};
use client::Conversations;
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use flow::share::Share;
use jiff::Timestamp;
use jobs::report::{By, Report, Row, Span, report, time};
use std::path::Path;

pub(super) async fn run(args: BotReportArgs, config: &Config, output: &Output) -> Result<Done> {
    let to = args.to.map_or_else(|| Timestamp::now().into(), When::resolve);
    let span = Span {
        from: args.from.resolve(),
        to,
    };
    if span.from >= span.to {
        bail!(
            "--from must be before --to; they are {} and {}",
            span.from,
            span.to
        );
    }
    let source = Source::open(&args.source, config).await?;
    let asked = report(&Conversations::new(&source.transport), by(args.by), span).await;
    source.close().await?;
    let report = asked?;
    if let Some(file) = &args.csv {
        write(file, &report.csv())?;
    }
    if let Some(file) = &args.html {
        write(file, &report.html())?;
    }
    tell(&report, output);
    for file in args.csv.iter().chain(&args.html) {
        output.note(format!("written to {}", file.display()));
    }
    Ok(Done::Well)
}

fn by(by: ReportBy) -> By {
    match by {
        ReportBy::Hour => By::Hour,
        ReportBy::Day => By::Day,
        ReportBy::Bot => By::Bot,
        ReportBy::None => By::None,
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("{} can't be written", file.display()))
}

fn tell(report: &Report, output: &Output) {
    match report.total.conversations {
        0 => output.line(format!(
            "no conversations were created from {} to {}; ask for an earlier time with --from",
            report.span.from, report.span.to
        )),
        _ => output.line(table(report)),
    }
    output.json(report);
}

fn table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "",
        "conversations",
        "resolved",
        "contained",
        "escalated",
        "turns",
        "median answer",
        "p95 answer",
    ]);
    for row in report.rows.iter().chain([&report.total]) {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(row: &Row) -> [String; 8] {
    let share = |share: Option<Share>| share.map_or_else(|| "-".into(), |share| share.to_string());
    let times = |ms: Option<f64>| ms.map_or_else(|| "-".into(), time);
    [
        row.label.clone(),
        row.conversations.to_string(),
        share(row.resolution),
        share(row.containment),
        row.escalated.to_string(),
        row.turns.to_string(),
        times(row.median_response_ms),
        times(row.p95_response_ms),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_answers_have_a_decimal_in_the_table_as_on_the_page() {
        let at = "2026-11-21T22:00:00Z";
        let row = Row {
            label: "all".into(),
            from: at.parse().unwrap(),
            to: at.parse().unwrap(),
            conversations: 1,
            resolved: 0,
            resolution: None,
            contained: 0,
            containment: None,
            escalated: 0,
            turns: 1,
            median_response_ms: Some(0.14),
            p95_response_ms: None,
        };
        assert_eq!(cells(&row)[6..], ["0.1 ms", "-"]);
    }
}
