//! What SQLite's errors mean to the store.

use crate::Error;
use rusqlite::ErrorCode;

/// The store's error for one of SQLite's.
pub(super) fn error(fault: &rusqlite::Error) -> Error {
    match fault.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::unavailable(fault.to_string()),
        Some(ErrorCode::DiskFull) => Error::Full,
        _ => Error::failed(fault.to_string()),
    }
}

/// Whether another process has the database: then every commit waits alike, and trying each alone would not help.
pub(super) fn is_busy(fault: &rusqlite::Error) -> bool {
    matches!(
        fault.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// What a column holds is not what was put there.
pub(super) fn corrupt(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Null, what.into())
}

pub(super) fn closed() -> Error {
    Error::unavailable("the store was closed")
}
