//! A table of a PostgreSQL database as a sink.

use super::{
    Changed,
    sending::Patience,
    sink::{Parcel, SinkError},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;
use store::{Elsewhere, Error};
use tokio::time::sleep;

/// Most rows of one statement.
const MOST_ROWS: usize = 250;

/// Made once; several syncs may begin at the same time. Where it is there, nothing of it is locked: others may work on it.
const TABLE: &str = "
    DO $$ BEGIN
    IF to_regclass('trunkline_conversations') IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('trunkline_conversations', 0));
    CREATE TABLE IF NOT EXISTS trunkline_conversations (
        platform text NOT NULL,
        id text NOT NULL,
        change_id text NOT NULL,
        version bigint,
        state text NOT NULL,
        resolved boolean NOT NULL,
        escalated boolean NOT NULL,
        bot_id text,
        created_date timestamptz NOT NULL,
        updated_date timestamptz NOT NULL,
        conversation jsonb NOT NULL,
        interactions jsonb NOT NULL,
        synced_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (platform, id)
    );
    CREATE INDEX IF NOT EXISTS trunkline_conversations_updated ON trunkline_conversations (updated_date);
    END IF;
    END $$";

/// A row is replaced by what is not older. Without versions nothing says what is, and the last that came stays.
const UPSERT: &str = "
    INSERT INTO trunkline_conversations AS kept (platform, id, change_id, version, state, resolved, escalated, bot_id,
        created_date, updated_date, conversation, interactions)
    SELECT platform, id, change_id, version::bigint, state, resolved::boolean, escalated::boolean, bot_id,
        created_date::timestamptz, updated_date::timestamptz, conversation::jsonb, interactions::jsonb
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[])
        AS new (platform, id, change_id, version, state, resolved, escalated, bot_id, created_date, updated_date, conversation,
            interactions)
    ON CONFLICT (platform, id) DO UPDATE SET change_id = excluded.change_id, version = excluded.version,
        state = excluded.state, resolved = excluded.resolved, escalated = excluded.escalated, bot_id = excluded.bot_id,
        created_date = excluded.created_date, updated_date = excluded.updated_date, conversation = excluded.conversation,
        interactions = excluded.interactions, synced_at = now()
     WHERE kept.version IS NULL OR excluded.version IS NULL OR kept.version <= excluded.version";

/// The columns of [`UPSERT`].
const COLUMNS: usize = 12;

/// A database with the table in it.
pub(super) struct Postgres {
    database: Elsewhere,
    platform: String,
}

impl Postgres {
    pub(super) async fn open(url: &SecretString, platform: &str) -> Result<Self, SinkError> {
        let database = Elsewhere::new(url.expose_secret()).map_err(failed)?;
        database.run(TABLE).await.map_err(failed)?;
        Ok(Self {
            database,
            platform: platform.to_owned(),
        })
    }

    /// Writes rows. The changes must be of different conversations.
    pub(super) async fn upsert(&self, parcels: &[Parcel]) -> Result<(), SinkError> {
        for some in parcels.chunks(MOST_ROWS) {
            let mut columns: [Vec<Option<String>>; COLUMNS] = Default::default();
            for changed in some {
                for (column, value) in columns.iter_mut().zip(self.row(changed.whole()?)) {
                    column.push(value);
                }
            }
            self.write(&columns).await?;
        }
        Ok(())
    }

    /// Longer than a connection is tried: a server that is started anew, or a table that is locked, is waited for as other sinks are.
    async fn write(&self, columns: &[Vec<Option<String>>]) -> Result<(), SinkError> {
        let mut patience = Patience::default();
        loop {
            let error = match self.database.over_columns(UPSERT, columns).await {
                Ok(_) => return Ok(()),
                Err(error) => failed(error),
            };
            match patience.after_failure().filter(|_| error.is_passing()) {
                Some(wait) => {
                    tracing::warn!(%error, "the database is tried again");
                    sleep(wait).await;
                }
                None => return Err(error),
            }
        }
    }

    fn row(&self, changed: &Changed) -> [Option<String>; COLUMNS] {
        let conversation = &changed.conversation;
        let version = Some(conversation.version).filter(|version| *version > 0);
        [
            Some(self.platform.clone()),
            Some(conversation.id.to_string()),
            Some(changed.change_id.clone()),
            version.map(|version| version.to_string()),
            Some(conversation.state.to_string()),
            Some(conversation.resolved.to_string()),
            Some(conversation.escalated.to_string()),
            conversation.bot_id.as_deref().map(without_zero),
            Some(conversation.created_date.to_string()),
            Some(conversation.updated_date.to_string()),
            Some(json(conversation)),
            Some(json(&changed.interactions)),
        ]
    }
}

fn failed(error: Error) -> SinkError {
    let mut causes = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.dedup();
    SinkError::Database(causes.join(": "), Some(error))
}

/// As JSON that PostgreSQL takes: it has no zero characters.
fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    if !text.contains("\\u0000") {
        return text;
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&text) else {
        return text;
    };
    remove_zeros(&mut value);
    value.to_string()
}

fn remove_zeros(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|sign| sign != '\0'),
        Value::Array(items) => items.iter_mut().for_each(remove_zeros),
        Value::Object(members) => {
            let whole = std::mem::take(members);
            members.extend(whole.into_iter().map(|(name, mut value)| {
                remove_zeros(&mut value);
                (without_zero(&name), value)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn without_zero(text: &str) -> String {
    text.chars().filter(|sign| *sign != '\0').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn zero_characters_are_left_out_and_backslashes_stay() {
        let written = json(&value!({"a\0b": ["x\0", "\\u0000"], "n": 1}));
        assert_eq!(written, r#"{"ab":["x","\\u0000"],"n":1}"#);
        assert_eq!(json(&value!(["plain"])), r#"["plain"]"#);
    }
}
