//! CSV (RFC 4180) for spreadsheets.

use super::Exported;
use crate::Outcome;
use serde_json::{Map, Value};

/// The names of the columns, without the line break.
pub const HEADER: &str = "index,at,actor,action,subject,correlationId,outcome,detail,personal";

/// What ends a line, the header too.
pub const LINE_END: &str = "\r\n";

/// One line, without the line break. `detail` and `personal` are JSON objects, or empty.
pub fn line(entry: &Exported<'_>) -> String {
    let leaf = &entry.leaf;
    let outcome = match leaf.outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
    };
    let cells = [
        leaf.index.to_string(),
        leaf.at.to_string(),
        cell(&leaf.actor),
        cell(&leaf.action),
        cell(leaf.subject.as_deref().unwrap_or_default()),
        cell(leaf.correlation_id.as_ref().map_or("", |id| id.as_str())),
        outcome.to_owned(),
        cell(&object(&leaf.detail)),
        cell(&object(&entry.personal())),
    ];
    cells.join(",")
}

fn object(members: &Map<String, Value>) -> String {
    match members.is_empty() {
        true => String::new(),
        false => serde_json::to_string(members).unwrap_or_default(),
    }
}

/// A cell that no spreadsheet takes for a formula: what begins like one gets a `'` before it (OWASP, CSV injection).
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{mark}{}\"", text.replace('"', "\"\"")),
        false => format!("{mark}{text}"),
    }
}
