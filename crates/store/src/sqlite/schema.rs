//! The schema, and how a database of an earlier version comes up to date.

use super::fault;
use crate::Error;
use rusqlite::{Connection, TransactionBehavior};

/// What each version adds, from 1 on. Never changed once released: only added to.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/sqlite/0001_inbox_outbox.sql"),
    include_str!("../../migrations/sqlite/0002_records.sql"),
    include_str!("../../migrations/sqlite/0003_audit.sql"),
    include_str!("../../migrations/sqlite/0004_terms.sql"),
];

const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Refuses a database that is newer than this program, or of another program; touches nothing.
pub(super) fn check(connection: &Connection) -> Result<(), Error> {
    // The tables first: another process may make them, and the version with them, at this moment.
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(|fault| fault::error(&fault))?;
    let found = version(connection).map_err(|fault| fault::error(&fault))?;
    if found > KNOWN {
        return Err(Error::Newer { found, known: KNOWN });
    }
    if found == 0 && tables > 0 {
        return Err(Error::failed(
            "the file is a database of another program; name a new file",
        ));
    }
    Ok(())
}

/// Adds what the database does not have yet, all of it or nothing.
pub(super) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    if version(connection)? == KNOWN {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it meanwhile.
    let found = version(&transaction)?;
    let missing = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(missing) {
        transaction.execute_batch(migration)?;
    }
    if found < KNOWN {
        transaction.pragma_update(None, "user_version", KNOWN)?;
    }
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
