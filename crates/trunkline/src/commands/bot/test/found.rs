//! The scenario files that a test is to run.

use crate::files::read_text;
use flow::scenario::{MAX_BYTES, parse};
use jobs::conversations::Case;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Most files of one test.
const MOST_FILES: usize = 10_000;
/// How deep folders are looked into.
const MOST_DEPTH: usize = 16;

/// What was found, and what is wrong with it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) cases: Vec<Case>,
    /// All faults of all files, as `file:line:column: message`, and what can't be read.
    pub(super) faults: Vec<String>,
}

impl Found {
    /// Reads all that can be read: one file that can't hides nothing of the others.
    pub(super) fn read(paths: &[PathBuf]) -> Self {
        let mut found = Self::default();
        let mut files = Vec::new();
        for path in paths {
            found.collect(path, 0, &mut files);
        }
        // A file that is named, and in a folder that is named, is one file.
        let mut known = HashSet::new();
        files.retain(|file| known.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone())));
        if let ([], [first, ..], []) = (&*files, paths, &*found.faults) {
            found.faults.push(format!(
                "there is no scenario file below {}\nhint: their names end in .yaml or .yml",
                first.display()
            ));
        }
        if files.len() > MOST_FILES {
            let fault = format!("there are more than {MOST_FILES} files; test folder by folder");
            found.faults.push(fault);
            files.clear();
        }
        files.iter().for_each(|file| found.take(file));
        found
    }

    fn take(&mut self, file: &Path) {
        let name = file.display().to_string();
        let text = match read_text(file, MAX_BYTES) {
            Ok(text) => text,
            Err(error) => {
                self.faults
                    .push(format!("the scenario file {name} can't be read: {error}"));
                return;
            }
        };
        match parse(&text) {
            Ok(scenarios) => self.cases.extend(
                scenarios
                    .into_iter()
                    .map(|scenario| Case::new(name.clone(), scenario)),
            ),
            Err(faults) => self
                .faults
                .extend(faults.iter().map(|fault| fault.in_file(&name).to_string())),
        }
    }

    /// The file itself, or what is below the folder, by name. Symbolic links to folders are not followed.
    fn collect(&mut self, path: &Path, depth: usize, files: &mut Vec<PathBuf>) {
        if files.len() > MOST_FILES {
            return;
        }
        match below(path) {
            Ok(None) => files.push(path.to_owned()),
            Ok(Some(_)) if depth == MOST_DEPTH => {}
            Ok(Some(paths)) => {
                for path in paths {
                    let is_link = fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink());
                    if is_scenario(&path) || (path.is_dir() && !is_link) {
                        self.collect(&path, depth + 1, files);
                    }
                }
            }
            Err(error) => self
                .faults
                .push(format!("{} can't be read: {error}", path.display())),
        }
    }
}

/// What is in a folder, by name; `None` for what is no folder.
fn below(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(None);
    }
    let mut below: Vec<PathBuf> = fs::read_dir(path)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    below.sort();
    Ok(Some(below))
}

fn is_scenario(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    path.is_file() && matches!(ending, Some("yaml" | "yml"))
}
