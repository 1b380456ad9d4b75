//! The statements, the same for every database. Parameters are `$1`, `$2`, ...; times are milliseconds of the store's clock.
//!
//! States of an item: 0 ready, 1 behind, 2 held, 3 done, 4 dead.

/// lease, fence, now
pub(crate) const LEASE_HELD: &str = "SELECT 1 FROM leases WHERE name = $1 AND fence = $2 AND until_ms >= $3";
/// id, fence
pub(crate) const CLAIMED: &str =
    "SELECT queue, subject FROM outbox WHERE id = $1 AND fence = $2 AND state = 2";
/// id, fence, result, now
pub(crate) const FINISH_DONE: &str = "UPDATE outbox SET state = 3, result = $3, finished_ms = $4, error = NULL, \
    holder = NULL, lease_until_ms = NULL WHERE id = $1 AND fence = $2 AND state = 2";
/// id, fence, due, error
pub(crate) const FINISH_AGAIN: &str = "UPDATE outbox SET state = 0, failures = failures + 1, due_ms = $3, error = $4, \
    holder = NULL, lease_until_ms = NULL WHERE id = $1 AND fence = $2 AND state = 2";
/// id, fence
pub(crate) const FINISH_RELEASED: &str = "UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL \
    WHERE id = $1 AND fence = $2 AND state = 2";
/// id, fence, error, now
pub(crate) const FINISH_DEAD: &str = "UPDATE outbox SET state = 4, failures = failures + 1, error = $3, finished_ms = $4, \
    holder = NULL, lease_until_ms = NULL WHERE id = $1 AND fence = $2 AND state = 2";
/// queue, subject: the next of the line becomes ready, unless one is ready or held already
pub(crate) const PROMOTE: &str = "UPDATE outbox SET state = 0 WHERE id = (\
    SELECT id FROM outbox WHERE queue = $1 AND subject = $2 AND state < 3 AND state = 1 ORDER BY id LIMIT 1) \
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE queue = $1 AND subject = $2 AND state < 3 AND state <> 1)";

/// source, event_id
pub(crate) const ANSWER: &str = "SELECT answer FROM inbox WHERE source = $1 AND event_id = $2";
/// source, event_id, now, body, answer
pub(crate) const ACCEPT: &str = "INSERT INTO inbox (source, event_id, received_ms, body, answer) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (source, event_id) DO NOTHING";
/// source, event_id
pub(crate) const EVENT: &str =
    "SELECT body, answer, received_ms FROM inbox WHERE source = $1 AND event_id = $2";

/// effect, source, event_id, step, queue, subject, body, now, due
pub(crate) const OWE: &str = "INSERT INTO outbox \
    (effect, source, event_id, step, queue, subject, body, created_ms, due_ms, state) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN EXISTS (SELECT 1 FROM outbox \
    WHERE queue = $5 AND subject = $6 AND state < 3) THEN 1 ELSE 0 END) ON CONFLICT (effect) DO NOTHING";

/// kind, id
pub(crate) const RECORD: &str =
    "SELECT id, version, updated_ms, body FROM records WHERE kind = $1 AND id = $2";
/// kind, most
pub(crate) const RECORDS: &str = "SELECT id, version, updated_ms, body FROM records WHERE kind = $1 \
    ORDER BY updated_ms DESC, id DESC LIMIT $2";
/// kind, id, now, body
pub(crate) const PUT: &str = "INSERT INTO records (kind, id, version, updated_ms, body) VALUES ($1, $2, 1, $3, $4) \
    ON CONFLICT (kind, id) DO UPDATE SET version = records.version + 1, updated_ms = excluded.updated_ms, \
    body = excluded.body";
/// kind, id
pub(crate) const REMOVE: &str = "DELETE FROM records WHERE kind = $1 AND id = $2";

/// name
pub(crate) const CHECKPOINT: &str = "SELECT value FROM checkpoints WHERE name = $1";
/// name, value, now
pub(crate) const ADVANCE: &str = "INSERT INTO checkpoints (name, value, updated_ms) VALUES ($1, $2, $3) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms";

/// worker, lease_until, queue, now, most
pub(crate) const CLAIM: &str = "UPDATE outbox SET state = 2, holder = $1, lease_until_ms = $2, fence = fence + 1 \
    WHERE id IN (SELECT id FROM outbox WHERE queue = $3 AND state = 0 AND due_ms <= $4 \
    ORDER BY due_ms, id LIMIT $5{SKIP LOCKED}) \
    RETURNING id, fence, source, event_id, step, subject, body, failures, created_ms, due_ms";
/// now: what workers held who are gone, or too long, is ready again
pub(crate) const REAP: &str = "UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL \
    WHERE state = 2 AND (lease_until_ms < $1 OR NOT EXISTS (\
    SELECT 1 FROM workers WHERE workers.id = outbox.holder AND alive_until_ms >= $1))";
/// now: workers that are long gone are forgotten
pub(crate) const FORGET_WORKERS: &str = "DELETE FROM workers WHERE alive_until_ms < $1 - 60000";
/// worker, alive_until
pub(crate) const BEAT: &str = "INSERT INTO workers (id, alive_until_ms) VALUES ($1, $2) \
    ON CONFLICT (id) DO UPDATE SET alive_until_ms = excluded.alive_until_ms";
/// worker
pub(crate) const LEAVE: &str = "DELETE FROM workers WHERE id = $1";
/// worker
pub(crate) const RELEASE_ALL: &str = "UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL \
    WHERE state = 2 AND holder = $1";
