//! One transaction of the writer.

use super::fault;
use crate::{Clock, clock::millis, sql, worker::BEAT_EVERY};
use audit::{
    SealedEntry,
    tree::{Frontier, leaf_hash},
};
use rusqlite::{CachedStatement, Connection, Params, params};

/// What the writes of one transaction share.
pub(super) struct Session<'a> {
    connection: &'a Connection,
    clock: &'a Clock,
    /// The time of all that is written.
    pub(super) now_ms: i64,
    /// When work of workers that are gone was looked for last.
    pub(super) reaped_ms: &'a mut i64,
    /// Whether there may be work afterwards.
    pub(super) wakes: bool,
    /// The log, if something was appended. Read anew each time: another process may have appended meanwhile.
    log: Option<Frontier>,
}

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a Connection, clock: &'a Clock, reaped_ms: &'a mut i64) -> Self {
        Self {
            connection,
            clock,
            now_ms: clock.now_ms(),
            reaped_ms,
            wakes: false,
            log: None,
        }
    }

    /// Now and then, tells the database the time, and learns it from there.
    pub(super) fn see_time(&mut self, saw_ms: &mut i64) -> rusqlite::Result<()> {
        if self.now_ms.saturating_sub(*saw_ms) < millis(BEAT_EVERY) {
            return Ok(());
        }
        let seen: i64 = self
            .prepare(sql::SEE_TIME)?
            .query_row([self.now_ms], |row| row.get(0))?;
        self.clock.saw(seen);
        self.now_ms = self.now_ms.max(seen);
        *saw_ms = self.now_ms;
        Ok(())
    }

    pub(super) fn prepare(&self, text: &str) -> rusqlite::Result<CachedStatement<'a>> {
        self.connection.prepare_cached(text)
    }

    /// Runs a statement; gives how many rows it changed.
    pub(super) fn execute(&self, text: &str, parameters: impl Params) -> rusqlite::Result<usize> {
        self.prepare(text)?.execute(parameters)
    }

    /// Puts entries at the end of the log.
    pub(super) fn append(&mut self, entries: &[SealedEntry]) -> rusqlite::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut log = match self.log.take() {
            Some(log) => log,
            None => frontier(self.connection)?,
        };
        for entry in entries {
            self.append_one(&mut log, entry)?;
        }
        self.log = Some(log);
        Ok(())
    }

    fn append_one(&self, log: &mut Frontier, entry: &SealedEntry) -> rusqlite::Result<()> {
        let index = log.size();
        let leaf = entry.leaf(index);
        let hash = leaf_hash(leaf.as_bytes());
        let at_ms = entry.at.timestamp().as_millisecond();
        self.execute(
            sql::INSERT_ENTRY,
            params![index, at_ms, entry.action, entry.subject, hash, leaf],
        )?;
        for (place, text) in entry.texts.iter().enumerate() {
            self.execute(
                sql::INSERT_TEXT,
                params![index, place, text.field, text.salt, text.value, entry.subject],
            )?;
        }
        for tile in log.push(hash) {
            self.execute(sql::INSERT_TILE, params![tile.level, tile.index, tile.hash])?;
        }
        Ok(())
    }

    /// Writes what the writes have in common; gives whether there may be work.
    pub(super) fn finish(&mut self) -> rusqlite::Result<bool> {
        if let Some(log) = self.log.take() {
            self.execute(sql::PUT_LOG_HEAD, params![log.size(), log.to_bytes()])?;
        }
        Ok(self.wakes)
    }
}

/// The log's size and frontier.
pub(super) fn frontier(connection: &Connection) -> rusqlite::Result<Frontier> {
    let (size, bytes): (u64, Vec<u8>) = connection
        .prepare_cached(sql::LOG_HEAD)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Frontier::from_bytes(size, &bytes)
        .ok_or_else(|| fault::corrupt(1, "the frontier of the audit log does not fit its size"))
}
