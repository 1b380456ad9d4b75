//! Source files: read with bounds, and known again by their stamp so that what did not change is not read.

use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The largest source file, in bytes: half an hour of 16-bit stereo at 8000 Hz, or some minutes of a studio recording.
pub const LARGEST_SOURCE: u64 = 64 * 1024 * 1024;
/// A file that was written less than this before it was read may be written again within the same tick of the file system's clock.
const SETTLED: Duration = Duration::from_secs(2);

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceFault {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// A link may lead anywhere.
    #[error("it is a symbolic link, which is not followed; name the file itself")]
    Link,
    /// A folder, a device, a pipe.
    #[error("it is no regular file but {0}")]
    NoFile(&'static str),
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// It is too large to be a prompt.
    #[error("the file has {0} bytes; a prompt's file must have at most {LARGEST_SOURCE}")]
    TooLarge(u64),
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(io::Error),
}

impl From<io::Error> for SourceFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

/// What tells a file that was changed without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    bytes: u64,
    modified_ns: u64,
    /// When its name, owner or contents changed, which nobody can set; and which file it is.
    #[serde(default)]
    changed_ns: i64,
    #[serde(default)]
    inode: u64,
}

/// The stamp of a regular file that is neither empty nor too large.
pub fn stamp(path: &Path) -> Result<Stamp, SourceFault> {
    checked(path).map(|metadata| stamp_of(&metadata))
}

/// The bytes of a file, and its stamp unless it was written only just now.
pub fn read(path: &Path) -> Result<(Vec<u8>, Option<Stamp>), SourceFault> {
    let before = stamp_of(&checked(path)?);
    let file = File::open(path)?;
    let opened = file.metadata()?;
    if stamp_of(&opened) != before || !opened.is_file() {
        return Err(SourceFault::Unreadable(io::Error::other("it is being changed")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(opened.len()).unwrap_or_default());
    file.take(LARGEST_SOURCE + 1).read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    if length > LARGEST_SOURCE {
        return Err(SourceFault::TooLarge(length));
    }
    if bytes.is_empty() {
        return Err(SourceFault::Empty);
    }
    let is_same = length == before.bytes && stamp(path).is_ok_and(|after| after == before);
    let age = opened
        .modified()
        .ok()
        .and_then(|at| SystemTime::now().duration_since(at).ok());
    let is_settled = age.is_some_and(|age| age > SETTLED);
    Ok((bytes, (is_same && is_settled).then_some(before)))
}

fn checked(path: &Path) -> Result<Metadata, SourceFault> {
    let metadata = fs::symlink_metadata(path)?;
    let kind = metadata.file_type();
    match () {
        () if kind.is_symlink() => Err(SourceFault::Link),
        () if kind.is_dir() => Err(SourceFault::NoFile("a folder")),
        () if !kind.is_file() => Err(SourceFault::NoFile("a device, a pipe or a socket")),
        () if metadata.len() == 0 => Err(SourceFault::Empty),
        () if metadata.len() > LARGEST_SOURCE => Err(SourceFault::TooLarge(metadata.len())),
        () => Ok(metadata),
    }
}

fn stamp_of(metadata: &Metadata) -> Stamp {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let nanoseconds = since.map_or(0, |since| since.as_nanos());
    let (changed_ns, inode) = of_system(metadata);
    Stamp {
        bytes: metadata.len(),
        modified_ns: u64::try_from(nanoseconds).unwrap_or(u64::MAX),
        changed_ns,
        inode,
    }
}

#[cfg(unix)]
fn of_system(metadata: &Metadata) -> (i64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    let seconds = metadata.ctime().saturating_mul(1_000_000_000);
    (seconds.saturating_add(metadata.ctime_nsec()), metadata.ino())
}

#[cfg(not(unix))]
fn of_system(_: &Metadata) -> (i64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_again_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        fs::write(&path, "abc").unwrap();
        let (bytes, fresh) = read(&path).unwrap();
        assert_eq!((&*bytes, fresh), (&b"abc"[..], None), "it was only just written");

        let old = SystemTime::now() - Duration::from_secs(60);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        let (_, kept) = read(&path).unwrap();
        assert_eq!(kept, Some(stamp(&path).unwrap()));

        // The same length and the same time of writing: only the system's own time tells.
        fs::write(&path, "abd").unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        #[cfg(unix)]
        assert_ne!(kept, Some(stamp(&path).unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty"), "").unwrap();
        std::os::unix::fs::symlink("empty", path("link")).unwrap();
        let huge = File::create(path("huge")).unwrap();
        huge.set_len(LARGEST_SOURCE + 1).unwrap();
        let faults =
            ["", "empty", "link", "huge", "none"].map(|name| read(&path(name)).unwrap_err().to_string());
        insta::assert_snapshot!(faults.join("\n"), @"
        it is no regular file but a folder
        the file is empty
        it is a symbolic link, which is not followed; name the file itself
        the file has 67108865 bytes; a prompt's file must have at most 67108864
        there is no such file
        ");
    }
}
