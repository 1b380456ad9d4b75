//! Bringing the schema up to date, one numbered step after the other, forward only.

use super::trouble;
use crate::Error;
use rusqlite::{Connection, TransactionBehavior};

/// The steps; a database that has taken the first `n` has `user_version = n`. Steps are added, never changed.
pub(super) const STEPS: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_work.sql"),
    include_str!("../../migrations/sqlite/0002_records.sql"),
    include_str!("../../migrations/sqlite/0003_audit.sql"),
];

pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    migrate_to(connection, STEPS.len())
}

/// Takes the steps up to `version`. Several processes may try at once: each step is taken by one of them.
fn migrate_to(connection: &mut Connection, version: usize) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| trouble::read(&error);
    loop {
        let step = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let taken: i64 = step
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed)?;
        let known = STEPS.len() as i64;
        if taken > known {
            return Err(Error::Newer { found: taken, known });
        }
        let Some(text) = STEPS[..version].get(taken as usize) else {
            return Ok(());
        };
        step.execute_batch(text).map_err(failed)?;
        step.pragma_update(None, "user_version", taken + 1)
            .map_err(failed)?;
        step.commit().map_err(failed)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Commit, Event, Location, Store};
    use std::path::Path;

    fn at_version(path: &Path, version: usize) -> Connection {
        let mut connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        migrate_to(&mut connection, version).unwrap();
        connection
    }

    #[tokio::test]
    async fn a_database_of_every_earlier_version_keeps_what_is_in_it() {
        for version in 1..STEPS.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("old.db");
            let old = at_version(&path, version);
            old.execute_batch("INSERT INTO inbox (source, event_id, received_ms, body, answer) VALUES ('crm', 'e1', 5, '{}', 'first')")
                .unwrap();
            if version >= 2 {
                old.execute_batch("INSERT INTO records VALUES ('call', 'c1', 3, 7, 'kept')")
                    .unwrap();
            }
            drop(old);
            let store = Store::open(&Location::Sqlite(path)).await.unwrap();
            let kept = store.event("crm", "e1").await.unwrap().unwrap();
            assert_eq!((kept.event.answer.as_str(), kept.received_ms), ("first", 5));
            if version >= 2 {
                assert_eq!(store.record("call", "c1").await.unwrap().unwrap().version, 3);
            }
            let event = Event {
                source: "crm".into(),
                id: "e2".into(),
                body: "{}".into(),
                answer: "x".into(),
            };
            store
                .commit(Commit {
                    event: Some(event),
                    ..Commit::default()
                })
                .await
                .unwrap();
            assert_eq!(store.counts().await.unwrap().events, 2);
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let connection = at_version(&path, STEPS.len());
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let refused = Store::open(&Location::Sqlite(path.clone())).await.err().unwrap();
        assert!(
            matches!(refused, Error::Newer { found: 99, known: 3 }),
            "{refused}"
        );
        let version: i64 = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 99);
    }
}
