//! What SQLite's errors mean.

use crate::Error;
use rusqlite::ErrorCode;

/// Whether the error is about one piece of work and not about the database as a whole.
pub(super) fn is_of_one(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ReadOnly
        )
    )
}

/// The store's error for it. It takes no more of the original than its text, since many may share one.
pub(super) fn read(error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SystemIoFailure) => {
            Error::Unavailable(error.to_string().into())
        }
        _ => Error::Failed(error.to_string().into()),
    }
}
