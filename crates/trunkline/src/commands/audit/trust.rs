//! Whom to believe: the data folder's own key and copy, and what the user names.

use crate::{cli::StoreArgs, config::Config, files::read_text, platform};
use anyhow::{Context, Result};
use audit::note::{MAX_NOTE, Note, VerifyingKey};
use std::path::{Path, PathBuf};
use store::{Trust, vouchers};

/// The keys and notes that count.
pub(super) fn trust(args: &StoreArgs, config: &Config, keys: &[String], notes: &[PathBuf]) -> Result<Trust> {
    let folder = platform::audit_folder(args, config);
    let (own, copy) = vouchers(&folder)?;
    let mut trust = Trust {
        keys: own.into_iter().collect(),
        notes: copy.into_iter().collect(),
    };
    for key in keys {
        trust.keys.push(key.trim().parse::<VerifyingKey>()?);
    }
    for file in notes {
        trust.notes.push(note(file, &trust.keys)?);
    }
    Ok(trust)
}

/// A checkpoint that somebody kept: one that can't be believed must not be passed over.
fn note(file: &Path, keys: &[VerifyingKey]) -> Result<String> {
    let text = read_text(file, MAX_NOTE)
        .with_context(|| format!("the checkpoint {} can't be read", file.display()))?;
    let believed = Note::parse(&text).and_then(|note| note.verify(keys).map(drop));
    believed.with_context(|| format!("the checkpoint {} can't be believed", file.display()))?;
    Ok(text)
}
