//! JSON lines: the leaf, character for character as it is hashed, so that a reader can prove it.

use super::Exported;
use crate::tree::{hex, leaf_hash};
use serde_json::{Value, json};

/// One line, without the line break:
///
/// ```json
/// {"hash": "leaf hash, hexadecimal", "leaf": {"index": 7, ...}, "texts": [{"field": "ani", "salt": "hexadecimal", "value": "+1555..."}]}
/// ```
///
/// The characters from the `{` of the leaf to its `}` are what is hashed. A text's commitment in the leaf is
/// SHA-256 of salt, field, a zero byte and value.
pub fn line(entry: &Exported<'_>) -> String {
    let hash = hex(&leaf_hash(entry.text.as_bytes()));
    let texts: Vec<Value> = (entry.texts.iter())
        .map(|text| json!({"field": text.field, "salt": hex(&text.salt), "value": text.value}))
        .collect();
    let texts = Value::Array(texts);
    format!(r#"{{"hash":"{hash}","leaf":{},"texts":{texts}}}"#, entry.text)
}
