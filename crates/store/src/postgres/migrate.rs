//! The schema, brought up to date.

use super::{session::Session, trouble::Trouble};
use crate::Error;

/// The steps from nothing to the newest schema. They only go forward, and one that was released never changes.
const STEPS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_inbox_outbox.sql"),
    include_str!("../../migrations/postgres/0002_records.sql"),
    include_str!("../../migrations/postgres/0003_audit.sql"),
    include_str!("../../migrations/postgres/0004_terms.sql"),
];

/// Held while the schema changes, so that processes that start at once do it one after the other. The number is
/// arbitrary.
const LOCK: i64 = 0x7472_756e_6b6c_696e;

const VERSION: &str = "SELECT version FROM schema_version";

/// Brings the schema up to date; refuses one that is newer than what this program knows.
pub(super) async fn run(session: &Session) -> Result<(), Trouble> {
    session
        .run("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning")
        .await?;
    session
        .run(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
        .await?;
    session
        .run("CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)")
        .await?;
    let found = version(session).await?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(Error::Newer { found, known }.into());
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        session.run(step).await?;
    }
    if found < known {
        session
            .run(&format!(
                "DELETE FROM schema_version; INSERT INTO schema_version VALUES ({known})"
            ))
            .await?;
    }
    session.run("COMMIT").await
}

async fn version(session: &Session) -> Result<i64, Trouble> {
    let row = session.query_opt(VERSION, &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
}
