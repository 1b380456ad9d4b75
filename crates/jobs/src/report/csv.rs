//! A report for spreadsheets (RFC 4180).

use super::{Report, Row};
use flow::share::Share;

const HEAD: &str = "label,from,to,conversations,resolved,resolution_rate,resolution_low,resolution_high,contained,\
    containment_rate,containment_low,containment_high,escalated,turns,median_response_ms,p95_response_ms\r\n";

impl Report {
    /// The rows as CSV, the sum of all last. Shares are 0 to 1; what is not known is empty.
    pub fn csv(&self) -> String {
        let mut text = HEAD.to_owned();
        for row in self.rows.iter().chain([&self.total]) {
            text.push_str(&line(row));
        }
        text
    }
}

fn line(row: &Row) -> String {
    let cells = [
        quoted(&row.label),
        row.from.to_string(),
        row.to.to_string(),
        row.conversations.to_string(),
        row.resolved.to_string(),
        share(row.resolution),
        row.contained.to_string(),
        share(row.containment),
        row.escalated.to_string(),
        row.turns.to_string(),
        number(row.median_response_ms),
        number(row.p95_response_ms),
    ];
    cells.join(",") + "\r\n"
}

/// Three cells.
fn share(share: Option<Share>) -> String {
    share.map_or_else(
        || ",,".into(),
        |share| format!("{:.4},{:.4},{:.4}", share.rate, share.low, share.high),
    )
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| format!("{number:.1}"))
}

/// A text that stays one cell, and that no spreadsheet takes for a formula: the id of a bot is chosen by others.
fn quoted(text: &str) -> String {
    let guarded = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match guarded.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}
