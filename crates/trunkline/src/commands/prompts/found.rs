//! Which files are meant by what the user named.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Most files of one check, and the deepest folder.
const MOST_FILES: usize = 20_000;
const DEEPEST: usize = 64;
/// Names that say that a file is meant to be audio.
const AUDIO: [&str; 24] = [
    "aac", "adts", "aif", "aiff", "alaw", "amr", "au", "caf", "flac", "gsm", "m4a", "m4b", "mka", "mp2",
    "mp3", "mp4", "oga", "ogg", "opus", "ulaw", "wav", "wave", "webm", "wma",
];

/// What was found, in order: as named, and in folders by name.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// That there is more than is looked at.
    pub(super) left_out: bool,
}

/// A file, or something that is in a file's place.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// The user named it, or its name says that it is audio: if it is not, that is a fault.
    pub(super) is_meant: bool,
    /// Why it can't even be looked at.
    pub(super) fault: Option<String>,
}

/// Follows what the user named, down to the files. Links are entries, and not followed.
pub(super) fn find(named: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in named {
        match is_folder(path) {
            true => found.enter(path, 1),
            false => found.add(path.clone(), true, None),
        }
    }
    found
}

impl Found {
    fn add(&mut self, path: PathBuf, is_meant: bool, fault: Option<String>) {
        if self.entries.len() >= MOST_FILES {
            self.left_out = true;
            return;
        }
        self.entries.push(Entry {
            path,
            is_meant,
            fault,
        });
    }

    fn enter(&mut self, folder: &Path, depth: usize) {
        if depth > DEEPEST {
            let fault = format!("folders are nested deeper than {DEEPEST}");
            return self.add(folder.to_owned(), true, Some(fault));
        }
        let listed = fs::read_dir(folder).and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            // One more than fits tells that there is more.
            paths.take(MOST_FILES + 1).collect::<Result<Vec<_>, _>>()
        });
        let mut paths = match listed {
            Ok(paths) => paths,
            Err(error) => {
                let fault = format!("the folder can't be read: {error}");
                return self.add(folder.to_owned(), true, Some(fault));
            }
        };
        self.left_out |= paths.len() > MOST_FILES;
        paths.truncate(MOST_FILES);
        paths.sort();
        for path in paths {
            match is_folder(&path) {
                // What would be found there would be left out, too.
                true if self.entries.len() >= MOST_FILES => self.left_out = true,
                true => self.enter(&path, depth + 1),
                false => {
                    let is_meant = is_named_audio(&path) || !is_file(&path);
                    self.add(path, is_meant, None);
                }
            }
        }
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn is_named_audio(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| AUDIO.iter().any(|audio| extension == *audio))
}
