//! From a source to files that the platform takes: as it is, or conformed, and split where it is too long.

use super::verify::Envelope;

/// A file for the platform.
pub(super) struct Piece {
    /// Its name there.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// What it sounds like.
    pub(super) envelope: Envelope,
}

/// What a source became.
pub(super) struct Prepared {
    pub(super) pieces: Vec<Piece>,
    /// What was done, in a line.
    pub(super) did: String,
}

/// Prepares a source; the error is a sentence.
pub(super) fn prepare(bytes: Vec<u8>, name: &str, converts: bool) -> Result<Prepared, String> {
    let _ = (bytes, name, converts);
    Err("not yet".into())
}
