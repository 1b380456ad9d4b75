//! SQLite: one thread writes, a few connections read.

mod apply;
pub(crate) mod log;
mod read;
mod schema;
mod trouble;
pub(crate) mod work;
mod writer;

use crate::{Committed, Error, clock::Clock, sealed::Sealed, sql};
use rusqlite::{Connection, OpenFlags};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, watch};
use writer::Writer;

/// Most connections that read at a time.
const READERS: usize = 4;
/// How long another process may hold the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that are kept prepared per connection.
const STATEMENTS: usize = 128;

/// A SQLite database.
#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Arc<Readers>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Sqlite {
    /// Opens the file, makes it if need be, and brings its schema up to date.
    pub(crate) async fn open(path: &Path, clock: Clock, hints: watch::Sender<u64>) -> Result<Self, Error> {
        let path = path.to_owned();
        let opening = move || {
            make_private(&path).map_err(|source| Error::File {
                path: path.clone(),
                source,
            })?;
            let mut connection = connect(&path, false).map_err(|error| trouble::read(&error))?;
            schema::migrate(&mut connection)?;
            if let Some(seen) = last_seen(&connection).map_err(|error| trouble::read(&error))? {
                clock.observe(seen);
            }
            let writer =
                Writer::start(connection, clock, hints).map_err(|error| Error::Failed(error.into()))?;
            let readers = Readers {
                path,
                idle: Mutex::default(),
                permits: Semaphore::new(READERS),
            };
            Ok(Self {
                writer,
                readers: Arc::new(readers),
            })
        };
        blocking(opening).await
    }

    /// Writes a commit; returns when it is durable.
    pub(crate) async fn commit(&self, commit: Sealed) -> Result<Committed, Error> {
        self.writer
            .write(move |batch| apply::commit(batch, &commit))
            .await
    }

    /// Reads on a connection of its own.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = self.readers.clone();
        let Ok(_permit) = self.readers.permits.acquire().await else {
            return Err(Error::closed());
        };
        blocking(move || {
            let connection = readers.take().map_err(|error| trouble::read(&error))?;
            let value = read(&connection).map_err(|error| trouble::read(&error));
            readers
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            value
        })
        .await
    }

    /// Copies the database to a new file while it is in use.
    pub(crate) async fn backup(&self, to: &Path) -> Result<(), Error> {
        let (to, from) = (to.to_owned(), self.readers.path.clone());
        blocking(move || {
            let file = |source| Error::File {
                path: to.clone(),
                source,
            };
            new_private(&to).map_err(file)?;
            let copied = connect(&from, true).and_then(|source| {
                let mut target = Connection::open(&to)?;
                let backup = rusqlite::backup::Backup::new(&source, &mut target)?;
                backup.run_to_completion(1000, Duration::ZERO, None)
            });
            copied.map_err(|error| {
                // Half a copy is worse than none.
                let _ = fs::remove_file(&to);
                trouble::read(&error)
            })
        })
        .await
    }
}

impl Readers {
    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect(&self.path, true), Ok)
    }
}

/// The latest time that the store has seen, whoever wrote it.
fn last_seen(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    writer::first(connection, sql::SEEN, [], |row| row.get(0))
}

fn connect(path: &Path, read_only: bool) -> rusqlite::Result<Connection> {
    let mode = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if !read_only {
        // FULL: what was acknowledged survives the loss of power, too.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    Ok(connection)
}

/// The file, for its owner only; the files that SQLite puts beside it get the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match new_private(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn new_private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Failed(error.into())))
}

/// SQLite's spelling of a statement.
fn dialect(text: &str) -> String {
    text.replace('$', "?")
        .replace("{SKIP LOCKED}", "")
        .replace("{FOR UPDATE}", "")
}
