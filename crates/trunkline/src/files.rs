//! Reading the files that a user names.

use std::{fs, io, path::Path};

/// A text file of at most `most_bytes`.
pub(crate) fn read_text(file: &Path, most_bytes: usize) -> io::Result<String> {
    let size = fs::metadata(file)?.len();
    if size > most_bytes as u64 {
        return Err(io::Error::other(format!(
            "it must be at most {most_bytes} bytes, not {size}"
        )));
    }
    fs::read_to_string(file)
}
