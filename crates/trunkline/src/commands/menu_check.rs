//! `trunkline menu check`.

use super::menu_file::{Library, MenuFile};
use crate::{Done, cli::MenuCheckArgs, output::Output};
use anyhow::Result;
use serde_json::{Value, json};

pub(crate) fn run(args: &MenuCheckArgs, output: &Output) -> Result<Done> {
    let mut files: Vec<Value> = Vec::new();
    let mut count = 0;
    for path in &args.files {
        let file = MenuFile::read(Some(path))?;
        let library = Library::find(args.prompts.prompts.as_deref(), Some(path))?;
        let faults = file.parse(&library.prompts).err().unwrap_or_default();
        for fault in &faults {
            output.line(fault.in_file(&file.name));
        }
        if faults.is_empty() {
            output.line(format!(
                "{}: no faults ({} prompts of {})",
                file.name,
                library.prompts.len(),
                library.place
            ));
        }
        count += faults.len();
        let faults = faults.iter().map(|fault| {
            json!({"line": fault.line, "column": fault.column, "message": fault.message, "hint": fault.hint})
        });
        files.push(json!({"file": file.name, "faults": faults.collect::<Vec<_>>()}));
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
