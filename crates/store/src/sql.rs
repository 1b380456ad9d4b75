//! The statements that both engines run as they stand here.
//!
//! Parameters are numbered in the order in which they first appear in the text: PostgreSQL goes by the number, SQLite (to
//! which `$1` is but a name) by the order. States are literal numbers ([`crate::model::ItemState`]: 0 ready, 1 behind, 2 held,
//! 3 done, 4 dead), so that partial indexes fit.

use crate::query::Condition;

/// Raises the last seen time; gives what it is now.
pub(crate) const SEE_TIME: &str = "
    INSERT INTO meta (name, value) VALUES ('last_seen_ms', $1)
    ON CONFLICT (name) DO UPDATE SET
        value = CASE WHEN excluded.value > meta.value THEN excluded.value ELSE meta.value END
    RETURNING value";

/// An event, unless it is there already.
pub(crate) const INSERT_EVENT: &str = "
    INSERT INTO inbox (source, event_id, received_ms, body, answer) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (source, event_id) DO NOTHING";

pub(crate) const EVENT_ANSWER: &str = "SELECT answer FROM inbox WHERE source = $1 AND event_id = $2";

pub(crate) const EVENT: &str =
    "SELECT received_ms, body, answer FROM inbox WHERE source = $1 AND event_id = $2";

/// An item without a subject: nothing can be before it. Parameters as in [`INSERT_ITEM_IN_ORDER`].
pub(crate) const INSERT_ITEM: &str = "
    INSERT INTO outbox (effect, source, event_id, step, queue, subject, body, state, created_ms, due_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)
    ON CONFLICT (effect) DO NOTHING";

/// An item that is behind every unfinished one of its queue and subject.
pub(crate) const INSERT_ITEM_IN_ORDER: &str = "
    INSERT INTO outbox (effect, source, event_id, step, queue, subject, body, state, created_ms, due_ms)
    SELECT $1, $2, $3, $4, $5, $6, $7,
        CASE WHEN EXISTS (
            SELECT 1 FROM outbox AS before
            WHERE before.queue = $5 AND before.subject = $6 AND before.state < 3
        ) THEN 1 ELSE 0 END,
        $8, $9
    WHERE true
    ON CONFLICT (effect) DO NOTHING";

/// The queue and the subject of an item that is held under this fence.
pub(crate) const HELD_ITEM: &str =
    "SELECT queue, subject FROM outbox WHERE id = $1 AND fence = $2 AND state = 2";

pub(crate) const FINISH_DONE: &str = "
    UPDATE outbox SET state = 3, finished_ms = $1, result = $2, error = NULL, holder = NULL, lease_until_ms = NULL
    WHERE id = $3";

pub(crate) const FINISH_DEAD: &str = "
    UPDATE outbox SET state = 4, finished_ms = $1, error = $2, failures = failures + 1, holder = NULL,
        lease_until_ms = NULL
    WHERE id = $3";

pub(crate) const FINISH_AGAIN: &str = "
    UPDATE outbox SET state = 0, due_ms = $1, error = $2, failures = failures + 1, holder = NULL,
        lease_until_ms = NULL
    WHERE id = $3";

pub(crate) const FINISH_RELEASED: &str = "
    UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL WHERE id = $1";

/// After an item is done or dead: the next of its queue and subject is ready.
pub(crate) const PROMOTE_NEXT: &str = "
    UPDATE outbox SET state = 0 WHERE id = (
        SELECT id FROM outbox WHERE queue = $1 AND subject = $2 AND state < 3 AND state = 1 ORDER BY id LIMIT 1
    )";

/// A dead or done item begins anew, behind what is unfinished of its subject.
pub(crate) const REPLAY_ITEM: &str = "
    UPDATE outbox SET failures = 0, due_ms = $1, finished_ms = NULL, error = NULL, result = NULL,
        state = CASE WHEN EXISTS (
            SELECT 1 FROM outbox AS before
            WHERE before.queue = outbox.queue AND before.subject = outbox.subject AND before.state < 3
        ) THEN 1 ELSE 0 END
    WHERE id = $2 AND state IN (3, 4)";

