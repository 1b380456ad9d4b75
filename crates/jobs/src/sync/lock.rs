//! One sync at a time from a platform to a sink: two would make the same tickets.
//!
//! The lock is the system's, on a file of the data folder: a process that was killed lets it go at once. Processes with data folders of
//! their own over one database don't see each other's; there the
//! checkpoint and the records of tickets end the later one.

use super::SyncError;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// The longest text that is read of who holds a lock: a process id.
const LONGEST_HOLDER: u64 = 20;

/// The lock of one platform and sink, held as long as this lives.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the books of this name, which are those of `sink`.
    pub(super) fn take(folder: &Path, books: &str, sink: &str) -> Result<Self, SyncError> {
        let path = path_of(folder, books);
        let fault = |source| SyncError::Lock {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(folder).map_err(fault)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SyncError::Running {
                    sink: sink.to_owned(),
                    process: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
        sign(&mut file).map_err(fault)?;
        Ok(Self { _file: file })
    }
}

/// Names of books hold what no file name may.
fn path_of(folder: &Path, books: &str) -> PathBuf {
    let hash = Sha256::digest(books.as_bytes());
    let hash: String = hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    folder.join(format!("sync-{hash}.lock"))
}

/// Says which process has it, for the one that comes second.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

/// The process that has it. Unknown while that is about to sign, and where a locked file can't be read.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(LONGEST_HOLDER).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_sync_hears_who_has_the_lock_and_takes_it_when_that_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let take = |books| Lock::take(&data, books, "https://desk.example/");
        let first = take("sync:p:one").unwrap();
        let refused = take("sync:p:one").err().unwrap();
        assert_eq!(
            refused.to_string(),
            format!(
                "another sync to https://desk.example/ is running (process {}); wait for its end, or end it, and begin again",
                std::process::id()
            )
        );
        let other = take("sync:p:two").unwrap();
        drop(first);
        take("sync:p:one").unwrap();
        drop(other);
    }

    #[test]
    fn a_folder_that_can_not_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::write(&data, "a file").unwrap();
        let error = Lock::take(&data, "sync:p:one", "jsonl:/x").err().unwrap();
        assert!(matches!(error, SyncError::Lock { .. }), "{error}");
    }
}
