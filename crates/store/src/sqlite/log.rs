//! Reading the audit log, and what is taken out of it: a person's texts, old entries.
//!
//! What verification reads is read as it is: bytes that are no text, or no hash, must not stop it.

use super::session::Session;
use crate::{
    Erased, KeptEntry, Row as LogRow,
    query::{Condition, Parameter},
    sql,
};
use audit::{
    Text,
    tree::{Hash, Tile},
};
use rusqlite::{Connection, Row, params, params_from_iter, types::ValueRef};

pub(super) fn entries(
    connection: &Connection,
    wanted: &Condition,
    most: i64,
) -> rusqlite::Result<Vec<KeptEntry>> {
    let mut parameters = wanted.parameters().to_vec();
    parameters.push(Parameter::Number(most));
    let mut statement = connection.prepare_cached(&sql::entry_query(wanted))?;
    let rows = statement.query_map(params_from_iter(parameters), |row| {
        Ok(KeptEntry {
            index: row.get(0)?,
            leaf: text(row, 1)?,
            texts: Vec::new(),
        })
    })?;
    let mut entries = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut statement = connection.prepare_cached(sql::TEXTS)?;
    for entry in &mut entries {
        let texts = statement.query_map([entry.index], |row| read_text(row, 0))?;
        entry.texts = texts.collect::<rusqlite::Result<_>>()?;
    }
    Ok(entries)
}

pub(super) fn rows(connection: &Connection, from: i64, most: i64) -> rusqlite::Result<Vec<LogRow>> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot.prepare_cached(sql::LOG_ROWS)?;
    let rows = statement.query_map([from, most], read_row)?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let mut statement = snapshot.prepare_cached(sql::TEXTS_BETWEEN)?;
        let texts = statement.query_map([first.index, last.index], |row| {
            Ok((row.get::<_, u64>(0)?, read_text(row, 1)?))
        })?;
        for text in texts {
            let (index, text) = text?;
            if let Ok(place) = rows.binary_search_by_key(&index, |row| row.index) {
                rows[place].texts.push(text);
            }
        }
    }
    Ok(rows)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    Ok(LogRow {
        index: row.get(0)?,
        hash: fixed(row, 1)?,
        leaf: text(row, 2)?,
        at_ms: row.get(3)?,
        action: text(row, 4)?.unwrap_or_default(),
        subject: text(row, 5)?,
        texts: Vec::new(),
    })
}

fn read_text(row: &Row<'_>, first: usize) -> rusqlite::Result<Text> {
    Ok(Text {
        field: text(row, first)?.unwrap_or_default(),
        salt: fixed(row, first + 1)?,
        value: text(row, first + 2)?.unwrap_or_default(),
    })
}

pub(super) fn leaf_hashes(connection: &Connection, from: i64, to: i64) -> rusqlite::Result<Vec<Hash>> {
    let mut statement = connection.prepare_cached(sql::LEAF_HASHES)?;
    statement.query_map([from, to], |row| fixed(row, 0))?.collect()
}

pub(super) fn tiles(connection: &Connection, level: u8, from: i64, to: i64) -> rusqlite::Result<Vec<Tile>> {
    let mut statement = connection.prepare_cached(sql::TILES)?;
    let tiles = statement.query_map(params![level, from, to], |row| {
        Ok(Tile {
            level,
            index: row.get(0)?,
            hash: fixed(row, 1)?,
        })
    })?;
    tiles.collect()
}

pub(super) fn checkpoints(connection: &Connection, from: i64, most: i64) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(sql::LOG_CHECKPOINTS)?;
    statement.query_map([from, most], |row| row.get(0))?.collect()
}

/// Text as it is there; bytes that are no UTF-8 are replaced.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    })
}

/// Bytes of a known length; zeros if they have another, which match nothing.
fn fixed<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    let bytes = match row.get_ref(column)? {
        ValueRef::Blob(bytes) => bytes.try_into().ok(),
        _ => None,
    };
    Ok(bytes.unwrap_or([0; N]))
}

pub(super) fn keep_checkpoint(session: &mut Session<'_>, size: i64, note: &str) -> rusqlite::Result<()> {
    session
        .execute(sql::PUT_LOG_CHECKPOINT, params![size, note])
        .map(drop)
}

pub(super) fn erase(session: &mut Session<'_>, person: &str) -> rusqlite::Result<Erased> {
    let subjects = {
        let mut statement = session.prepare(sql::SUBJECTS_OF_PERSON)?;
        let subjects = statement.query_map([person], |row| row.get(0))?;
        subjects.collect::<rusqlite::Result<Vec<String>>>()?
    };
    let mut texts = 0;
    for subject in &subjects {
        texts += session.execute(sql::ERASE_SUBJECT, [subject])?;
    }
    texts += session.execute(sql::ERASE_VALUE, [person])?;
    Ok(Erased {
        subjects,
        texts: texts as u64,
    })
}

pub(super) fn erase_subject(session: &mut Session<'_>, subject: &str) -> rusqlite::Result<u64> {
    Ok(session.execute(sql::ERASE_SUBJECT, [subject])? as u64)
}

/// Drops the text of some entries from before then; gives how many.
pub(super) fn expire(session: &mut Session<'_>, end: i64, most: i64) -> rusqlite::Result<u64> {
    let old = {
        let mut statement = session.prepare(sql::OLD_ENTRIES)?;
        let old = statement.query_map([end, most], |row| row.get(0))?;
        old.collect::<rusqlite::Result<Vec<i64>>>()?
    };
    for index in &old {
        session.execute(sql::EXPIRE_ENTRY, [index])?;
        session.execute(sql::EXPIRE_TEXTS, [index])?;
    }
    Ok(old.len() as u64)
}
