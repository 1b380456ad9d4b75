//! Claims, heartbeats, leases, replays, and removing what is old.

use super::{
    Sqlite,
    apply::millis,
    read::conditions,
    writer::{Batch, first},
};
use crate::{
    Claim, ClaimId, EffectKey, Error, ItemFilter, ItemId, ItemState, Lease, sql,
    worker::{ALIVE, LEASE},
};
use rusqlite::{Connection, Row, params, params_from_iter, types::Value};
use std::time::Duration;

/// Rows that are removed or replayed in one transaction, so that nobody waits long.
const CHUNK: usize = 1000;

impl Sqlite {
    /// Claims what is due; `reap` first frees what dead workers hold.
    pub(crate) async fn claim(
        &self,
        worker: String,
        queue: String,
        most: usize,
        reap: bool,
    ) -> Result<Vec<Claim>, Error> {
        let work = move |batch: &mut Batch<'_>| {
            if reap {
                batch.execute(sql::REAP, [batch.now])?;
            }
            let until = batch.now.saturating_add(millis(LEASE));
            let given = params![worker, until, queue, batch.now, most as i64];
            let mut statement = batch.connection.prepare_cached(&super::dialect(sql::CLAIM))?;
            let rows = statement.query_map(given, |row| Ok((row.get::<_, i64>(9)?, claim(row)?)))?;
            let mut claims = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            // RETURNING has no order.
            claims.sort_by_key(|(due, claim)| (*due, claim.id.item));
            Ok(claims.into_iter().map(|(_, claim)| claim).collect())
        };
        self.writer.write(work).await
    }

    /// The worker is alive; gives the latest time that anybody has seen.
    pub(crate) async fn beat(&self, worker: String) -> Result<i64, Error> {
        let work = move |batch: &mut Batch<'_>| {
            let now = batch.now;
            batch.execute(sql::BEAT, params![worker, now.saturating_add(millis(ALIVE))])?;
            batch.execute(sql::FORGET_WORKERS, [now])?;
            batch.execute(sql::SEE, [now])?;
            Ok(super::last_seen(batch.connection)?.unwrap_or(now))
        };
        self.writer.write(work).await
    }

    /// The worker is gone, and what it held is free.
    pub(crate) async fn leave(&self, worker: String) -> Result<(), Error> {
        let work = move |batch: &mut Batch<'_>| {
            batch.execute(sql::LEAVE, [&worker])?;
            batch.woken |= batch.execute(sql::RELEASE_ALL, [&worker])? > 0;
            Ok(())
        };
        self.writer.write(work).await
    }

    pub(crate) async fn lease(
        &self,
        name: String,
        holder: String,
        lasts: Duration,
    ) -> Result<Option<Lease>, Error> {
        let work = move |batch: &mut Batch<'_>| {
            let now = batch.now;
            let read = |row: &Row<'_>| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                ))
            };
            let fence = match first(batch.connection, sql::LEASE, [&name], read)? {
                None => 1,
                Some((held_by, fence, until)) if until >= now => {
                    if held_by != holder {
                        return Ok(None);
                    }
                    fence
                }
                Some((_, fence, _)) => fence + 1,
            };
            let until = now.saturating_add(millis(lasts));
            batch.execute(sql::TAKE_LEASE, params![name, holder, fence, until])?;
            Ok(Some(Lease {
                name: name.clone(),
                fence,
            }))
        };
        self.writer.write(work).await
    }

    pub(crate) async fn release(&self, lease: Lease) -> Result<(), Error> {
        let work = move |batch: &mut Batch<'_>| {
            batch
                .execute(sql::RELEASE_LEASE, params![lease.name, lease.fence])
                .map(drop)
        };
        self.writer.write(work).await
    }

    /// Makes finished items ready again, oldest first, so that a subject's order stays.
    pub(crate) async fn replay(&self, filter: ItemFilter) -> Result<u64, Error> {
        let Some(states) = replayable(&filter.states) else {
            return Ok(0);
        };
        let filter = ItemFilter { states, ..filter };
        let (mut replayed, mut after) = (0, 0);
        loop {
            let filter = filter.clone();
            let work = move |batch: &mut Batch<'_>| {
                let ids = finished_after(batch.connection, &filter, after)?;
                let mut count = 0;
                for id in &ids {
                    count += batch.execute(sql::REPLAY, params![id, batch.now])?;
                }
                batch.woken |= count > 0;
                Ok((count as u64, ids))
            };
            let (count, ids) = self.writer.write(work).await?;
            replayed += count;
            match ids.last() {
                Some(last) if ids.len() == CHUNK => after = *last,
                _ => return Ok(replayed),
            }
        }
    }

    /// Removes events and finished items that are older, dead letters not.
    pub(crate) async fn purge(&self, older: Duration) -> Result<u64, Error> {
        let mut removed = 0;
        for text in [sql::PURGE_DONE, sql::PURGE_EVENTS] {
            loop {
                let work = move |batch: &mut Batch<'_>| {
                    let before = batch.now.saturating_sub(millis(older));
                    batch.execute(text, params![before, CHUNK as i64])
                };
                let count = self.writer.write(work).await?;
                removed += count as u64;
                if count < CHUNK {
                    break;
                }
            }
        }
        Ok(removed)
    }
}

/// Of these states (any, when there are none) those that can be replayed: what is finished.
fn replayable(states: &[ItemState]) -> Option<Vec<ItemState>> {
    let finished = [ItemState::Done, ItemState::Dead];
    let asked = finished
        .into_iter()
        .filter(|state| states.is_empty() || states.contains(state));
    let asked: Vec<_> = asked.collect();
    (!asked.is_empty()).then_some(asked)
}

fn finished_after(connection: &Connection, filter: &ItemFilter, after: i64) -> rusqlite::Result<Vec<i64>> {
    let (conditions, mut given) = conditions(filter);
    given.extend([Value::from(after), Value::from(CHUNK as i64)]);
    let (after, most) = (given.len() - 1, given.len());
    let text = format!("SELECT id FROM outbox{conditions} AND id > ?{after} ORDER BY id LIMIT ?{most}");
    let mut statement = connection.prepare_cached(&text)?;
    let ids = statement.query_map(params_from_iter(given), |row| row.get(0))?;
    ids.collect()
}

fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
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
