//! What can go wrong between Trunkline and its data.

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be reached, or does not answer in time. It may be better soon.
    #[error("the database can't be reached or does not answer")]
    Unavailable(#[source] Source),
    /// There is no room on the disk.
    #[error("the disk of the database is full; make room, nothing that was accepted is lost")]
    Full,
    /// The database was made by a newer Trunkline.
    #[error("the database has schema version {found}, this Trunkline knows {known}; use a newer Trunkline")]
    Newer {
        /// The version of the database.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// Something is longer than a database should take in one piece.
    #[error("{what} has {length} bytes, at most {most} are kept; send less")]
    TooLarge {
        /// What: `the body of an event`.
        what: &'static str,
        /// How long it is, in bytes (or how many there are).
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// Text with a zero byte, which not every database can keep.
    #[error("{what} has a zero byte in it; send text without")]
    ZeroByte {
        /// What: `the body of an event`.
        what: &'static str,
    },
    /// This kind of database can't do that.
    #[error("{what}")]
    Unsupported {
        /// What is asked for, and what to do instead.
        what: &'static str,
    },
    /// The database refuses what it should take.
    #[error("the database failed")]
    Failed(#[source] Source),
}

impl Error {
    pub(crate) fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    pub(crate) fn failed(source: impl Into<Source>) -> Self {
        Self::Failed(source.into())
    }
}
