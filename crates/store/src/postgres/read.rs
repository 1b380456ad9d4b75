//! What is read, and the few things that are written outside of commits.

use super::{
    session::{Connections, Given, Session},
    text,
    trouble::Trouble,
};
use crate::{
    Counts, EffectKey, Error, Event, Find, Found, Item, ItemFilter, ItemId, ItemState, KeptEvent, Lease,
    Record,
    effect::effect_hash,
    query::{Condition, Parameter, as_i64},
    sql,
};
use tokio_postgres::Row;

/// So many rows change at once where there may be millions.
const PORTION: i64 = 1000;

pub(super) async fn event(
    connections: &Connections,
    source: &str,
    id: &str,
) -> Result<Option<KeptEvent>, Error> {
    let rows = rows(connections, sql::EVENT, &[&source, &id]).await?;
    first(&rows, |row| {
        Ok(KeptEvent {
            event: Event {
                source: source.to_owned(),
                id: id.to_owned(),
                body: row.try_get(1)?,
                answer: row.try_get(2)?,
            },
            received_ms: row.try_get(0)?,
        })
    })
}

pub(super) async fn items(
    connections: &Connections,
    filter: &ItemFilter,
    most: usize,
) -> Result<Vec<Item>, Error> {
    let wanted = Condition::of_items(filter);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut given = parameters(&wanted);
    given.push(&most);
    let rows = rows(connections, &sql::item_query(&wanted), &given).await?;
    all(&rows, item_of)
}

pub(super) async fn effect(connections: &Connections, key: &EffectKey) -> Result<Option<Item>, Error> {
    let rows = rows(connections, sql::EFFECT, &[&effect_hash(key).as_slice()]).await?;
    first(&rows, item_of)
}

/// Portion by portion, in order of the items.
pub(super) async fn replay(connections: &Connections, filter: &ItemFilter, now: i64) -> Result<u64, Error> {
    let wanted = &Condition::of_replay(filter);
    let mut last = Some(0);
    let mut replayed = 0;
    while let Some(after) = last {
        let portion = connections.patiently(|session| async move {
            let portion = replay_portion(&session, wanted, after, now).await?;
            session.done();
            Ok(portion)
        });
        let count;
        (last, count) = portion.await?;
        replayed += count;
    }
    Ok(replayed)
}

