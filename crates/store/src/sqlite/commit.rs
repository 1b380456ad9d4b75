//! A commit: checks first, then writes.

use super::session::Session;
use crate::{
    Advance, ClaimId, Committed, Event, Expect, Finish, Intent, Lease, Put, Terms, clock::millis,
    prepared::Prepared, sql,
};
use rusqlite::{OptionalExtension as _, params};

/// The queue and the subject of an item.
type Line = (String, Option<String>);

/// Checks everything; if all is well, writes everything.
pub(super) fn commit(session: &mut Session<'_>, commit: &Prepared) -> rusqlite::Result<Committed> {
    if let Some(lease) = &commit.under
        && !is_current(session, lease)?
    {
        return Ok(Committed::Stale);
    }
    let mut finished = None;
    if let Some((claim, finish)) = &commit.finish {
        match held(session, *claim)? {
            Some(line) => finished = Some((*claim, finish, line)),
            None => return Ok(Committed::Stale),
        }
    }
    // If nothing is checked after the event, writing it is its check; that is the way of most events.
    let event_is_last =
        commit.advance.is_none() && commit.records.iter().all(|put| put.expect == Expect::Any);
    if let Some(event) = &commit.event {
        let is_new = if event_is_last {
            insert_event(session, event)?
        } else {
            !is_known(session, event)?
        };
        if !is_new {
            let answer = first_answer(session, event)?;
            return Ok(Committed::Duplicate { answer });
        }
    }
    for put in &commit.records {
        if !is_expected(session, put)? {
            return Ok(Committed::Conflict);
        }
    }
    if let Some(advance) = &commit.advance
        && checkpoint(session, &advance.name)? != advance.from
    {
        return Ok(Committed::Conflict);
    }
    if let Some(event) = &commit.event
        && !event_is_last
    {
        insert_event(session, event)?;
    }
    if let Some((claim, what, line)) = finished {
        finish(session, claim, what, &line)?;
    }
    write_rest(session, commit)?;
    Ok(Committed::Done)
}

fn write_rest(session: &mut Session<'_>, commit: &Prepared) -> rusqlite::Result<()> {
    for (effect, intent) in &commit.intents {
        insert_item(session, effect, intent)?;
    }
    for put in &commit.records {
        write_record(session, put)?;
    }
    for terms in &commit.terms {
        write_terms(session, terms)?;
    }
    if let Some(Advance { name, to, .. }) = &commit.advance {
        session.execute(sql::PUT_CHECKPOINT, params![name, to, session.now_ms])?;
    }
    session.append(&commit.audit)
}

fn is_current(session: &Session<'_>, lease: &Lease) -> rusqlite::Result<bool> {
    let mut statement = session.prepare(sql::LEASE_IS_HELD)?;
    statement.exists(params![lease.name, lease.fence, session.now_ms])
}

fn held(session: &Session<'_>, claim: ClaimId) -> rusqlite::Result<Option<Line>> {
    let mut statement = session.prepare(sql::HELD_ITEM)?;
    let line = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    statement
        .query_row(params![claim.item.0, claim.fence], line)
        .optional()
}

/// Gives whether the event is new.
fn insert_event(session: &Session<'_>, event: &Event) -> rusqlite::Result<bool> {
    let rows = session.execute(
        sql::INSERT_EVENT,
        params![event.source, event.id, session.now_ms, event.body, event.answer],
    )?;
    Ok(rows == 1)
}

fn is_known(session: &Session<'_>, event: &Event) -> rusqlite::Result<bool> {
    session
        .prepare(sql::EVENT_ANSWER)?
        .exists(params![event.source, event.id])
}

fn first_answer(session: &Session<'_>, event: &Event) -> rusqlite::Result<String> {
    let mut statement = session.prepare(sql::EVENT_ANSWER)?;
    statement.query_row(params![event.source, event.id], |row| row.get(0))
}

fn is_expected(session: &Session<'_>, put: &Put) -> rusqlite::Result<bool> {
    let expected = match put.expect {
        Expect::Any => return Ok(true),
        Expect::Absent => None,
        Expect::Version(version) => Some(version),
    };
    let mut statement = session.prepare(sql::RECORD_VERSION)?;
    let found: Option<i64> = statement
        .query_row([&put.kind, &put.id], |row| row.get(0))
        .optional()?;
    Ok(found == expected)
}

fn checkpoint(session: &Session<'_>, name: &str) -> rusqlite::Result<Option<String>> {
    session
        .prepare(sql::CHECKPOINT)?
        .query_row([name], |row| row.get(0))
        .optional()
}

fn finish(session: &mut Session<'_>, claim: ClaimId, finish: &Finish, line: &Line) -> rusqlite::Result<()> {
    let (now, item) = (session.now_ms, claim.item.0);
    match finish {
        Finish::Done { result } => {
            session.execute(sql::FINISH_DONE, params![now, result, item])?;
            promote_next(session, line)
        }
        Finish::Dead { error } => {
            session.execute(sql::FINISH_DEAD, params![now, error, item])?;
            promote_next(session, line)
        }
        Finish::Again { after, error } => {
            let due = now.saturating_add(millis(*after));
            session.execute(sql::FINISH_AGAIN, params![due, error, item])?;
            session.wakes |= due == now;
            Ok(())
        }
        Finish::Released => {
            session.execute(sql::FINISH_RELEASED, [item])?;
            session.wakes = true;
            Ok(())
        }
    }
}

fn promote_next(session: &mut Session<'_>, (queue, subject): &Line) -> rusqlite::Result<()> {
    if let Some(subject) = subject {
        let promoted = session.execute(sql::PROMOTE_NEXT, [queue, subject])?;
        session.wakes |= promoted > 0;
    }
    Ok(())
}

fn insert_item(session: &mut Session<'_>, effect: &[u8; 16], intent: &Intent) -> rusqlite::Result<()> {
    let statement = if intent.subject.is_some() {
        sql::INSERT_ITEM_IN_ORDER
    } else {
        sql::INSERT_ITEM
    };
    let key = &intent.effect;
    let due = session.now_ms.saturating_add(millis(intent.after));
    session.execute(
        statement,
        params![
            effect,
            key.source,
            key.event,
            key.step,
            intent.queue,
            intent.subject,
            intent.body,
            session.now_ms,
            due
        ],
    )?;
    session.wakes |= due == session.now_ms;
    Ok(())
}

fn write_record(session: &Session<'_>, put: &Put) -> rusqlite::Result<()> {
    match &put.body {
        Some(body) => session.execute(sql::PUT_RECORD, params![put.kind, put.id, session.now_ms, body])?,
        None => session.execute(sql::REMOVE_RECORD, [&put.kind, &put.id])?,
    };
    Ok(())
}

fn write_terms(session: &Session<'_>, Terms { kind, id, terms }: &Terms) -> rusqlite::Result<()> {
    session.execute(sql::FORGET_TERMS, [kind, id])?;
    if !session.prepare(sql::RECORD_VERSION)?.exists([kind, id])? {
        return Ok(());
    }
    let mut insert = session.prepare(sql::INSERT_TERM)?;
    for (term, place) in terms {
        insert.execute(params![kind, term, place, id])?;
    }
    Ok(())
}
