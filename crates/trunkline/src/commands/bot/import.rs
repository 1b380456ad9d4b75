//! `trunkline bot import`.

use crate::{Done, cli::BotImportArgs, files::read_text, output::Output};
use anyhow::{Context as _, Result, bail};
use flow::{
    file::FileFault,
    scenario::{
        MAX_BYTES, Scenario,
        import::{Imported, Utterances, botium, utterances, web_messaging},
        to_yaml,
    },
};
use serde_json::json;
use std::{fs, path::Path};

pub(super) fn run(args: &BotImportArgs, output: &Output) -> Result<Done> {
    let (mut texts, mut said) = (Vec::new(), Utterances::new());
    for file in &args.files {
        let text = read_text(file, MAX_BYTES).with_context(|| format!("{} can't be read", file.display()))?;
        match is_called(file, ".utterances.txt") {
            true => said.extend(utterances(&text)),
            false => texts.push((file, text)),
        }
    }
    if texts.is_empty() {
        bail!("there is no conversation among the files\nhint: name .convo.txt or YAML files, too");
    }
    let (mut scenarios, mut has_faults, mut left_out) = (Vec::new(), false, 0);
    for (file, text) in texts {
        let name = file.display().to_string();
        match read(file, &text, &said) {
            Ok(imported) => {
                left_out += imported.left_out.len();
                imported
                    .left_out
                    .iter()
                    .for_each(|fault| output.note(fault.in_file(&name)));
                scenarios.extend(imported.scenarios);
            }
            Err(faults) => {
                has_faults = true;
                faults.iter().for_each(|fault| output.fault(fault.in_file(&name)));
            }
        }
    }
    if has_faults {
        output.json(&json!({"error": "the files have faults"}));
        return Ok(Done::Misused);
    }
    write(args, &scenarios, left_out, output)
}

fn read(file: &Path, text: &str, said: &Utterances) -> Result<Imported, Vec<FileFault>> {
    match is_called(file, ".txt") {
        true => botium(text, said),
        false => web_messaging(text),
    }
}

fn is_called(file: &Path, ending: &str) -> bool {
    file.to_string_lossy().to_ascii_lowercase().ends_with(ending)
}

fn write(args: &BotImportArgs, scenarios: &[Scenario], left_out: usize, output: &Output) -> Result<Done> {
    let texts: Vec<String> = scenarios.iter().map(to_yaml).collect();
    let text = texts.join("---\n");
    match &args.out {
        Some(file) => {
            fs::write(file, &text).with_context(|| format!("{} can't be written", file.display()))?;
            output.note(format!("{} scenarios in {}", scenarios.len(), file.display()));
        }
        None => output.line(text.trim_end()),
    }
    output.json(&json!({"scenarios": scenarios.len(), "leftOut": left_out, "yaml": text}));
    Ok(Done::Well)
}
