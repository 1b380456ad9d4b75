//! Looking at what is there.

use super::{Sqlite, dialect, writer::first};
use crate::{
    Counts, EffectKey, Error, Event, Item, ItemFilter, ItemId, ItemState, KeptEvent, Record,
    sealed::effect_hash, sql,
};
use rusqlite::{Connection, Row, params_from_iter, types::Value};

impl Sqlite {
    pub(crate) async fn event(&self, source: String, id: String) -> Result<Option<KeptEvent>, Error> {
        self.read(move |connection| {
            first(connection, sql::EVENT, [&source, &id], |row| {
                let event = Event {
                    source: source.clone(),
                    id: id.clone(),
                    body: row.get(0)?,
                    answer: row.get(1)?,
                };
                Ok(KeptEvent {
                    event,
                    received_ms: row.get(2)?,
                })
            })
        })
        .await
    }

    pub(crate) async fn items(&self, filter: ItemFilter, most: usize) -> Result<Vec<Item>, Error> {
        self.read(move |connection| {
            let (conditions, mut given) = conditions(&filter);
            given.push(Value::from(most as i64));
            let text = format!(
                "{}{conditions} ORDER BY id DESC LIMIT ?{}",
                sql::ITEM,
                given.len()
            );
            all(connection, &text, given, item)
        })
        .await
    }

    pub(crate) async fn effect(&self, key: EffectKey) -> Result<Option<Item>, Error> {
        self.read(move |connection| first(connection, sql::EFFECT, [effect_hash(&key)], item))
            .await
    }

    pub(crate) async fn counts(&self) -> Result<Counts, Error> {
        let counted = self
            .read(|connection| first(connection, sql::COUNTS, [], counts))
            .await?;
        Ok(counted.unwrap_or_default())
    }

    pub(crate) async fn record(&self, kind: String, id: String) -> Result<Option<Record>, Error> {
        self.read(move |connection| first(connection, sql::RECORD, [kind, id], record))
            .await
    }

    pub(crate) async fn records(&self, kind: String, most: usize) -> Result<Vec<Record>, Error> {
        let given = vec![Value::from(kind), Value::from(most as i64)];
        self.read(move |connection| all(connection, &dialect(sql::RECORDS), given, record))
            .await
    }

    pub(crate) async fn checkpoint(&self, name: String) -> Result<Option<String>, Error> {
        self.read(move |connection| first(connection, sql::CHECKPOINT, [name], |row| row.get(0)))
            .await
    }
}

/// All rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    text: &str,
    given: Vec<Value>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(text)?;
    let rows = statement.query_map(params_from_iter(given), read)?;
    rows.collect()
}

/// The filter as ` WHERE ...`, which always has a condition, and its parameters.
pub(super) fn conditions(filter: &ItemFilter) -> (String, Vec<Value>) {
    let mut text = " WHERE id > 0".to_owned();
    let mut given = Vec::new();
    let mut and = |condition: &str, value: Value| {
        given.push(value);
        text.push_str(&format!(" AND {condition} ?{}", given.len()));
    };
    if let Some(id) = filter.id {
        and("id =", id.0.into());
    }
    if let Some(before) = filter.before {
        and("id <", before.0.into());
    }
    if let Some(prefix) = &filter.queue_prefix {
        and("queue >=", prefix.clone().into());
        and("queue <", after_prefix(prefix).into());
    }
    if let Some((source, event)) = &filter.event {
        and("source =", source.clone().into());
        and("event_id =", event.clone().into());
    }
    if !filter.states.is_empty() {
        let states: Vec<String> = filter
            .states
            .iter()
            .map(|state| code(*state).to_string())
            .collect();
        text.push_str(&format!(" AND state IN ({})", states.join(", ")));
    }
    (text, given)
}

/// What is greater than every text that begins like this.
pub(crate) fn after_prefix(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// A state as the database writes it.
pub(crate) fn code(state: ItemState) -> i64 {
    match state {
        ItemState::Ready => 0,
        ItemState::Behind => 1,
        ItemState::Held => 2,
        ItemState::Done => 3,
        ItemState::Dead => 4,
    }
}

/// A state as the database has it.
pub(crate) fn state(code: i64) -> ItemState {
    match code {
        0 => ItemState::Ready,
        1 => ItemState::Behind,
        2 => ItemState::Held,
        3 => ItemState::Done,
        _ => ItemState::Dead,
    }
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
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
        state: state(row.get(7)?),
        failures: row.get(8)?,
        created_ms: row.get(9)?,
        due_ms: row.get(10)?,
        finished_ms: row.get(11)?,
        error: row.get(12)?,
        result: row.get(13)?,
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        id: row.get(0)?,
        version: row.get(1)?,
        updated_ms: row.get(2)?,
        body: row.get(3)?,
    })
}

fn counts(row: &Row<'_>) -> rusqlite::Result<Counts> {
    let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
    Ok(Counts {
        events: count(0)?,
        waiting: count(1)?,
        held: count(2)?,
        done: count(3)?,
        dead: count(4)?,
        entries: count(5)?,
    })
}
