//! An uploaded audio file.

use crate::ids::AssetId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The largest file, in bytes (2 MiB).
pub const LARGEST_ASSET: u64 = 2 * 1024 * 1024;
/// The longest file name that is kept, in characters.
pub const LONGEST_NAME: usize = 255;

/// What the platform says of an asset. A client needs its id; what a platform leaves out is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// The name of the file as it was uploaded first.
    #[serde(default)]
    pub name: String,
    /// What the bytes are: `wav`, `mp3`, `aac` or `ogg`.
    #[serde(default)]
    pub format: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// Hertz.
    #[serde(default)]
    pub sample_rate: u32,
    /// How many.
    #[serde(default)]
    pub channels: u16,
    /// Its length.
    #[serde(default)]
    pub duration_ms: u64,
    /// SHA-256 over the bytes, 64 hexadecimal digits.
    #[serde(default)]
    pub sha256: String,
    /// Its path.
    #[serde(default)]
    pub self_uri: String,
}

/// SHA-256 over bytes as the contract writes it: 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_of_which_only_the_id_is_told_is_one() {
        let asset: Asset = serde_json::from_str(r#"{"id":"a-1","extra":true}"#).unwrap();
        assert_eq!((asset.id.as_str(), asset.size, &*asset.sha256), ("a-1", 0, ""));
    }

    #[test]
    fn hashes_are_written_in_hexadecimal() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
    }
}
