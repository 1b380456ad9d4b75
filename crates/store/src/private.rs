//! Files that only their owner can read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Writes a file that only its owner can read; the old content stays if anything fails.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    // Of its own: another process may write the same file.
    new.push(format!(".{:08x}.new", rand::random::<u32>()));
    let new = PathBuf::from(new);
    let written = write_new(&new, bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_private(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

/// Creates a file that is not there yet, for its owner only.
pub fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
