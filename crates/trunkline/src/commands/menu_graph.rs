//! `trunkline menu graph`.

use super::menu_file::MenuFile;
use crate::{Done, cli::MenuGraphArgs, output::Output};
use anyhow::Result;
use flow::menu::{self, KnownPrompts};
use serde_json::json;

pub(crate) fn run(args: &MenuGraphArgs, output: &Output) -> Result<Done> {
    let file = MenuFile::read(args.file.as_deref())?;
    // A picture needs no prompts.
    match menu::parse(&file.text, KnownPrompts::Any) {
        Ok(menu) => {
            let graph = menu::graph(&menu);
            output.line(graph.trim_end());
            output.json(&json!({"mermaid": graph}));
            Ok(Done::Well)
        }
        Err(faults) => {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| fault.in_file(&file.name).to_string())
                .collect();
            anyhow::bail!("a menu with faults can't be drawn:\n{}", faults.join("\n"))
        }
    }
}
