//! `trunkline menu check`.

use super::menu_file::{Library, MenuFile};
use crate::{Done, cli::MenuCheckArgs, output::Output};
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn run(args: &MenuCheckArgs, output: &Output) -> Result<Done> {
    let mut files: Vec<Value> = Vec::new();
    let mut count = 0;
    for path in &args.files {
        let name = path.display().to_string();
        // A file that can't be read is a fault like others; the rest is checked all the same.
        let faults = check(path, args.prompts.prompts.as_deref(), output).unwrap_or_else(|error| {
            let reason: Vec<String> = error.chain().map(ToString::to_string).collect();
            output.line(format!("{name}: {}", reason.join(": ")));
            vec![json!({"message": reason.join(": ")})]
        });
        count += faults.len();
        files.push(json!({"file": name, "faults": faults}));
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

/// Tells a file's faults, and gives them for programs.
fn check(path: &Path, prompts: Option<&Path>, output: &Output) -> Result<Vec<Value>> {
    let file = MenuFile::read(Some(path))?;
    let library = Library::find(prompts, Some(path))?;
    let faults = file.parse(&library.prompts).err().unwrap_or_default();
    for fault in &faults {
        output.line(fault.in_file(&file.name));
    }
    if faults.is_empty() {
        let (known, place) = (library.prompts.len(), &library.place);
        output.line(format!("{}: no faults ({known} prompts of {place})", file.name));
    }
    let for_programs = faults.iter().map(|fault| {
        json!({"line": fault.line, "column": fault.column, "message": fault.message, "hint": fault.hint})
    });
    Ok(for_programs.collect())
}
