//! Opening the file.

use super::{fault, schema};
use crate::{Error, create_private};
use rusqlite::{Connection, OpenFlags};
use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

/// How long to wait while another process writes.
const BUSY: Duration = Duration::from_secs(5);
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;
/// After so many pages, the write-ahead log goes into the file: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4_096;
/// Memory for pages, in KiB.
const WRITER_CACHE: i64 = 16 * 1_024;
const READER_CACHE: i64 = 2 * 1_024;

/// A connection that writes: made if need be, and up to date.
pub(super) fn writer(path: &Path, most_pages: Option<u32>) -> Result<Connection, Error> {
    create(path).map_err(Error::failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = open(path, flags, WRITER_CACHE)?;
    schema::check(&connection)?;
    prepare(&mut connection, most_pages).map_err(|fault| fault::error(&fault))?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    open(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        READER_CACHE,
    )
}

/// Makes the file and its folder for its owner alone; the files that SQLite puts beside it get the same permissions.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_folder(folder)?;
    }
    match create_private(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn open(path: &Path, flags: OpenFlags, cache: i64) -> Result<Connection, Error> {
    let connect = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "cache_size", -cache)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    connect().map_err(|fault| fault::error(&fault))
}

fn prepare(connection: &mut Connection, most_pages: Option<u32>) -> rusqlite::Result<()> {
    use_wal(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // What is erased is overwritten, not only unlinked.
    connection.pragma_update(None, "secure_delete", true)?;
    if let Some(pages) = most_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    schema::upgrade(connection)
}

/// Changing to a write-ahead log needs the file for oneself for a moment, and SQLite does not wait for that by itself.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(fault) if fault::is_busy(&fault) && start.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

/// Puts the write-ahead log into the file and cuts it off, so that nothing of what was removed is left in it.
pub(super) fn empty_wal(path: &Path) -> Result<(), Error> {
    let connection = open(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        READER_CACHE,
    )?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    match busy {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::unavailable("the write-ahead log is in use")),
        Err(fault) => Err(fault::error(&fault)),
    }
}