/// A worker is alive until then.
pub(crate) const BEAT: &str = "
    INSERT INTO workers (id, alive_until_ms) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET alive_until_ms = excluded.alive_until_ms";

/// The same, unless it is believed beyond a time anyway. Parameters: worker, until when, that time.
pub(crate) const BEAT_IF_LATE: &str = "
    INSERT INTO workers (id, alive_until_ms) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET alive_until_ms = excluded.alive_until_ms WHERE workers.alive_until_ms <= $3";

pub(crate) const REMOVE_WORKER: &str = "DELETE FROM workers WHERE id = $1";

pub(crate) const REMOVE_GONE_WORKERS: &str = "DELETE FROM workers WHERE alive_until_ms <= $1";

pub(crate) const RELEASE_HELD_BY: &str = "
    UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL WHERE state = 2 AND holder = $1";

/// What is held by a worker that is gone, or for too long, is ready again. Its fence stays: the next claim raises it.
pub(crate) const REAP: &str = "
    UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL
    WHERE state = 2 AND (
        lease_until_ms <= $1 OR holder NOT IN (SELECT id FROM workers WHERE alive_until_ms > $1)
    )";

/// SQLite's claim; PostgreSQL adds FOR UPDATE SKIP LOCKED to the inner query.
pub(crate) const CLAIM: &str = "
    UPDATE outbox SET state = 2, holder = $1, lease_until_ms = $2, fence = fence + 1
    WHERE id IN (
        SELECT id FROM outbox WHERE queue = $3 AND state = 0 AND due_ms <= $4 ORDER BY due_ms, id LIMIT $5
    )
    RETURNING id, fence, source, event_id, step, subject, body, failures, created_ms, due_ms";

/// What [`item_query`] and [`EFFECT`] give, in this order.
macro_rules! item_columns {
    () => {
        "id, source, event_id, step, queue, subject, body, state, failures, created_ms, due_ms, finished_ms, error, result"
    };
}

pub(crate) const EFFECT: &str = concat!("SELECT ", item_columns!(), " FROM outbox WHERE effect = $1");

/// Items that are meant, newest first. Parameters: those of the query, then how many at most.
pub(crate) fn item_query(wanted: &Condition) -> String {
    format!(
        concat!(
            "SELECT ",
            item_columns!(),
            " FROM outbox WHERE {} ORDER BY id DESC LIMIT ${}"
        ),
        wanted.text(),
        wanted.next()
    )
}

/// The numbers of the items that are meant, oldest first, from a number on. Parameters: those of the query, the number
/// that they must be above, how many at most.
pub(crate) fn item_ids_query(wanted: &Condition) -> String {
    let (text, next) = (wanted.text(), wanted.next());
    format!(
        "SELECT id FROM outbox WHERE {text} AND id > ${next} ORDER BY id LIMIT ${}",
        next + 1
    )
}

pub(crate) const COUNT_EVENTS: &str = "SELECT count(*) FROM inbox";
pub(crate) const COUNT_ITEMS: &str = "SELECT state, count(*) FROM outbox GROUP BY state";

/// How many items wait in the queues whose names begin like this. Parameter: that beginning. Two counts, so that each has the
/// partial index of its state and what is done is not looked at; an item that is behind another has a subject.
pub(crate) fn waiting_query(queue_prefix: &str) -> String {
    let begins = format!("substr(queue, 1, {}) = $1", queue_prefix.chars().count());
    format!(
        "SELECT (SELECT count(*) FROM outbox WHERE state = 0 AND {begins})
        + (SELECT count(*) FROM outbox WHERE subject IS NOT NULL AND state < 3 AND state = 1 AND {begins})"
    )
}

pub(crate) const RECORD: &str =
    "SELECT id, version, updated_ms, body FROM records WHERE kind = $1 AND id = $2";

pub(crate) const RECORDS: &str = "
    SELECT id, version, updated_ms, body FROM records WHERE kind = $1
    ORDER BY updated_ms DESC, id DESC LIMIT $2";

pub(crate) const RECORD_VERSION: &str = "SELECT version FROM records WHERE kind = $1 AND id = $2";

