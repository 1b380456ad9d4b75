//! Writing a commit.

use super::writer::{Batch, first};
use crate::{Committed, Expect, Finish, Put, sealed::Sealed, sql};
use audit::{SealedEntry, tree::leaf_hash};
use rusqlite::params;
use std::time::Duration;

/// Checks everything, then writes everything.
pub(super) fn commit(batch: &mut Batch<'_>, commit: &Sealed) -> rusqlite::Result<Committed> {
    let connection = batch.connection;
    if let Some(lease) = &commit.under
        && first(
            connection,
            sql::LEASE_HELD,
            params![lease.name, lease.fence, batch.now],
            |_| Ok(()),
        )?
        .is_none()
    {
        return Ok(Committed::Stale);
    }
    let claimed = match &commit.finish {
        None => None,
        Some((claim, _)) => {
            let read =
                |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
            match first(connection, sql::CLAIMED, params![claim.item.0, claim.fence], read)? {
                None => return Ok(Committed::Stale),
                line => line,
            }
        }
    };
    if let Some(event) = &commit.event
        && let Some(answer) = first(connection, sql::ANSWER, params![event.source, event.id], |row| {
            row.get(0)
        })?
    {
        return Ok(Committed::Duplicate { answer });
    }
    if !as_expected(batch, commit)? {
        return Ok(Committed::Conflict);
    }
    write(batch, commit)?;
    if let (Some((claim, finish)), Some((queue, subject))) = (&commit.finish, claimed) {
        finish_item(
            batch,
            claim.item.0,
            claim.fence,
            finish,
            &queue,
            subject.as_deref(),
        )?;
    }
    Ok(Committed::Done)
}

fn as_expected(batch: &Batch<'_>, commit: &Sealed) -> rusqlite::Result<bool> {
    for put in &commit.records {
        let version = || {
            first(batch.connection, sql::RECORD, params![put.kind, put.id], |row| {
                row.get::<_, i64>(1)
            })
        };
        let fits = match put.expect {
            Expect::Any => true,
            Expect::Absent => version()?.is_none(),
            Expect::Version(expected) => version()? == Some(expected),
        };
        if !fits {
            return Ok(false);
        }
    }
    if let Some(advance) = &commit.advance {
        let now: Option<String> = first(batch.connection, sql::CHECKPOINT, [&advance.name], |row| {
            row.get(0)
        })?;
        return Ok(now == advance.from);
    }
    Ok(true)
}

fn write(batch: &mut Batch<'_>, commit: &Sealed) -> rusqlite::Result<()> {
    let now = batch.now;
    if let Some(event) = &commit.event {
        batch.execute(
            sql::ACCEPT,
            params![event.source, event.id, now, event.body, event.answer],
        )?;
    }
    for (hash, intent) in &commit.intents {
        let key = &intent.effect;
        let due = now.saturating_add(millis(intent.after));
        let given = params![
            hash,
            key.source,
            key.event,
            key.step,
            intent.queue,
            intent.subject,
            intent.body,
            now,
            due
        ];
        batch.execute(sql::OWE, given)?;
        batch.woken = true;
    }
    for Put { kind, id, body, .. } in &commit.records {
        match body {
            Some(body) => batch.execute(sql::PUT, params![kind, id, now, body])?,
            None => batch.execute(sql::REMOVE, params![kind, id])?,
        };
    }
    if let Some(advance) = &commit.advance {
        batch.execute(sql::ADVANCE, params![advance.name, advance.to, now])?;
    }
    commit.audit.iter().try_for_each(|entry| append(batch, entry))
}

fn finish_item(
    batch: &mut Batch<'_>,
    id: i64,
    fence: i64,
    finish: &Finish,
    queue: &str,
    subject: Option<&str>,
) -> rusqlite::Result<()> {
    let now = batch.now;
    match finish {
        Finish::Done { result } => batch.execute(sql::FINISH_DONE, params![id, fence, result, now])?,
        Finish::Again { after, error } => {
            let due = now.saturating_add(millis(*after));
            batch.execute(sql::FINISH_AGAIN, params![id, fence, due, error])?
        }
        Finish::Released => batch.execute(sql::FINISH_RELEASED, params![id, fence])?,
        Finish::Dead { error } => batch.execute(sql::FINISH_DEAD, params![id, fence, error, now])?,
    };
    match (finish, subject) {
        (Finish::Released, _) => batch.woken = true,
        (Finish::Done { .. } | Finish::Dead { .. }, Some(subject)) => {
            batch.woken |= batch.execute(sql::PROMOTE, params![queue, subject])? > 0;
        }
        _ => {}
    }
    Ok(())
}

/// Appends an entry to the audit log and its tree.
fn append(batch: &mut Batch<'_>, entry: &SealedEntry) -> rusqlite::Result<()> {
    let head = batch.head()?;
    let index = head.size();
    let leaf = entry.leaf(index);
    let hash = leaf_hash(leaf.as_bytes());
    let tiles = head.push(hash);
    let index = index as i64;
    let at = entry.at.timestamp().as_millisecond();
    batch.execute(
        sql::APPEND,
        params![index, at, entry.action, entry.subject, hash, leaf],
    )?;
    for text in &entry.texts {
        let given = params![index, text.field, text.salt, text.value, entry.subject];
        batch.execute(sql::APPEND_TEXT, given)?;
    }
    for tile in tiles {
        batch.execute(
            sql::APPEND_TILE,
            params![tile.level, tile.index as i64, tile.hash],
        )?;
    }
    Ok(())
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
