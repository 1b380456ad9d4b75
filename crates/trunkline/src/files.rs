//! Reading the files that a user names.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

/// A text file of at most `most_bytes`.
pub(crate) fn read_text(file: &Path, most_bytes: usize) -> io::Result<String> {
    let mut text = String::new();
    // Not what its size is said to be: a device has none.
    let most = most_bytes as u64;
    fs::File::open(file)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() > most_bytes {
        return Err(io::Error::other(format!("it must be at most {most_bytes} bytes")));
    }
    Ok(text)
}
