//! Reading events, items and records.

use super::fault;
use crate::{
    Counts, EffectKey, Event, Found, Item, ItemId, ItemState, KeptEvent, Record,
    query::{Condition, Parameter},
    sql,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

pub(super) fn event(
    connection: &Connection,
    source: String,
    id: String,
) -> rusqlite::Result<Option<KeptEvent>> {
    let mut statement = connection.prepare_cached(sql::EVENT)?;
    let found = statement.query_row([&source, &id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let kept = found.optional()?.map(|(received_ms, body, answer)| KeptEvent {
        event: Event {
            source,
            id,
            body,
            answer,
        },
        received_ms,
    });
    Ok(kept)
}

pub(super) fn items(connection: &Connection, wanted: &Condition, most: i64) -> rusqlite::Result<Vec<Item>> {
    let mut parameters = wanted.parameters().to_vec();
    parameters.push(Parameter::Number(most));
    let mut statement = connection.prepare_cached(&sql::item_query(wanted))?;
    statement.query_map(params_from_iter(parameters), item)?.collect()
}

pub(super) fn effect(connection: &Connection, hash: [u8; 16]) -> rusqlite::Result<Option<Item>> {
    connection
        .prepare_cached(sql::EFFECT)?
        .query_row([hash], item)
        .optional()
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let state = ItemState::from_code(row.get(7)?).ok_or_else(|| fault::corrupt(7, "an unknown state"))?;
    Ok(Item {
        id: ItemId(row.get(0)?),
        effect: EffectKey {
            source: row.get(1)?,
            event: row.get(2)?,
            step: row.get(3)?,
        },
        queue: row.get(4)?,
        subject: row.get(5)?,
        body: row.get(6)?,
        state,
        failures: row.get(8)?,
        created_ms: row.get(9)?,
        due_ms: row.get(10)?,
        finished_ms: row.get(11)?,
        error: row.get(12)?,
        result: row.get(13)?,
    })
}

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let snapshot = connection.unchecked_transaction()?;
    let mut counts = Counts {
        events: snapshot
            .prepare_cached(sql::COUNT_EVENTS)?
            .query_row([], |row| row.get(0))?,
        entries: super::session::frontier(&snapshot)?.size(),
        ..Counts::default()
    };
    let mut statement = snapshot.prepare_cached(sql::COUNT_ITEMS)?;
    let states = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for state in states {
        let (state, items) = state?;
        counts.add(state, items);
    }
    Ok(counts)
}

pub(super) fn waiting(connection: &Connection, queue_prefix: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(&sql::waiting_query(queue_prefix))?
        .query_row([queue_prefix], |row| row.get(0))
}

pub(super) fn record(connection: &Connection, kind: &str, id: &str) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached(sql::RECORD)?
        .query_row([kind, id], |row| read_record(row, 0))
        .optional()
}

pub(super) fn records_of(
    connection: &Connection,
    kind: &str,
    ids: &[String],
) -> rusqlite::Result<Vec<Record>> {
    let mut statement = connection.prepare_cached(sql::RECORD)?;
    let found = ids.iter().filter_map(|id| {
        let found = statement.query_row([kind, id], |row| read_record(row, 0));
        found.optional().transpose()
    });
    found.collect()
}

pub(super) fn find_each(
    connection: &Connection,
    kind: &str,
    terms: &[String],
    most: i64,
) -> rusqlite::Result<Vec<Vec<Found>>> {
    let mut statement = connection.prepare_cached(sql::FIND_FIRST)?;
    let found = terms.iter().map(|term| {
        let found = statement.query_map(params![kind, term, most], read_found)?;
        found.collect()
    });
    found.collect()
}

pub(super) fn records(connection: &Connection, kind: &str, most: i64) -> rusqlite::Result<Vec<Record>> {
    let mut statement = connection.prepare_cached(sql::RECORDS)?;
    let records = statement.query_map(params![kind, most], |row| read_record(row, 0))?;
    records.collect()
}

pub(super) fn find(
    connection: &Connection,
    wanted: &Condition,
    descending: bool,
    page: [i64; 2],
) -> rusqlite::Result<Vec<Found>> {
    let mut parameters = wanted.parameters().to_vec();
    parameters.extend(page.map(Parameter::Number));
    let mut statement = connection.prepare_cached(&sql::find_query(wanted, descending))?;
    let found = statement.query_map(params_from_iter(parameters), read_found)?;
    found.collect()
}

fn read_found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        place: row.get(0)?,
        record: read_record(row, 1)?,
    })
}

pub(super) fn count(connection: &Connection, kind: &str, term: &str) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(sql::COUNT_TERM)?;
    statement.query_row([kind, term], |row| row.get(0))
}

/// A record, from a column on.
fn read_record(row: &Row<'_>, first: usize) -> rusqlite::Result<Record> {
    Ok(Record {
        id: row.get(first)?,
        version: row.get(first + 1)?,
        updated_ms: row.get(first + 2)?,
        body: row.get(first + 3)?,
    })
}

pub(super) fn checkpoint(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(sql::CHECKPOINT)?
        .query_row([name], |row| row.get(0))
        .optional()
}
