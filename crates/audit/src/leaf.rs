//! The leaf of the log as it is read back.

use crate::Outcome;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use wire::{UtcTime, ids::CorrelationId};

/// The longest leaf that is read, in bytes.
pub const MAX_LEAF: usize = 1024 * 1024;

/// Why a text is no leaf.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// It is longer than [`MAX_LEAF`].
    #[error("it is longer than {MAX_LEAF} bytes")]
    TooLong,
    /// It has line breaks or other control characters.
    #[error("it has control characters")]
    Control,
    /// It is not the JSON of an entry.
    #[error("it is not the JSON of an entry: {0}")]
    Json(#[from] serde_json::Error),
}

/// An entry as its leaf tells of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParsedLeaf {
    /// Its place in the log, from 0.
    pub index: u64,
    /// When.
    pub at: UtcTime,
    /// Who: the name of an [`Actor`](crate::Actor), or of one that a later Trunkline has.
    pub actor: String,
    /// What, as `part.verb`.
    pub action: String,
    /// To what.
    pub subject: Option<String>,
    /// The request that led to it.
    pub correlation_id: Option<CorrelationId>,
    /// How it came out.
    pub outcome: Outcome,
    /// What else is worth knowing.
    #[serde(default)]
    pub detail: Map<String, Value>,
    /// The commitments of the personal texts, by their names.
    #[serde(default)]
    pub personal: BTreeMap<String, String>,
}

impl ParsedLeaf {
    /// Reads a leaf: one line of JSON as [`SealedEntry::leaf`](crate::SealedEntry::leaf) writes it.
    pub fn parse(leaf: &str) -> Result<Self, LeafError> {
        if leaf.len() > MAX_LEAF {
            return Err(LeafError::TooLong);
        }
        if leaf.bytes().any(|byte| byte < b' ') {
            return Err(LeafError::Control);
        }
        Ok(serde_json::from_str(leaf)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEAF: &str = r#"{"index":3,"at":"2026-11-21T09:30:00.123Z","actor":"menu","action":"menu.key","subject":"call-1","correlationId":"corr-1","outcome":"success","detail":{"menu":"main"},"personal":{"ani":"ab"}}"#;

    #[test]
    fn a_leaf_is_read_back() {
        let leaf = ParsedLeaf::parse(LEAF).unwrap();
        assert_eq!(
            (leaf.index, leaf.actor.as_str(), leaf.outcome),
            (3, "menu", Outcome::Success)
        );
        assert_eq!(leaf.correlation_id.unwrap().as_str(), "corr-1");
        assert_eq!(leaf.detail["menu"], "main");
        assert_eq!(leaf.personal["ani"], "ab");
        let short =
            r#"{"index":0,"at":"2026-11-21T09:30:00Z","actor":"later","action":"a.b","outcome":"failure"}"#;
        assert_eq!(ParsedLeaf::parse(short).unwrap().subject, None);
    }

    #[test]
    fn what_is_no_leaf_is_refused() {
        for wrong in [
            "",
            "{}",
            &LEAF[1..],
            &LEAF.replace("\"index\":3", "\"index\":-3"),
            &LEAF.replace("\"index\":3", "\"index\":3,\"index\":4"),
            &LEAF.replace("\"index\":3", "\"index\":3,\"extra\":4"),
            &LEAF.replace("success", "maybe"),
            &LEAF.replace("2026-", "yesterday"),
            &LEAF.replace(",\"actor\"", ",\n\"actor\""),
            &format!("{LEAF}x"),
            &"[".repeat(100_000),
            &" ".repeat(MAX_LEAF + 1),
        ] {
            assert!(ParsedLeaf::parse(wrong).is_err(), "{wrong:.100}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_the_parser_down(text in "(?s).{0,100}", at in 0..LEAF.len(), byte in 0u8..128) {
            let _ = ParsedLeaf::parse(&text);
            let mut near = LEAF.as_bytes().to_vec();
            near[at] = byte;
            let _ = ParsedLeaf::parse(&String::from_utf8(near).unwrap());
        }
    }
}