pub(crate) const PUT_RECORD: &str = "
    INSERT INTO records (kind, id, version, updated_ms, body) VALUES ($1, $2, 1, $3, $4)
    ON CONFLICT (kind, id) DO UPDATE SET
        version = records.version + 1, updated_ms = excluded.updated_ms, body = excluded.body";

pub(crate) const REMOVE_RECORD: &str = "DELETE FROM records WHERE kind = $1 AND id = $2";

/// Records of a kind that were written before then, so many at most. The time is asked for twice: one that is written while
/// this waits for it stays.
pub(crate) const PURGE_RECORDS: &str = "
    DELETE FROM records WHERE (kind, id) IN (
        SELECT kind, id FROM records WHERE kind = $1 AND updated_ms < $2 ORDER BY updated_ms LIMIT $3
    ) AND updated_ms < $2";

/// A record that is removed takes its terms with it.
pub(crate) const FORGET_TERMS: &str = "DELETE FROM terms WHERE kind = $1 AND id = $2";

pub(crate) const INSERT_TERM: &str = "INSERT INTO terms (kind, term, place, id) VALUES ($1, $2, $3, $4)";

pub(crate) const COUNT_TERM: &str = "SELECT count(*) FROM terms WHERE kind = $1 AND term = $2";

/// The first records with a term.
pub(crate) const FIND_FIRST: &str = "
    SELECT place, records.id, version, updated_ms, body
      FROM terms JOIN records ON records.kind = terms.kind AND records.id = terms.id
     WHERE terms.kind = $1 AND term = $2 ORDER BY place, terms.id LIMIT $3";

/// Records by their terms. Parameters: those of the query, how many at most, how many are left out.
pub(crate) fn find_query(wanted: &Condition, descending: bool) -> String {
    let (text, next) = (wanted.text(), wanted.next());
    let way = if descending { "DESC" } else { "ASC" };
    // Without the records first: those that are left out are not read.
    format!(
        "SELECT place, records.id, version, updated_ms, body FROM (
            SELECT kind, place, id FROM terms WHERE {text}
            ORDER BY place {way}, id {way} LIMIT ${next} OFFSET ${}
        ) AS page JOIN records ON records.kind = page.kind AND records.id = page.id
        ORDER BY place {way}, page.id {way}",
        next + 1
    )
}

pub(crate) const CHECKPOINT: &str = "SELECT value FROM checkpoints WHERE name = $1";

pub(crate) const PUT_CHECKPOINT: &str = "
    INSERT INTO checkpoints (name, value, updated_ms) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms";

/// Takes a lease that is free, or renews one's own; gives the fence, or no row when another has it.
/// Parameters: name, holder, until when, now.
pub(crate) const TAKE_LEASE: &str = "
    INSERT INTO leases (name, holder, fence, until_ms) VALUES ($1, $2, 1, $3)
    ON CONFLICT (name) DO UPDATE SET
        fence = CASE WHEN leases.until_ms > $4 THEN leases.fence ELSE leases.fence + 1 END,
        holder = excluded.holder, until_ms = excluded.until_ms
    WHERE leases.until_ms <= $4 OR leases.holder = excluded.holder
    RETURNING fence";

pub(crate) const LEASE_IS_HELD: &str =
    "SELECT 1 FROM leases WHERE name = $1 AND fence = $2 AND until_ms > $3";

/// The row stays, so that the fence grows on.
pub(crate) const RELEASE_LEASE: &str =
    "UPDATE leases SET holder = '', until_ms = 0 WHERE name = $1 AND fence = $2";

/// Done items that were finished before then, so many at most.
pub(crate) const PURGE_ITEMS: &str = "
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE state = 3 AND finished_ms < $1 ORDER BY finished_ms LIMIT $2
    )";

/// Events from before then of which no item is left, so many at most.
pub(crate) const PURGE_EVENTS: &str = "
    DELETE FROM inbox WHERE (source, event_id) IN (
        SELECT source, event_id FROM inbox AS old
        WHERE old.received_ms < $1 AND NOT EXISTS (
            SELECT 1 FROM outbox WHERE outbox.source = old.source AND outbox.event_id = old.event_id
        )
        ORDER BY old.received_ms LIMIT $2
    )";