/// Gives the last item looked at, and how many were made ready.
async fn replay_portion(
    session: &Session,
    wanted: &Condition,
    after: i64,
    now: i64,
) -> Result<(Option<i64>, u64), Trouble> {
    let mut given = parameters(wanted);
    given.extend([&after as Given<'_>, &PORTION]);
    let found = session.query(&sql::item_ids_query(wanted), &given).await?;
    let ids: Vec<i64> = found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let Some(last) = ids.last() else {
        return Ok((None, 0));
    };
    let nothing: Vec<&str> = Vec::new();
    session.run("BEGIN").await?;
    session
        .query(text::LOCK_SUBJECTS, &[&ids, &nothing, &nothing])
        .await?;
    let count = session.execute(text::REPLAY, &[&ids, &now]).await?;
    session
        .execute(text::PROMOTE, &[&ids, &nothing, &nothing])
        .await?;
    session.run("COMMIT").await?;
    Ok((Some(*last), count))
}

pub(super) async fn counts(connections: &Connections) -> Result<Counts, Error> {
    let read = connections.patiently(|session| async move {
        let events = session.query(sql::COUNT_EVENTS, &[]).await?;
        let items = session.query(sql::COUNT_ITEMS, &[]).await?;
        let entries = session.query(text::COUNT_ENTRIES, &[]).await?;
        session.done();
        Ok((events, items, entries))
    });
    let (events, items, entries) = read.await?;
    let mut counts = Counts {
        events: first(&events, |row| count_of(row, 0))?.unwrap_or_default(),
        entries: first(&entries, |row| count_of(row, 0))?.unwrap_or_default(),
        ..Counts::default()
    };
    for (state, count) in all(&items, |row| Ok((state_of(row.try_get(0)?)?, count_of(row, 1)?)))? {
        match state {
            ItemState::Ready | ItemState::Behind => counts.waiting += count,
            ItemState::Held => counts.held += count,
            ItemState::Done => counts.done += count,
            ItemState::Dead => counts.dead += count,
        }
    }
    Ok(counts)
}

fn count_of(row: &Row, column: usize) -> Result<u64, Trouble> {
    let count: i64 = row.try_get(column)?;
    Ok(count.unsigned_abs())
}

pub(super) async fn waiting(connections: &Connections, queue_prefix: &str) -> Result<u64, Error> {
    let rows = rows(connections, &sql::waiting_query(queue_prefix), &[&queue_prefix]).await?;
    Ok(first(&rows, |row| count_of(row, 0))?.unwrap_or_default())
}

pub(super) async fn record(connections: &Connections, kind: &str, id: &str) -> Result<Option<Record>, Error> {
    let rows = rows(connections, sql::RECORD, &[&kind, &id]).await?;
    first(&rows, record_of)
}

pub(super) async fn records(
    connections: &Connections,
    kind: &str,
    most: usize,
) -> Result<Vec<Record>, Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = rows(connections, sql::RECORDS, &[&kind, &most]).await?;
    all(&rows, record_of)
}

pub(super) async fn records_of(
    connections: &Connections,
    kind: &str,
    ids: &[String],
) -> Result<Vec<Record>, Error> {
    let rows = rows(connections, text::RECORDS_OF, &[&kind, &ids]).await?;
    all(&rows, record_of)
}

pub(super) async fn find_each(
    connections: &Connections,
    kind: &str,
    terms: &[String],
    most: usize,
) -> Result<Vec<Vec<Found>>, Error> {
    let most = as_i64(most as u64);
    let rows = rows(connections, text::FIND_EACH, &[&kind, &terms, &most]).await?;
    let mut each: Vec<Vec<Found>> = terms.iter().map(|_| Vec::new()).collect();
    for (number, found) in all(&rows, |row| {
        Ok((row.try_get::<_, i64>("number")?, found_of(row)?))
    })? {
        let place = usize::try_from(number - 1).ok().and_then(|at| each.get_mut(at));
        place
            .ok_or_else(|| Trouble::Odd("a term that nobody asked for").into_error())?
            .push(found);
    }
    Ok(each)
}

pub(super) async fn find(connections: &Connections, find: &Find, most: usize) -> Result<Vec<Found>, Error> {
    let wanted = Condition::of_find(find);
    let (most, skip) = (as_i64(most as u64), as_i64(find.skip as u64));
    let mut given = parameters(&wanted);
    given.extend([&most as Given<'_>, &skip]);
    let text = sql::find_query(&wanted, find.descending);
    let rows = rows(connections, &text, &given).await?;
    all(&rows, found_of)
}

fn found_of(row: &Row) -> Result<Found, Trouble> {
    Ok(Found {
        place: row.try_get("place")?,
        record: record_of(row)?,
    })
}

pub(super) async fn count(connections: &Connections, kind: &str, term: &str) -> Result<u64, Error> {
    let rows = rows(connections, sql::COUNT_TERM, &[&kind, &term]).await?;
    Ok(first(&rows, |row| count_of(row, 0))?.unwrap_or_default())
}

pub(super) async fn checkpoint(connections: &Connections, name: &str) -> Result<Option<String>, Error> {
    let rows = rows(connections, sql::CHECKPOINT, &[&name]).await?;
    first(&rows, |row| Ok(row.try_get(0)?))
}

pub(super) async fn lease(
    connections: &Connections,
    name: &str,
    holder: &str,
    until: i64,
    now: i64,
) -> Result<Option<i64>, Error> {
    let rows = rows(connections, sql::TAKE_LEASE, &[&name, &holder, &until, &now]).await?;
    first(&rows, |row| Ok(row.try_get(0)?))
}

pub(super) async fn release(connections: &Connections, lease: &Lease) -> Result<(), Error> {
    rows(connections, sql::RELEASE_LEASE, &[&lease.name, &lease.fence]).await?;
    Ok(())
}

/// Removes what is older than the given time, portion by portion.
pub(super) async fn purge(connections: &Connections, before: i64) -> Result<u64, Error> {
    let items = portions(connections, sql::PURGE_ITEMS, &[&before]).await?;
    let events = portions(connections, sql::PURGE_EVENTS, &[&before]).await?;
    portions(connections, text::PURGE_LANES, &[&before]).await?;
    Ok(items + events)
}

/// Removes the records of a kind that are older than the given time, portion by portion.
pub(super) async fn purge_records(connections: &Connections, kind: &str, before: i64) -> Result<u64, Error> {
    portions(connections, sql::PURGE_RECORDS, &[&kind, &before]).await
}

/// Repeats a statement that changes at most so many rows as its last parameter says, until there is no more to change.
pub(super) async fn portions(
    connections: &Connections,
    text: &str,
    given: &[Given<'_>],
) -> Result<u64, Error> {
    let given = &[given, &[&PORTION]].concat();
    let mut all = 0;
    loop {
        let portion = connections.patiently(|session| async move {
            let count = session.execute(text, given).await?;
            session.done();
            Ok(count)
        });
        let count = portion.await?;
        all += count;
        if count < PORTION.unsigned_abs() {
            return Ok(all);
        }
    }
}

/// The rows of one statement.
pub(super) async fn rows(
    connections: &Connections,
    text: &str,
    given: &[Given<'_>],
) -> Result<Vec<Row>, Error> {
    let rows = connections.patiently(|session| async move {
        let rows = session.query(text, given).await?;
        session.done();
        Ok(rows)
    });
    rows.await
}

pub(super) fn first<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Trouble>) -> Result<Option<T>, Error> {
    rows.first().map(read).transpose().map_err(Trouble::into_error)
}

pub(super) fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Trouble>) -> Result<Vec<T>, Error> {
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(Trouble::into_error)
}

/// The values of a condition's parameters.
pub(super) fn parameters(condition: &Condition) -> Vec<Given<'_>> {
    fn given(parameter: &Parameter) -> Given<'_> {
        match parameter {
            Parameter::Number(number) => number,
            Parameter::Text(text) => text,
        }
    }
    condition.parameters().iter().map(given).collect()
}

fn item_of(row: &Row) -> Result<Item, Trouble> {
    let failures: i64 = row.try_get("failures")?;
    Ok(Item {
        id: ItemId(row.try_get("id")?),
        effect: EffectKey {
            source: row.try_get("source")?,
            event: row.try_get("event_id")?,
            step: row.try_get("step")?,
        },
        queue: row.try_get("queue")?,
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        state: state_of(row.try_get("state")?)?,
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        created_ms: row.try_get("created_ms")?,
        due_ms: row.try_get("due_ms")?,
        finished_ms: row.try_get("finished_ms")?,
        error: row.try_get("error")?,
        result: row.try_get("result")?,
    })
}

fn state_of(code: i64) -> Result<ItemState, Trouble> {
    ItemState::from_code(code).ok_or(Trouble::Odd("an item in a state that is unknown"))
}

fn record_of(row: &Row) -> Result<Record, Trouble> {
    Ok(Record {
        id: row.try_get("id")?,
        version: row.try_get("version")?,
        updated_ms: row.try_get("updated_ms")?,
        body: row.try_get("body")?,
    })
}
