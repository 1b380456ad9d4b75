//! Reading the audit log, and taking out of it what may be taken out.

use super::{
    audit::{bring_all_in, frontier_of},
    read::{all, first, parameters, portions, rows},
    session::Connections,
    trouble::Trouble,
};
use crate::{
    EntryFilter, Erased, Error, KeptEntry, Row as LogRow,
    query::{Condition, as_i64},
    sql,
};
use audit::{
    Text,
    tree::{Frontier, Hash, Tile},
};
use std::collections::HashMap;
use tokio_postgres::Row;

/// The texts of entries.
const TEXTS_OF: &str =
    "SELECT idx, field, salt, value FROM audit_texts WHERE idx = ANY ($1) ORDER BY idx, place";

/// The texts that are the person's, and all others of their subjects.
const ERASE_SUBJECT: &str = "
    WITH erased AS (DELETE FROM audit_texts WHERE subject = $1 RETURNING 1) SELECT count(*) FROM erased";

const ERASE: &str = "
    WITH named AS (SELECT DISTINCT subject FROM audit_texts WHERE value = $1 AND subject IS NOT NULL),
         gone AS (
            DELETE FROM audit_texts WHERE value = $1 OR subject IN (SELECT subject FROM named) RETURNING 1)
    SELECT (SELECT count(*) FROM gone), ARRAY (SELECT subject FROM named ORDER BY subject)";

/// The texts of old entries.
const EXPIRE: &str = "
    WITH old AS (SELECT idx FROM audit WHERE leaf IS NOT NULL AND idx < $1 ORDER BY idx LIMIT $2 FOR UPDATE),
         gone AS (DELETE FROM audit_texts WHERE idx IN (SELECT idx FROM old))
    UPDATE audit SET leaf = NULL FROM old WHERE audit.idx = old.idx";

pub(super) async fn log(connections: &Connections) -> Result<Frontier, Error> {
    bring_all_in(connections).await?;
    let rows = rows(connections, sql::LOG_HEAD, &[]).await?;
    Ok(first(&rows, frontier_of)?.unwrap_or_default())
}

pub(super) async fn entries(
    connections: &Connections,
    filter: &EntryFilter,
    most: usize,
) -> Result<Vec<KeptEntry>, Error> {
    bring_all_in(connections).await?;
    let wanted = Condition::of_entries(filter);
    let most = as_i64(most as u64);
    let mut given = parameters(&wanted);
    given.push(&most);
    let found = rows(connections, &sql::entry_query(&wanted), &given).await?;
    let mut texts = texts(connections, &found).await?;
    all(&found, |row| {
        Ok(KeptEntry {
            index: index_of(row)?,
            leaf: row.try_get("leaf")?,
            texts: Vec::new(),
        })
    })
    .map(|mut entries| {
        for entry in &mut entries {
            entry.texts = texts.remove(&entry.index).unwrap_or_default();
        }
        entries
    })
}

pub(super) async fn log_rows(
    connections: &Connections,
    from: u64,
    most: usize,
) -> Result<Vec<LogRow>, Error> {
    bring_all_in(connections).await?;
    let found = rows(connections, sql::LOG_ROWS, &[&as_i64(from), &as_i64(most as u64)]).await?;
    let mut texts = texts(connections, &found).await?;
    let mut read = all(&found, row_of)?;
    for row in &mut read {
        row.texts = texts.remove(&row.index).unwrap_or_default();
    }
    Ok(read)
}

pub(super) async fn leaf_hashes(connections: &Connections, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
    bring_all_in(connections).await?;
    let rows = rows(connections, sql::LEAF_HASHES, &[&as_i64(from), &as_i64(to)]).await?;
    all(&rows, hash_of)
}

