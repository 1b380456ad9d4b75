//! The log for other programs, one entry at a time: [`jsonl`], [`csv`], [`ocsf`].

pub mod csv;
pub mod jsonl;
pub mod ocsf;

use crate::{
    Text,
    leaf::{LeafError, ParsedLeaf},
};
use serde_json::{Map, Value};

/// An entry to export.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported<'a> {
    /// The leaf as it is kept.
    text: &'a str,
    /// What it says.
    leaf: ParsedLeaf,
    /// The personal texts that were not erased.
    texts: &'a [Text],
}

impl<'a> Exported<'a> {
    /// Reads a kept leaf; its personal texts are those that are still there.
    pub fn new(leaf: &'a str, texts: &'a [Text]) -> Result<Self, LeafError> {
        Ok(Self {
            text: leaf,
            leaf: ParsedLeaf::parse(leaf)?,
            texts,
        })
    }

    /// The personal texts as an object.
    fn personal(&self) -> Map<String, Value> {
        let member = |text: &Text| (text.field.clone(), Value::from(text.value.as_str()));
        self.texts.iter().map(member).collect()
    }
}

#[cfg(test)]
mod tests;
