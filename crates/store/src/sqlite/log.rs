//! The audit log: reading it, vouching for it, and taking personal texts out of it.

use super::{
    Sqlite,
    apply::millis,
    dialect,
    read::{after_prefix, all},
    writer::{Batch, first},
};
use crate::{EntryFilter, Erased, Error, KeptEntry, Row, sql};
use audit::{
    Text,
    tree::{Frontier, Hash, Tile},
};
use rusqlite::{Connection, params, types::Value};
use std::{collections::BTreeMap, time::Duration};

/// Entries whose texts are dropped in one transaction.
const CHUNK: i64 = 1000;

impl Sqlite {
    pub(crate) async fn log(&self) -> Result<Frontier, Error> {
        self.read(head).await
    }

    pub(crate) async fn entries(&self, filter: EntryFilter, most: usize) -> Result<Vec<KeptEntry>, Error> {
        self.read(move |connection| {
            let (conditions, mut given) = conditions(&filter);
            given.push(Value::from(most as i64));
            let text = format!(
                "SELECT idx, leaf FROM audit{conditions} ORDER BY idx LIMIT ?{}",
                given.len()
            );
            let found = all(connection, &text, given, |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?))
            })?;
            let mut texts = BTreeMap::new();
            for (index, _) in &found {
                texts.append(&mut texts_of(connection, *index, *index)?);
            }
            let entry = |(index, leaf): (i64, Option<String>)| KeptEntry {
                index: index.unsigned_abs(),
                leaf,
                texts: texts.remove(&index).unwrap_or_default(),
            };
            Ok(found.into_iter().map(entry).collect())
        })
        .await
    }

    pub(crate) async fn rows(&self, from: u64, most: usize) -> Result<Vec<Row>, Error> {
        self.read(move |connection| {
            let given = vec![Value::from(from as i64), Value::from(most as i64)];
            let mut rows = all(connection, &dialect(sql::ROWS), given, |row| {
                Ok(Row {
                    index: row.get::<_, i64>(0)?.unsigned_abs(),
                    hash: row.get(1)?,
                    leaf: row.get(2)?,
                    at_ms: row.get(3)?,
                    action: row.get(4)?,
                    subject: row.get(5)?,
                    texts: Vec::new(),
                })
            })?;
            if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
                let mut texts = texts_of(connection, first.index as i64, last.index as i64)?;
                for row in &mut rows {
                    row.texts = texts.remove(&(row.index as i64)).unwrap_or_default();
                }
            }
            Ok(rows)
        })
        .await
    }

    pub(crate) async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        let given = vec![Value::from(from as i64), Value::from(to as i64)];
        self.read(move |connection| all(connection, &dialect(sql::LEAF_HASHES), given, |row| row.get(0)))
            .await
    }

    pub(crate) async fn tiles(&self, level: u8, from: u64, to: u64) -> Result<Vec<Tile>, Error> {
        let given = vec![
            Value::from(level),
            Value::from(from as i64),
            Value::from(to as i64),
        ];
        let tile = move |row: &rusqlite::Row<'_>| {
            Ok(Tile {
                level,
                index: row.get::<_, i64>(0)?.unsigned_abs(),
                hash: row.get(1)?,
            })
        };
        self.read(move |connection| all(connection, &dialect(sql::TILES), given, tile))
            .await
    }

    pub(crate) async fn keep_checkpoint(&self, size: u64, note: String) -> Result<(), Error> {
        let work = move |batch: &mut Batch<'_>| {
            batch
                .execute(sql::KEEP_CHECKPOINT, params![size as i64, note])
                .map(drop)
        };
        self.writer.write(work).await
    }

    pub(crate) async fn checkpoints(&self, from: u64, most: usize) -> Result<Vec<String>, Error> {
        let given = vec![Value::from(from as i64), Value::from(most as i64)];
        self.read(move |connection| all(connection, &dialect(sql::CHECKPOINTS), given, |row| row.get(0)))
            .await
    }

    pub(crate) async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        self.read(|connection| first(connection, sql::LAST_CHECKPOINT, [], |row| row.get(0)))
            .await
    }

    pub(crate) async fn erase(&self, person: String) -> Result<Erased, Error> {
        let work = move |batch: &mut Batch<'_>| {
            let given = vec![Value::from(person.clone())];
            let subjects: Vec<String> = all(batch.connection, &dialect(sql::SUBJECTS_OF), given, |row| {
                row.get(0)
            })?;
            let mut texts = 0;
            for subject in &subjects {
                texts += batch.execute(sql::ERASE_SUBJECT, [subject])?;
            }
            texts += batch.execute(sql::ERASE_TEXT, [&person])?;
            Ok(Erased {
                subjects,
                texts: texts as u64,
            })
        };
        self.writer.write(work).await
    }

    pub(crate) async fn expire(&self, older: Duration) -> Result<u64, Error> {
        let mut expired = 0;
        loop {
            let work = move |batch: &mut Batch<'_>| {
                let before = batch.now.saturating_sub(millis(older));
                let given = vec![Value::from(before), Value::from(CHUNK)];
                let old: Vec<i64> = all(batch.connection, &dialect(sql::EXPIRABLE), given, |row| {
                    row.get(0)
                })?;
                for index in &old {
                    batch.execute(sql::EXPIRE, [index])?;
                    batch.execute(sql::EXPIRE_TEXTS, [index])?;
                }
                Ok(old.len() as u64)
            };
            let count = self.writer.write(work).await?;
            expired += count;
            if count < CHUNK as u64 {
                return Ok(expired);
            }
        }
    }
}

/// The head as it is kept. One that can't be (somebody wrote over it) gives a log that verification refuses.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Frontier> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let (size, roots) = first(connection, sql::HEAD, [], read)?.unwrap_or_default();
    Frontier::from_bytes(size.unsigned_abs(), &roots).ok_or_else(|| {
        let kind = rusqlite::types::Type::Blob;
        rusqlite::Error::FromSqlConversionFailure(1, kind, "the audit log's head is damaged".into())
    })
}

fn texts_of(connection: &Connection, from: i64, to: i64) -> rusqlite::Result<BTreeMap<i64, Vec<Text>>> {
    let given = vec![Value::from(from), Value::from(to)];
    let mut texts: BTreeMap<i64, Vec<Text>> = BTreeMap::new();
    let read = |row: &rusqlite::Row<'_>| {
        let text = Text {
            field: row.get(1)?,
            salt: row.get(2)?,
            value: row.get(3)?,
        };
        Ok((row.get::<_, i64>(0)?, text))
    };
    for (index, text) in all(connection, &dialect(sql::TEXTS), given, read)? {
        texts.entry(index).or_default().push(text);
    }
    Ok(texts)
}

fn conditions(filter: &EntryFilter) -> (String, Vec<Value>) {
    let mut text = " WHERE idx >= ?1".to_owned();
    let mut given = vec![Value::from(filter.from as i64)];
    let mut and = |condition: &str, value: Value| {
        given.push(value);
        text.push_str(&format!(" AND {condition} ?{}", given.len()));
    };
    if let Some(since) = filter.since {
        and("at_ms >=", since.timestamp().as_millisecond().into());
    }
    if let Some(until) = filter.until {
        and("at_ms <", until.timestamp().as_millisecond().into());
    }
    if let Some(prefix) = &filter.action_prefix {
        and("action >=", prefix.clone().into());
        and("action <", after_prefix(prefix).into());
    }
    if let Some(subject) = &filter.subject {
        and("subject =", subject.clone().into());
    }
    (text, given)
}
