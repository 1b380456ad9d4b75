//! Claims, workers, replays, leases, and what is removed after its time.

use super::session::Session;
use crate::{
    Claim, ClaimId, EffectKey, ItemId, Lease,
    clock::millis,
    query::{Condition, Parameter},
    sql,
    worker::{ALIVE_FOR, BEAT_EVERY, HELD_FOR, LATE_BEAT, REAP_EVERY},
};
use rusqlite::{OptionalExtension as _, Row, ToSql, params, params_from_iter, types::ToSqlOutput};

/// How many rows one transaction removes or replays at most: others want to write too.
pub(super) const CHUNK: i64 = 500;

pub(super) fn beat(session: &mut Session<'_>, worker: &str) -> rusqlite::Result<()> {
    let until = session.now_ms.saturating_add(millis(ALIVE_FOR));
    session.execute(sql::BEAT, params![worker, until]).map(drop)
}

pub(super) fn leave(session: &mut Session<'_>, worker: &str) -> rusqlite::Result<()> {
    session.execute(sql::REMOVE_WORKER, [worker])?;
    let released = session.execute(sql::RELEASE_HELD_BY, [worker])?;
    session.wakes |= released > 0;
    Ok(())
}

pub(super) fn claim(
    session: &mut Session<'_>,
    worker: &str,
    queue: &str,
    most: i64,
) -> rusqlite::Result<Vec<Claim>> {
    revive(session, worker)?;
    reap(session)?;
    let (now, until) = (session.now_ms, session.now_ms.saturating_add(millis(HELD_FOR)));
    let mut statement = session.prepare(sql::CLAIM)?;
    let rows = statement.query_map(params![worker, until, queue, now, most], |row| {
        Ok((row.get::<_, i64>(9)?, read_claim(row)?))
    })?;
    let mut claims = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    // RETURNING has no order.
    claims.sort_by_key(|(due_ms, claim)| (*due_ms, claim.id.item));
    Ok(claims.into_iter().map(|(_, claim)| claim).collect())
}

fn read_claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim {
        id: ClaimId {
            item: ItemId(row.get(0)?),
            fence: row.get(1)?,
        },
        effect: EffectKey {
            source: row.get(2)?,
            event: row.get(3)?,
            step: row.get(4)?,
        },
        subject: row.get(5)?,
        body: row.get(6)?,
        failures: row.get(7)?,
        created_ms: row.get(8)?,
    })
}

/// Whoever claims is not gone, whatever its last beat says: it is believed for another second at least.
fn revive(session: &Session<'_>, worker: &str) -> rusqlite::Result<()> {
    let now = session.now_ms;
    let (until, enough) = (millis(ALIVE_FOR), millis(ALIVE_FOR - BEAT_EVERY - LATE_BEAT));
    let parameters = params![worker, now.saturating_add(until), now.saturating_add(enough)];
    session.execute(sql::BEAT_IF_LATE, parameters).map(drop)
}

/// Frees the work of workers that are gone.
fn reap(session: &mut Session<'_>) -> rusqlite::Result<()> {
    let now = session.now_ms;
    if now.saturating_sub(*session.reaped_ms) < millis(REAP_EVERY) {
        return Ok(());
    }
    session.execute(sql::REMOVE_GONE_WORKERS, [now])?;
    let freed = session.execute(sql::REAP, [now])?;
    session.wakes |= freed > 0;
    *session.reaped_ms = now;
    Ok(())
}

/// Replays the next items that are meant, above a number; gives the last number and how many, `None` at the end.
pub(super) fn replay(
    session: &mut Session<'_>,
    wanted: &Condition,
    above: i64,
) -> rusqlite::Result<Option<(i64, u64)>> {
    let mut parameters = wanted.parameters().to_vec();
    parameters.extend([Parameter::Number(above), Parameter::Number(CHUNK)]);
    let ids = {
        let mut statement = session.prepare(&sql::item_ids_query(wanted))?;
        let rows = statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
        rows.collect::<rusqlite::Result<Vec<i64>>>()?
    };
    let mut replayed = 0;
    for id in &ids {
        replayed += session.execute(sql::REPLAY_ITEM, params![session.now_ms, id])? as u64;
    }
    session.wakes |= replayed > 0;
    Ok(ids.last().map(|last| (*last, replayed)))
}

pub(super) fn lease(
    session: &mut Session<'_>,
    name: &str,
    holder: &str,
    lasts_ms: i64,
) -> rusqlite::Result<Option<i64>> {
    let until = session.now_ms.saturating_add(lasts_ms);
    let mut statement = session.prepare(sql::TAKE_LEASE)?;
    statement
        .query_row(params![name, holder, until, session.now_ms], |row| row.get(0))
        .optional()
}

pub(super) fn release(session: &mut Session<'_>, lease: &Lease) -> rusqlite::Result<()> {
    session
        .execute(sql::RELEASE_LEASE, params![lease.name, lease.fence])
        .map(drop)
}

/// Removes some of what a statement means by "before then"; gives how many.
pub(super) fn purge(session: &mut Session<'_>, statement: &str, older_ms: i64) -> rusqlite::Result<u64> {
    let before = session.now_ms.saturating_sub(older_ms);
    Ok(session.execute(statement, params![before, CHUNK])? as u64)
}

/// Removes some of the records of a kind from before then; gives how many.
pub(super) fn purge_records(session: &mut Session<'_>, kind: &str, older_ms: i64) -> rusqlite::Result<u64> {
    let before = session.now_ms.saturating_sub(older_ms);
    Ok(session.execute(sql::PURGE_RECORDS, params![kind, before, CHUNK])? as u64)
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}
