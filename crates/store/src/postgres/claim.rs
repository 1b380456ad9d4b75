//! Work: who is alive, and who has what.

use super::{
    Core,
    session::{Given, Session},
    text::{self, CLAIM, CLAIMED},
    trouble::Trouble,
};
use crate::{
    Claim, ClaimId, EffectKey, Error, ItemId,
    clock::millis,
    sql,
    worker::{ALIVE_FOR, HELD_FOR, REAP_EVERY},
};
use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_postgres::Row;

/// A beat that takes longer found the database away.
const SLOW_BEAT: Duration = Duration::from_millis(ALIVE_FOR.as_millis() as u64 / 2);
/// So many good beats must come after that before others count as gone: all hearts stood still, and they get time to
/// beat.
const BEATS_BEFORE_REAPING: u8 = 2;

/// The most claims that are remembered; one that is not remembered costs two statements more.
const MOST_PLAIN: usize = 65_536;

/// What a process knows of its claims.
#[derive(Default)]
pub(super) struct Claims {
    /// Until when the newest claim lasts: no two claims of a process have the same, so it also names the claim.
    held_until: AtomicI64,
    /// How many good beats are missing before this process takes from others what they hold.
    recovering: AtomicU8,
    last_reap: Mutex<Option<i64>>,
    /// Claims of items without a subject: nothing can be behind those.
    plain: Mutex<HashSet<ClaimId>>,
}

impl Claims {
    /// Unique, and a minute from now.
    fn next_held_until(&self, now: i64) -> i64 {
        let wished = now.saturating_add(millis(HELD_FOR));
        let next = |last: i64| Some(wished.max(last.saturating_add(1)));
        let last = self
            .held_until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        last.map_or(wished, |last| wished.max(last.saturating_add(1)))
    }

    /// Whether it is time to look for the work of workers that are gone.
    fn may_reap(&self, now: i64) -> bool {
        if self.recovering.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let mut last = self.last_reap.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now >= last.saturating_add(millis(REAP_EVERY)));
        if is_due {
            *last = Some(now);
        }
        is_due
    }

    fn note(&self, claims: &[Claim]) {
        let mut plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        if plain.len() + claims.len() > MOST_PLAIN {
            plain.clear();
        }
        plain.extend(
            claims
                .iter()
                .filter(|claim| claim.subject.is_none())
                .map(|claim| claim.id),
        );
    }

    /// Whether it is known that nothing can be behind these items.
    pub(super) fn are_plain<'a>(&self, mut claims: impl Iterator<Item = &'a ClaimId>) -> bool {
        let plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        claims.all(|claim| plain.contains(claim))
    }

    /// The claims are finished.
    pub(super) fn forget<'a>(&self, claims: impl Iterator<Item = &'a ClaimId>) {
        let mut plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        for claim in claims {
            plain.remove(claim);
        }
    }

    fn beaten(&self, was_good: bool) {
        let change = |left: u8| {
            let left = if was_good {
                left.saturating_sub(1)
            } else {
                BEATS_BEFORE_REAPING
            };
            Some(left)
        };
        let _ = self
            .recovering
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

/// Says that a worker lives, and agrees with the other processes on the time.
pub(super) async fn beat(core: &Core, worker: &str) -> Result<(), Error> {
    let began = Instant::now();
    let beaten = core.light.patiently(|session| async move {
        core.agree_on_time(&session).await?;
        let alive_until = core.clock.now_ms() + millis(ALIVE_FOR);
        session.execute(sql::BEAT, &[&worker, &alive_until]).await?;
        session.done();
        Ok(())
    });
    let beaten = beaten.await;
    core.claims.beaten(beaten.is_ok() && began.elapsed() < SLOW_BEAT);
    beaten
}

/// What the worker still holds can be claimed by others at once.
pub(super) async fn leave(core: &Core, worker: &str) -> Result<(), Error> {
    let left = core.light.patiently(|session| async move {
        session.execute(sql::REMOVE_WORKER, &[&worker]).await?;
        session.execute(sql::RELEASE_HELD_BY, &[&worker]).await?;
        session.done();
        Ok(())
    });
    left.await
}

/// Claims work that is due, oldest first.
pub(super) async fn claim(core: &Core, worker: &str, queue: &str, most: usize) -> Result<Vec<Claim>, Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let until = core.claims.next_held_until(core.clock.now_ms());
    let is_repeated = AtomicBool::new(false);
    let (most, until, is_repeated) = (&most, &until, &is_repeated);
    let claimed = core.connections.patiently(|session| async move {
        // The answer to an earlier attempt may have been lost: what it claimed is ours.
        let mut rows = match is_repeated.swap(true, Ordering::Relaxed) {
            true => session.query(CLAIMED, &[&worker, until]).await?,
            false => Vec::new(),
        };
        if rows.is_empty() {
            rows = claim_once(core, &session, &[&queue, most, &worker, until]).await?;
        }
        session.done();
        Ok(rows)
    });
    let claims = in_order(&claimed.await?).map_err(Trouble::into_error)?;
    core.claims.note(&claims);
    Ok(claims)
}

/// Parameters: queue, how many at most, the worker, until when.
async fn claim_once(
    core: &Core,
    session: &Session,
    [queue, most, worker, until]: &[Given<'_>; 4],
) -> Result<Vec<Row>, Trouble> {
    let now = core.clock.now_ms();
    if core.claims.may_reap(now) {
        reap(core, session, *worker, now).await?;
    }
    session
        .query(CLAIM, &[*queue, &now, *most, *worker, *until])
        .await
}

/// Frees the work of workers that are gone. Whoever claims is not gone, whatever its last beat says.
async fn reap(core: &Core, session: &Session, worker: Given<'_>, now: i64) -> Result<(), Trouble> {
    let alive_until = now.saturating_add(millis(ALIVE_FOR));
    session
        .execute(sql::BEAT_IF_LATE, &[worker, &alive_until, &now])
        .await?;
    session.execute(sql::REMOVE_GONE_WORKERS, &[&now]).await?;
    if session.execute(text::REAP, &[&now]).await? > 0 {
        core.hints.give();
    }
    Ok(())
}

/// The statement gives them in any order.
fn in_order(rows: &[Row]) -> Result<Vec<Claim>, Trouble> {
    let mut claims: Vec<(i64, Claim)> = rows.iter().map(claim_of).collect::<Result<_, _>>()?;
    claims.sort_by_key(|(due, claim)| (*due, claim.id.item));
    Ok(claims.into_iter().map(|(_, claim)| claim).collect())
}

fn claim_of(row: &Row) -> Result<(i64, Claim), Trouble> {
    let failures: i64 = row.try_get("failures")?;
    let claim = Claim {
        id: ClaimId {
            item: ItemId(row.try_get("id")?),
            fence: row.try_get("fence")?,
        },
        effect: EffectKey {
            source: row.try_get("source")?,
            event: row.try_get("event_id")?,
            step: row.try_get("step")?,
        },
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        created_ms: row.try_get("created_ms")?,
    };
    Ok((row.try_get("due_ms")?, claim))
}
