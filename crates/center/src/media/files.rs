//! Sound as files, named by their SHA-256: they are written whole or not at all, and never changed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The folder in the data folder; in it, each database has one.
const FOLDER: &str = "media";
/// What the names of files end with while they are written.
const UNFINISHED: &str = ".tmp";

/// Which files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they were uploaded.
    Asset,
    /// G.711 in WAV.
    Compiled,
}

/// The folders.
pub(super) struct Files {
    folder: PathBuf,
    /// Held for reading from before a file is written until after a record names it; for writing while one is removed.
    unnamed: RwLock<()>,
}

/// A file that nobody touched for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Old {
    /// One that may be named by a record.
    Whole(String),
    /// One that was never finished.
    Unfinished(PathBuf),
}

/// Where the files of all databases are.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER)
}

impl Files {
    /// Opens the folder that a database has under that name.
    pub(super) fn open(data_dir: &Path, name: &str) -> io::Result<Self> {
        let files = Self {
            folder: folder(data_dir).join(name),
            unnamed: RwLock::default(),
        };
        for kind in [Kind::Asset, Kind::Compiled] {
            fs::create_dir_all(files.folder_of(kind))?;
        }
        Ok(files)
    }

    /// While this is held, no file is removed: neither one that was just written, nor one that is about to be named.
    pub(super) async fn naming(&self) -> RwLockReadGuard<'_, ()> {
        self.unnamed.read().await
    }

    /// While this is held, no file is about to be named.
    pub(super) async fn removing(&self) -> RwLockWriteGuard<'_, ()> {
        self.unnamed.write().await
    }

    fn folder_of(&self, kind: Kind) -> PathBuf {
        self.folder.join(match kind {
            Kind::Asset => "assets",
            Kind::Compiled => "compiled",
        })
    }

    pub(super) fn path(&self, kind: Kind, sha256: &str) -> PathBuf {
        self.folder_of(kind).join(match kind {
            Kind::Asset => sha256.to_owned(),
            Kind::Compiled => compiled_name(sha256),
        })
    }

    /// Writes a file, unless it is there; it is on disk when this returns. Blocks.
    pub(super) fn keep(&self, kind: Kind, sha256: &str, bytes: &[u8]) -> io::Result<()> {
        let (path, folder) = (self.path(kind, sha256), self.folder_of(kind));
        if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
            touch(&path)?;
            // Somebody may have put it there this very moment.
            return sync_folder(&folder);
        }
        let unfinished = folder.join(format!("{}{UNFINISHED}", uuid::Uuid::new_v4().simple()));
        let written = write(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, &path))
            .and_then(|()| sync_folder(&folder));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Makes files young that are about to be named, so that no other process removes them meanwhile. Blocks.
    pub(super) fn renew(&self, kind: Kind, sha256s: impl IntoIterator<Item = String>) {
        for sha256 in sha256s {
            // What is not there, or can't be touched, is told when it is needed.
            let _ = touch(&self.path(kind, &sha256));
        }
    }

    /// The bytes of a file, if it is there; a folder that is gone is an error, as that of a disk that is not mounted. Blocks.
    pub(super) fn read(&self, kind: Kind, sha256: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(kind, sha256)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.folder_of(kind).is_dir() => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The files that nobody touched for so long. Blocks.
    pub(super) fn old(&self, kind: Kind, for_long: Duration) -> io::Result<Vec<Old>> {
        let mut old = Vec::new();
        for entry in fs::read_dir(self.folder_of(kind))? {
            // One that can't be looked at, or is gone by now, keeps no other.
            let Ok(path) = entry.map(|entry| entry.path()) else {
                continue;
            };
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if !is_old(&path, for_long) {
                continue;
            }
            let sha256 = match kind {
                Kind::Asset => Some(name),
                Kind::Compiled => name.strip_suffix(".wav"),
            };
            if let Some(sha256) = sha256.filter(|text| is_sha256(text)) {
                old.push(Old::Whole(sha256.to_owned()));
            } else if name.ends_with(UNFINISHED) {
                old.push(Old::Unfinished(path));
            }
        }
        Ok(old)
    }

    /// Removes a file that still is old. Blocks. Whether it was removed.
    pub(super) fn remove_old(&self, path: &Path, for_long: Duration) -> io::Result<bool> {
        match is_old(path, for_long) {
            true => fs::remove_file(path).map(|()| true),
            false => Ok(false),
        }
    }
}

/// The name of a compiled file, also in its URI.
pub(super) fn compiled_name(sha256: &str) -> String {
    format!("{sha256}.wav")
}

/// Whether this is a hash as file names have it.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Makes a file as good as new: it is not removed as one that nobody needs.
fn touch(path: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_modified(SystemTime::now())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename durable; folders can't be opened everywhere.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn is_old(path: &Path, for_long: Duration) -> bool {
    let touched = fs::metadata(path).and_then(|there| there.modified());
    touched.is_ok_and(|touched| touched.elapsed().is_ok_and(|age| age >= for_long))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_and_once() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::open(data.path(), "own").unwrap();
        let sha = "a".repeat(64);
        for _ in 0..2 {
            files.keep(Kind::Compiled, &sha, b"sound").unwrap();
        }
        assert_eq!(files.read(Kind::Compiled, &sha).unwrap().unwrap(), b"sound");
        let there = fs::read_dir(files.folder_of(Kind::Compiled)).unwrap().count();
        assert_eq!(there, 1, "nothing unfinished is left");
        // One that was cut short, by a disk that lied, is mended.
        fs::write(files.path(Kind::Compiled, &sha), "so").unwrap();
        files.keep(Kind::Compiled, &sha, b"sound").unwrap();
        assert_eq!(files.read(Kind::Compiled, &sha).unwrap().unwrap(), b"sound");
        assert_eq!(files.read(Kind::Compiled, &"b".repeat(64)).unwrap(), None);
        fs::remove_dir_all(files.folder_of(Kind::Compiled)).unwrap();
        let unknown = files.read(Kind::Compiled, &sha);
        assert!(unknown.is_err(), "nothing is known while the folder is not there");
    }

    #[test]
    fn only_what_is_old_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::open(data.path(), "own").unwrap();
        let sha = "b".repeat(64);
        files.keep(Kind::Asset, &sha, b"x").unwrap();
        fs::write(files.folder_of(Kind::Asset).join("1.tmp"), "").unwrap();
        fs::write(files.folder_of(Kind::Asset).join("notes.txt"), "of somebody").unwrap();
        let day = Duration::from_secs(86_400);
        assert_eq!(files.old(Kind::Asset, day).unwrap(), []);
        assert_eq!(files.old(Kind::Asset, Duration::ZERO).unwrap().len(), 2);
        assert!(!files.remove_old(&files.path(Kind::Asset, &sha), day).unwrap());
        let old = SystemTime::now() - 2 * day;
        let file = File::options().write(true).open(files.path(Kind::Asset, &sha));
        file.unwrap().set_modified(old).unwrap();
        assert_eq!(files.old(Kind::Asset, day).unwrap(), [Old::Whole(sha.clone())]);
        files.renew(Kind::Asset, ["0".repeat(64), sha.clone()]);
        assert_eq!(files.old(Kind::Asset, day).unwrap(), []);
        assert!(
            files
                .remove_old(&files.path(Kind::Asset, &sha), Duration::ZERO)
                .unwrap()
        );
    }
}
