//! What an error of the database means for the work at hand.

use super::settings::STATEMENT;
use crate::Error;
use deadpool_postgres::PoolError;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// How long one attempt may take: a little longer than the server's own limit for a statement, so that its word comes
/// first.
pub(super) const ATTEMPT: Duration = STATEMENT.saturating_add(Duration::from_secs(1));

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the database reports an error")]
    Database(#[from] tokio_postgres::Error),
    #[error("there is no connection to the database")]
    Connection(#[from] PoolError),
    #[error("the database did not answer within {ATTEMPT:?}")]
    Silent,
    #[error("the store is closed")]
    Closed,
    /// Something in the database is not as Trunkline writes it.
    #[error("the database holds {0}")]
    Odd(&'static str),
    /// Not the database: the answer is known already.
    #[error(transparent)]
    Final(#[from] Error),
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// It may work with the next attempt.
    Repeat,
    /// It will not.
    GiveUp,
}

impl Trouble {
    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::Silent => Advice::Repeat,
            Self::Odd(_) | Self::Final(_) | Self::Closed => Advice::GiveUp,
            Self::Connection(PoolError::Closed) => Advice::GiveUp,
            Self::Connection(PoolError::Backend(error)) | Self::Database(error) => advice_of(error),
            Self::Connection(_) => Advice::Repeat,
        }
    }

    /// What the server calls it.
    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Connection(PoolError::Backend(error)) | Self::Database(error) => error.code(),
            _ => None,
        }
    }

    /// What the caller is told when nothing helped.
    pub(super) fn into_error(self) -> Error {
        if let Self::Final(error) = self {
            return error;
        }
        if matches!(self, Self::Closed | Self::Connection(PoolError::Closed)) {
            return Error::unavailable(self);
        }
        match self.code() {
            Some(&SqlState::DISK_FULL) => Error::Full,
            _ if self.advice() == Advice::Repeat => Error::unavailable(self),
            _ => Error::failed(self),
        }
    }
}

fn advice_of(error: &tokio_postgres::Error) -> Advice {
    match error.code() {
        // Without a code it never came to the server's ears, or the server is gone.
        None if error.is_closed() || is_io(error) => Advice::Repeat,
        None => Advice::GiveUp,
        Some(code) if is_passing(code) => Advice::Repeat,
        Some(_) => Advice::GiveUp,
    }
}

/// A connection that breaks, or can't be made, shows as an error of the sockets somewhere below.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<std::io::Error>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// States of the server that pass by themselves: see PostgreSQL's appendix A, "Error Codes".
fn is_passing(code: &SqlState) -> bool {
    let single = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::OUT_OF_MEMORY,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        // A primary that has become a standby: the next connection may find the new one.
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    // Class 08: the connection.
    code.code().starts_with("08") || single.contains(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_repeated_and_what_does_not_is_not() {
        for code in [
            "08006", "40001", "40P01", "57014", "57P01", "57P03", "53300", "25006",
        ] {
            assert!(is_passing(&SqlState::from_code(code)), "{code}");
        }
        for code in ["53100", "28P01", "3D000", "42P01", "22021", "23505"] {
            assert!(!is_passing(&SqlState::from_code(code)), "{code}");
        }
    }
}