pub(super) async fn tiles(
    connections: &Connections,
    level: u8,
    from: u64,
    to: u64,
) -> Result<Vec<Tile>, Error> {
    bring_all_in(connections).await?;
    let rows = rows(
        connections,
        sql::TILES,
        &[&i64::from(level), &as_i64(from), &as_i64(to)],
    )
    .await?;
    all(&rows, |row| {
        Ok(Tile {
            level,
            index: index_of(row)?,
            hash: hash_of(row)?,
        })
    })
}

pub(super) async fn keep_checkpoint(connections: &Connections, size: u64, note: &str) -> Result<(), Error> {
    rows(connections, sql::PUT_LOG_CHECKPOINT, &[&as_i64(size), &note]).await?;
    Ok(())
}

pub(super) async fn checkpoints(
    connections: &Connections,
    from: u64,
    most: usize,
) -> Result<Vec<String>, Error> {
    let rows = rows(
        connections,
        sql::LOG_CHECKPOINTS,
        &[&as_i64(from), &as_i64(most as u64)],
    )
    .await?;
    all(&rows, |row| Ok(row.try_get(0)?))
}

pub(super) async fn last_checkpoint(connections: &Connections) -> Result<Option<String>, Error> {
    let rows = rows(connections, sql::LAST_LOG_CHECKPOINT, &[]).await?;
    first(&rows, |row| Ok(row.try_get(0)?))
}

pub(super) async fn erase(connections: &Connections, person: &str) -> Result<Erased, Error> {
    bring_all_in(connections).await?;
    let rows = rows(connections, ERASE, &[&person]).await?;
    let erased = first(&rows, |row| {
        let texts: i64 = row.try_get(0)?;
        Ok(Erased {
            texts: texts.unsigned_abs(),
            subjects: row.try_get(1)?,
        })
    });
    Ok(erased?.unwrap_or_default())
}

pub(super) async fn erase_subject(connections: &Connections, subject: &str) -> Result<u64, Error> {
    bring_all_in(connections).await?;
    let rows = rows(connections, ERASE_SUBJECT, &[&subject]).await?;
    let texts = first(&rows, |row| Ok(row.try_get::<_, i64>(0)?))?;
    Ok(texts.unwrap_or_default().unsigned_abs())
}

pub(super) async fn expire(connections: &Connections, before: i64) -> Result<u64, Error> {
    bring_all_in(connections).await?;
    portions(connections, EXPIRE, &[&before]).await
}

/// The personal texts of the rows' entries, by index.
async fn texts(connections: &Connections, of: &[Row]) -> Result<HashMap<u64, Vec<Text>>, Error> {
    let indices = all(of, |row| Ok(row.try_get::<_, i64>("idx")?))?;
    let mut texts: HashMap<u64, Vec<Text>> = HashMap::new();
    for row in rows(connections, TEXTS_OF, &[&indices]).await? {
        let (index, text) = text_of(&row).map_err(Trouble::into_error)?;
        texts.entry(index).or_default().push(text);
    }
    Ok(texts)
}

fn text_of(row: &Row) -> Result<(u64, Text), Trouble> {
    let salt: &[u8] = row.try_get("salt")?;
    let text = Text {
        field: row.try_get("field")?,
        salt: salt
            .try_into()
            .map_err(|_| Trouble::Odd("a salt that is not 16 bytes"))?,
        value: row.try_get("value")?,
    };
    Ok((index_of(row)?, text))
}

fn row_of(row: &Row) -> Result<LogRow, Trouble> {
    Ok(LogRow {
        index: index_of(row)?,
        hash: hash_of(row)?,
        leaf: row.try_get("leaf")?,
        at_ms: row.try_get("at_ms")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        texts: Vec::new(),
    })
}

fn index_of(row: &Row) -> Result<u64, Trouble> {
    let index: i64 = row.try_get("idx")?;
    Ok(index.unsigned_abs())
}

/// A hash of another length is one that can't be right: verification finds it.
fn hash_of(row: &Row) -> Result<Hash, Trouble> {
    let bytes: &[u8] = row.try_get("hash")?;
    Ok(bytes.try_into().unwrap_or_default())
}
