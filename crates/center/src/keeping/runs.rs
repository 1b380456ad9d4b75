//! Centers that run on a data folder: each holds the lock of a file of its own, which even a killed one lets go.
//!
//! Several centers may use one folder (`trunkline center` and a `trunkline demo` beside it): what one left behind is told
//! from what another is doing.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// How often another center's start may come between.
const TRIES: u32 = 3;

/// Names one run of a center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunId(String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for RunId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// A run whose lock this process holds: its own, or that of a center that is no more.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    path: PathBuf,
    _lock: File,
}

impl Run {
    /// Begins a run of this process.
    pub(crate) fn begin(data_dir: &Path) -> io::Result<Self> {
        let folder = folder_of(data_dir);
        fs::create_dir_all(&folder)?;
        let mut last = io::Error::from(io::ErrorKind::WouldBlock);
        for _ in 0..TRIES {
            let id = RunId(uuid::Uuid::now_v7().to_string());
            let path = folder.join(&id.0);
            let lock = OpenOptions::new().write(true).create_new(true).open(&path)?;
            match lock.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        id,
                        path,
                        _lock: lock,
                    });
                }
                // Another center that starts right now took the file for one that was left behind.
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// The runs that ended without a word; they are now held by this process.
    pub(crate) fn dead(data_dir: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(folder_of(data_dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut dead = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let id = RunId(name.into_owned());
            let lock = match OpenOptions::new().write(true).open(&path) {
                Ok(file) => file,
                // Another center was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match lock.try_lock() {
                Ok(()) => dead.push(Self {
                    id,
                    path,
                    _lock: lock,
                }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(dead)
    }

    /// Whether a center runs on the folder.
    pub(crate) fn is_any_alive(data_dir: &Path) -> io::Result<bool> {
        let entries = match fs::read_dir(folder_of(data_dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let Ok(file) = OpenOptions::new().write(true).open(entry?.path()) else {
                continue;
            };
            if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing is left to be done for this run.
    pub(crate) fn end(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a file can't be removed; the next start tries again");
        }
    }
}

fn folder_of(data_dir: &Path) -> PathBuf {
    data_dir.join("running")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(runs: &[Run]) -> Vec<&RunId> {
        runs.iter().map(|run| &run.id).collect()
    }

    #[test]
    fn a_run_that_nobody_holds_is_dead_and_taken_over_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Run::dead(folder.path()).unwrap().is_empty());
        assert!(!Run::is_any_alive(folder.path()).unwrap());
        let killed = Run::begin(folder.path()).unwrap();
        let running = Run::begin(folder.path()).unwrap();
        assert!(Run::dead(folder.path()).unwrap().is_empty(), "both are alive");
        assert!(Run::is_any_alive(folder.path()).unwrap());
        let id = killed.id.clone();
        drop(killed);
        let mut dead = Run::dead(folder.path()).unwrap();
        assert_eq!(ids(&dead), [&id]);
        assert!(
            Run::dead(folder.path()).unwrap().is_empty(),
            "somebody looks after it"
        );
        dead.remove(0).end();
        assert!(Run::is_any_alive(folder.path()).unwrap());
        running.end();
        assert!(!Run::is_any_alive(folder.path()).unwrap());
        assert!(Run::dead(folder.path()).unwrap().is_empty());
        assert_eq!(fs::read_dir(folder_of(folder.path())).unwrap().count(), 0);
    }
}
