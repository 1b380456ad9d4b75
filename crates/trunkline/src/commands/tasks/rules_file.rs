//! Reading rules files.

use crate::files::read_text;
use anyhow::{Context, Result};
use flow::{
    file::FileFault,
    rules::{self, MAX_FILE_BYTES, RuleSet},
};
use std::path::Path;

/// A rules file's text and the name that faults call it by.
pub(super) struct RulesFile {
    pub(super) name: String,
    text: String,
}

impl RulesFile {
    /// Reads a file, or takes the built-in rules.
    pub(super) fn read(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self {
                name: "demo/rules.toml".into(),
                text: rules::USUAL.into(),
            });
        };
        let name = file.display().to_string();
        let text = read_text(file, MAX_FILE_BYTES)
            .with_context(|| format!("the rules file {name} can't be read"))?;
        Ok(Self { name, text })
    }

    /// The rules, or all their faults.
    pub(super) fn parse(&self) -> Result<RuleSet, Vec<FileFault>> {
        rules::parse(&self.text)
    }

    /// The rules; their faults as an error.
    pub(super) fn parse_or_fail(&self) -> Result<RuleSet> {
        self.parse().map_err(|faults| {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| fault.in_file(&self.name).to_string())
                .collect();
            anyhow::anyhow!("the rules have faults:\n{}", faults.join("\n"))
        })
    }
}