pub(crate) const LOG_HEAD: &str = "SELECT size, frontier FROM audit_head WHERE one = 1";

pub(crate) const PUT_LOG_HEAD: &str = "UPDATE audit_head SET size = $1, frontier = $2 WHERE one = 1";

pub(crate) const INSERT_ENTRY: &str =
    "INSERT INTO audit (idx, at_ms, action, subject, hash, leaf) VALUES ($1, $2, $3, $4, $5, $6)";

pub(crate) const INSERT_TEXT: &str =
    "INSERT INTO audit_texts (idx, place, field, salt, value, subject) VALUES ($1, $2, $3, $4, $5, $6)";

pub(crate) const INSERT_TILE: &str = "INSERT INTO audit_tiles (level, idx, hash) VALUES ($1, $2, $3)";

/// Entries that are meant, in order. Parameters: those of the query, then how many at most.
pub(crate) fn entry_query(wanted: &Condition) -> String {
    let (text, next) = (wanted.text(), wanted.next());
    format!("SELECT idx, leaf FROM audit WHERE {text} ORDER BY idx LIMIT ${next}")
}

pub(crate) const LOG_ROWS: &str = "
    SELECT idx, hash, leaf, at_ms, action, subject FROM audit WHERE idx >= $1 ORDER BY idx LIMIT $2";

pub(crate) const TEXTS: &str = "SELECT field, salt, value FROM audit_texts WHERE idx = $1 ORDER BY place";

/// The texts of the entries from one index to another, both included.
pub(crate) const TEXTS_BETWEEN: &str = "
    SELECT idx, field, salt, value FROM audit_texts WHERE idx >= $1 AND idx <= $2 ORDER BY idx, place";

pub(crate) const LEAF_HASHES: &str = "SELECT hash FROM audit WHERE idx >= $1 AND idx < $2 ORDER BY idx";

pub(crate) const TILES: &str =
    "SELECT idx, hash FROM audit_tiles WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";

/// A checkpoint; the first one of a size stays, whoever else signs it.
pub(crate) const PUT_LOG_CHECKPOINT: &str = "
    INSERT INTO audit_checkpoints (size, note) VALUES ($1, $2)
    ON CONFLICT (size) DO NOTHING";

pub(crate) const LOG_CHECKPOINTS: &str =
    "SELECT note FROM audit_checkpoints WHERE size >= $1 ORDER BY size LIMIT $2";

pub(crate) const LAST_LOG_CHECKPOINT: &str = "SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1";

pub(crate) const SUBJECTS_OF_PERSON: &str = "
    SELECT DISTINCT subject FROM audit_texts WHERE value = $1 AND subject IS NOT NULL ORDER BY subject";

pub(crate) const ERASE_SUBJECT: &str = "DELETE FROM audit_texts WHERE subject = $1";

pub(crate) const ERASE_VALUE: &str = "DELETE FROM audit_texts WHERE value = $1";

/// The next entries below an index whose text is still there, so many at most.
pub(crate) const OLD_ENTRIES: &str =
    "SELECT idx FROM audit WHERE leaf IS NOT NULL AND idx < $1 ORDER BY idx LIMIT $2";

pub(crate) const EXPIRE_ENTRY: &str = "UPDATE audit SET leaf = NULL WHERE idx = $1";

pub(crate) const EXPIRE_TEXTS: &str = "DELETE FROM audit_texts WHERE idx = $1";

#[cfg(test)]
mod tests {
    /// SQLite takes `$1` for a name and numbers it by its first appearance.
    #[test]
    fn parameters_first_appear_in_the_order_of_their_numbers() {
        let statements = include_str!("sql.rs").split("pub(crate) const ").skip(1);
        let mut checked = 0;
        for statement in statements {
            let (name, text) = statement.split_once(':').unwrap();
            let text = text.split_once("\";").map_or(text, |(text, _)| text);
            let mut known = 0;
            for number in text
                .split('$')
                .skip(1)
                .filter_map(|rest| rest.chars().next()?.to_digit(10))
            {
                assert!(number <= known + 1, "{name}: ${number} after ${known}");
                known = known.max(number);
            }
            checked += 1;
        }
        assert!(checked > 40);
    }
}