/// now: the latest time that the store has seen
pub(crate) const SEE: &str = "INSERT INTO meta (name, value) VALUES ('last_seen_ms', $1) \
    ON CONFLICT (name) DO UPDATE SET value = CASE WHEN excluded.value > meta.value THEN excluded.value \
    ELSE meta.value END";
pub(crate) const SEEN: &str = "SELECT value FROM meta WHERE name = 'last_seen_ms'";

/// name
pub(crate) const LEASE: &str = "SELECT holder, fence, until_ms FROM leases WHERE name = $1{FOR UPDATE}";
/// name, holder, fence, until
pub(crate) const TAKE_LEASE: &str = "INSERT INTO leases (name, holder, fence, until_ms) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until_ms = excluded.until_ms";
/// name, fence
pub(crate) const RELEASE_LEASE: &str = "UPDATE leases SET until_ms = 0 WHERE name = $1 AND fence = $2";

/// The columns of an item.
pub(crate) const ITEM: &str = "SELECT id, source, event_id, step, queue, subject, body, state, failures, created_ms, \
    due_ms, finished_ms, error, result FROM outbox";
/// effect
pub(crate) const EFFECT: &str = "SELECT id, source, event_id, step, queue, subject, body, state, failures, created_ms, \
    due_ms, finished_ms, error, result FROM outbox WHERE effect = $1";
/// id, now
pub(crate) const REPLAY: &str = "UPDATE outbox SET failures = 0, due_ms = $2, finished_ms = NULL, result = NULL, \
    state = CASE WHEN EXISTS (SELECT 1 FROM outbox AS other WHERE other.queue = outbox.queue \
    AND other.subject = outbox.subject AND other.state < 3) THEN 1 ELSE 0 END WHERE id = $1 AND state >= 3";
pub(crate) const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM inbox), \
    (SELECT COUNT(*) FROM outbox WHERE state IN (0, 1)), (SELECT COUNT(*) FROM outbox WHERE state = 2), \
    (SELECT COUNT(*) FROM outbox WHERE state = 3), (SELECT COUNT(*) FROM outbox WHERE state = 4), \
    (SELECT size FROM audit_head)";

/// before, most: finished items, but no dead letters
pub(crate) const PURGE_DONE: &str = "DELETE FROM outbox WHERE id IN (\
    SELECT id FROM outbox WHERE state = 3 AND finished_ms < $1 ORDER BY finished_ms LIMIT $2)";
/// before, most: events, oldest first
pub(crate) const PURGE_EVENTS: &str = "DELETE FROM inbox WHERE id IN (SELECT id FROM (\
    SELECT id, received_ms FROM inbox ORDER BY id LIMIT $2) AS oldest WHERE received_ms < $1)";

pub(crate) const HEAD: &str = "SELECT size, frontier FROM audit_head";
/// size, frontier
pub(crate) const SET_HEAD: &str = "UPDATE audit_head SET size = $1, frontier = $2";
/// idx, at, action, subject, hash, leaf
pub(crate) const APPEND: &str =
    "INSERT INTO audit (idx, at_ms, action, subject, hash, leaf) VALUES ($1, $2, $3, $4, $5, $6)";
/// idx, field, salt, value, subject
pub(crate) const APPEND_TEXT: &str =
    "INSERT INTO audit_texts (idx, field, salt, value, subject) VALUES ($1, $2, $3, $4, $5)";
/// level, idx, hash
pub(crate) const APPEND_TILE: &str = "INSERT INTO audit_tiles (level, idx, hash) VALUES ($1, $2, $3)";
/// from, to
pub(crate) const LEAF_HASHES: &str = "SELECT hash FROM audit WHERE idx >= $1 AND idx < $2 ORDER BY idx";
/// level, from, to
pub(crate) const TILES: &str =
    "SELECT idx, hash FROM audit_tiles WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
/// from, most
pub(crate) const ROWS: &str =
    "SELECT idx, hash, leaf, at_ms, action, subject FROM audit WHERE idx >= $1 ORDER BY idx LIMIT $2";
/// first, last
pub(crate) const TEXTS: &str =
    "SELECT idx, field, salt, value FROM audit_texts WHERE idx >= $1 AND idx <= $2 ORDER BY idx, field";
/// size, note
pub(crate) const KEEP_CHECKPOINT: &str =
    "INSERT INTO audit_checkpoints (size, note) VALUES ($1, $2) ON CONFLICT (size) DO NOTHING";
/// from, most
pub(crate) const CHECKPOINTS: &str =
    "SELECT note FROM audit_checkpoints WHERE size >= $1 ORDER BY size LIMIT $2";
pub(crate) const LAST_CHECKPOINT: &str = "SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
/// person
pub(crate) const SUBJECTS_OF: &str =
    "SELECT DISTINCT subject FROM audit_texts WHERE value = $1 AND subject IS NOT NULL";
/// subject
pub(crate) const ERASE_SUBJECT: &str = "DELETE FROM audit_texts WHERE subject = $1";
/// person
pub(crate) const ERASE_TEXT: &str = "DELETE FROM audit_texts WHERE value = $1";
/// before, most
pub(crate) const EXPIRABLE: &str =
    "SELECT idx FROM audit WHERE at_ms < $1 AND leaf IS NOT NULL ORDER BY idx LIMIT $2";
/// idx
pub(crate) const EXPIRE: &str = "UPDATE audit SET leaf = NULL WHERE idx = $1";
/// idx
pub(crate) const EXPIRE_TEXTS: &str = "DELETE FROM audit_texts WHERE idx = $1";
