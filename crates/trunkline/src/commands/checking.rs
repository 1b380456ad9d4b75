//! Checking files that people write: every fault of each, for people and for programs.

use crate::{Done, output::Output};
use anyhow::Result;
use flow::{file::FileFault, rules::Note};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What came of checking a file.
pub(super) struct Checked {
    pub(super) faults: Vec<FileFault>,
    /// What is no fault; none for kinds of files that have no notes.
    pub(super) notes: Option<Vec<Note>>,
    /// What is said of a file without faults, after its name.
    pub(super) sound: String,
}

/// Checks files and tells what is wrong with them.
pub(super) fn check_files(
    paths: &[PathBuf],
    output: &Output,
    check: impl Fn(&Path) -> Result<Checked>,
) -> Result<Done> {
    let mut files: Vec<Value> = Vec::new();
    let mut count = 0;
    for path in paths {
        let name = path.display().to_string();
        let told = match check(path) {
            Ok(checked) => {
                count += checked.faults.len();
                tell(&name, checked, output)
            }
            // A file that can't be read is a fault like others; the rest is checked all the same.
            Err(error) => {
                count += 1;
                let reason: Vec<String> = error.chain().map(ToString::to_string).collect();
                let reason = reason.join(": ");
                output.line(format!("{name}: {reason}"));
                json!({"file": name, "faults": [{"message": reason}]})
            }
        };
        files.push(told);
    }
    output.json(&json!({"files": files}));
    if count == 0 {
        return Ok(Done::Well);
    }
    output.note(format!(
        "{count} fault{} found",
        if count == 1 { "" } else { "s" }
    ));
    Ok(Done::Failed)
}

/// Tells a file's faults and notes, and gives them for programs.
fn tell(name: &str, checked: Checked, output: &Output) -> Value {
    for fault in &checked.faults {
        output.line(fault.in_file(name));
    }
    for note in checked.notes.iter().flatten() {
        output.line(format!("{name}:{note}"));
    }
    if checked.faults.is_empty() {
        output.line(format!("{name}: {}", checked.sound));
    }
    let for_programs = checked.faults.iter().map(|fault| {
        json!({"line": fault.line, "column": fault.column, "message": fault.message, "hint": fault.hint})
    });
    let mut told = json!({"file": name, "faults": for_programs.collect::<Vec<_>>()});
    if let Some(notes) = checked.notes {
        told["notes"] = json!(notes);
    }
    told
}
