//! What can go wrong.

use std::path::PathBuf;

/// The cause of an error, as the database tells it.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong. Nothing that was accepted is lost by it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be reached, or does not answer in time. It may be better soon.
    #[error("the database can't be reached or does not answer in time; try again")]
    Unavailable(#[source] Cause),
    /// There is no room on the disk.
    #[error("the disk of the database is full; make room")]
    Full,
    /// The database was made by a newer Trunkline.
    #[error("the database has schema version {found}, this Trunkline knows {known}; use a newer Trunkline")]
    Newer {
        /// The database's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Something is larger than the store takes.
    #[error("{what} must be at most {most} bytes, not {size}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size, in bytes.
        size: usize,
        /// The most, in bytes.
        most: usize,
    },
    /// The file can't be made or used.
    #[error("the file {} can't be used", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// This database can't do that.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The database refuses what it should take.
    #[error("the database failed")]
    Failed(#[source] Cause),
}

impl Error {
    pub(crate) fn closed() -> Self {
        Self::Unavailable("the store is closed".into())
    }
}
