//! The scenario files that a test is to run.

use crate::files::read_text;
use anyhow::{Context as _, Result, bail};
use flow::scenario::{MAX_BYTES, parse};
use jobs::conversations::Case;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Most files of one test.
const MOST_FILES: usize = 10_000;
/// How deep folders are looked into.
const MOST_DEPTH: usize = 16;

/// What was found, and what is wrong with it.
pub(super) struct Found {
    pub(super) cases: Vec<Case>,
    /// All faults of all files, as `file:line:column: message`.
    pub(super) faults: Vec<Vec<String>>,
}

impl Found {
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            collect(path, 0, &mut files)?;
        }
        if files.is_empty() && !paths.is_empty() {
            bail!(
                "there is no scenario file below {}\nhint: their names end in .yaml or .yml",
                paths[0].display()
            );
        }
        let (mut cases, mut faults) = (Vec::new(), Vec::new());
        for file in files {
            let name = file.display().to_string();
            let text = read_text(&file, MAX_BYTES)
                .with_context(|| format!("the scenario file {name} can't be read"))?;
            match parse(&text) {
                Ok(scenarios) => cases.extend(
                    scenarios
                        .into_iter()
                        .map(|scenario| Case::new(name.clone(), scenario)),
                ),
                Err(found) => faults.push(
                    found
                        .iter()
                        .map(|fault| fault.in_file(&name).to_string())
                        .collect(),
                ),
            }
        }
        Ok(Self { cases, faults })
    }
}

/// The file itself, or what is below the folder, by name. Symbolic links to folders are not followed.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let about = fs::metadata(path).with_context(|| format!("{} can't be read", path.display()))?;
    if !about.is_dir() {
        files.push(path.to_owned());
    } else if depth < MOST_DEPTH {
        let entries = fs::read_dir(path).with_context(|| format!("{} can't be read", path.display()))?;
        let mut below: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        below.sort();
        for path in below {
            let is_link = fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink());
            if is_scenario(&path) || (path.is_dir() && !is_link) {
                collect(&path, depth + 1, files)?;
            }
        }
    }
    if files.len() > MOST_FILES {
        bail!("there are more than {MOST_FILES} files; test folder by folder");
    }
    Ok(())
}

fn is_scenario(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    path.is_file() && matches!(ending, Some("yaml" | "yml"))
}
