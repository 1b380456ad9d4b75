//! The audit log: entries that were committed get their index here, in one line for all processes.

use super::{
    Core,
    session::{Connections, Given, Session},
    trouble::Trouble,
};
use crate::{Error, sql};
use audit::{
    Text,
    entry::leaf,
    tree::{Frontier, Tile, leaf_hash},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio_postgres::Row;

/// The most entries that get their index in one transaction.
const PORTION: i64 = 1000;
/// How often a process looks after entries of its own that wait.
const SOON: Duration = Duration::from_millis(200);
/// Every so many looks, it looks after those that others left.
const OTHERS: u32 = 5;

/// Waits for its turn.
const HEAD: &str = "SELECT size, frontier FROM audit_head WHERE one = 1 FOR UPDATE";
/// Leaves it to whoever is at it already.
const HEAD_IF_FREE: &str = "SELECT size, frontier FROM audit_head WHERE one = 1 FOR UPDATE SKIP LOCKED";
const TAKE: &str = "
    DELETE FROM audit_pending WHERE id IN (SELECT id FROM audit_pending ORDER BY id LIMIT $1)
    RETURNING id, body, at_ms, action, subject, texts";
const APPEND: &str = "
    INSERT INTO audit (idx, at_ms, action, subject, hash, leaf)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::text[])";
const APPEND_TEXTS: &str = "
    INSERT INTO audit_texts (idx, place, field, salt, value, subject)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::text[])";
const APPEND_TILES: &str = "
    INSERT INTO audit_tiles (level, idx, hash) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])";

/// Puts what waits into the log, as long as the store is open.
pub(super) async fn keep_in_line(core: Arc<Core>) {
    let mut looks = 0u32;
    loop {
        tokio::select! {
            () = core.closing.cancelled() => return,
            () = tokio::time::sleep(SOON) => {}
        }
        looks = looks.wrapping_add(1);
        let ours = core.noted.swap(false, Ordering::Relaxed);
        if ours || looks.is_multiple_of(OTHERS) {
            // What fails now is tried again with the next look.
            if bring_in(&core.connections, HEAD_IF_FREE).await.is_err() {
                core.noted.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Puts all that was committed before into the log.
pub(super) async fn bring_all_in(connections: &Connections) -> Result<(), Error> {
    bring_in(connections, HEAD).await
}

async fn bring_in(connections: &Connections, head: &'static str) -> Result<(), Error> {
    loop {
        let portion = connections.patiently(|session| async move {
            let taken = bring_portion_in(&session, head).await?;
            session.done();
            Ok(taken)
        });
        if portion.await? < PORTION as usize {
            return Ok(());
        }
    }
}

/// Gives how many entries went in.
async fn bring_portion_in(session: &Session, head: &str) -> Result<usize, Trouble> {
    session.run("BEGIN").await?;
    let Some(head) = session.query_opt(head, &[]).await? else {
        session.run("ROLLBACK").await?;
        return Ok(0);
    };
    let mut taken = session.query(TAKE, &[&PORTION]).await?;
    if taken.is_empty() {
        session.run("ROLLBACK").await?;
        return Ok(0);
    }
    taken.sort_by_key(|row| row.try_get::<_, i64>(0).unwrap_or_default());
    let mut frontier = frontier_of(&head)?;
    let mut portion = Portion::default();
    for row in &taken {
        portion.push(row, &mut frontier)?;
    }
    portion.write(session).await?;
    let size = frontier.size() as i64;
    session
        .execute(sql::PUT_LOG_HEAD, &[&size, &frontier.to_bytes()])
        .await?;
    session.run("COMMIT").await?;
    Ok(taken.len())
}

pub(super) fn frontier_of(head: &Row) -> Result<Frontier, Trouble> {
    let size: i64 = head.try_get(0)?;
    Frontier::from_bytes(size.unsigned_abs(), head.try_get(1)?)
        .ok_or(Trouble::Odd("an audit log whose end does not fit its size"))
}

/// Rows to be written, by column.
#[derive(Default)]
struct Portion<'a> {
    indices: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    leaves: Vec<String>,
    at: Vec<i64>,
    actions: Vec<&'a str>,
    subjects: Vec<Option<&'a str>>,
    texts: Texts<'a>,
    tiles: Vec<Tile>,
}

#[derive(Default)]
struct Texts<'a> {
    indices: Vec<i64>,
    places: Vec<i64>,
    fields: Vec<String>,
    salts: Vec<Vec<u8>>,
    values: Vec<String>,
    subjects: Vec<Option<&'a str>>,
}

impl<'a> Portion<'a> {
    fn push(&mut self, row: &'a Row, frontier: &mut Frontier) -> Result<(), Trouble> {
        let index = frontier.size();
        let leaf = leaf(index, row.try_get("body")?);
        let hash = leaf_hash(leaf.as_bytes());
        self.tiles.extend(frontier.push(hash));
        self.indices.push(index as i64);
        self.hashes.push(hash.to_vec());
        self.leaves.push(leaf);
        self.at.push(row.try_get("at_ms")?);
        self.actions.push(row.try_get("action")?);
        let subject = row.try_get("subject")?;
        self.subjects.push(subject);
        let texts: Vec<Text> = serde_json::from_str(row.try_get("texts")?)
            .map_err(|_| Trouble::Odd("personal texts of an audit entry that can't be read"))?;
        self.texts.push(index as i64, subject, texts);
        Ok(())
    }

    async fn write(&self, session: &Session) -> Result<(), Trouble> {
        let rows = &[
            &self.indices as Given<'_>,
            &self.at,
            &self.actions,
            &self.subjects,
            &self.hashes,
            &self.leaves,
        ];
        session.execute(APPEND, rows).await?;
        self.texts.write(session).await?;
        if self.tiles.is_empty() {
            return Ok(());
        }
        let levels: Vec<i64> = self.tiles.iter().map(|tile| tile.level.into()).collect();
        let indices: Vec<i64> = self.tiles.iter().map(|tile| tile.index as i64).collect();
        let hashes: Vec<&[u8]> = self.tiles.iter().map(|tile| tile.hash.as_slice()).collect();
        session
            .execute(APPEND_TILES, &[&levels, &indices, &hashes])
            .await?;
        Ok(())
    }
}

impl<'a> Texts<'a> {
    fn push(&mut self, index: i64, subject: Option<&'a str>, texts: Vec<Text>) {
        for (place, text) in (0..).zip(texts) {
            self.indices.push(index);
            self.places.push(place);
            self.fields.push(text.field);
            self.salts.push(text.salt.to_vec());
            self.values.push(text.value);
            self.subjects.push(subject);
        }
    }

    async fn write(&self, session: &Session) -> Result<(), Trouble> {
        if self.indices.is_empty() {
            return Ok(());
        }
        let rows = &[
            &self.indices as Given<'_>,
            &self.places,
            &self.fields,
            &self.salts,
            &self.values,
            &self.subjects,
        ];
        session.execute(APPEND_TEXTS, rows).await?;
        Ok(())
    }
}
