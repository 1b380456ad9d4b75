//! SQL that is PostgreSQL's own: statements over whole columns of values, and locks.

/// Raises the last seen time to ours, or to that of the newest batch; gives what it is now. (Each batch tells its time in a row of
/// its lane's own: a row for all would let one batch wait for the other.)
pub(super) const SEE_TIME: &str = "
    INSERT INTO meta (name, value)
    SELECT 'last_seen_ms', greatest($1::bigint, max(used_ms)) FROM lanes
    ON CONFLICT (name) DO UPDATE SET value = greatest(meta.value, excluded.value)
    RETURNING value";

/// Notes the number of a lane's batch in its own transaction.
pub(super) const MARK: &str = "
    INSERT INTO lanes (id, batch, used_ms) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, used_ms = excluded.used_ms";

/// The last batch of a lane. It writes, too: so it waits for a transaction that is still being committed, even for
/// the lane's first.
pub(super) const LAST_BATCH: &str = "
    INSERT INTO lanes (id, batch, used_ms) VALUES ($1, 0, $2)
    ON CONFLICT (id) DO UPDATE SET used_ms = excluded.used_ms
    RETURNING batch";

/// Those of many records that are there.
pub(super) const RECORDS_OF: &str =
    "SELECT id, version, updated_ms, body FROM records WHERE kind = $1 AND id = ANY ($2::text[])";

/// The first records of each of many terms.
pub(super) const FIND_EACH: &str = "
    SELECT wanted.number, found.place, records.id, version, updated_ms, body
      FROM unnest($2::text[]) WITH ORDINALITY AS wanted (term, number)
     CROSS JOIN LATERAL (SELECT place, id FROM terms WHERE kind = $1 AND term = wanted.term
                          ORDER BY place, id LIMIT $3) AS found
      JOIN records ON records.kind = $1 AND records.id = found.id
     ORDER BY wanted.number, found.place, found.id";

/// Holds the subjects of finished items and of intents until the end of the transaction, in an order that is
/// everybody's: so an item that joins a subject and one that leaves it see each other.
pub(super) const LOCK_SUBJECTS: &str = "
    SELECT pg_advisory_xact_lock(key) FROM (
        SELECT hashtextextended(subject, hashtextextended(queue, 0)) AS key
          FROM outbox WHERE id = ANY ($1::bigint[]) AND subject IS NOT NULL
        UNION
        SELECT hashtextextended(subject, hashtextextended(queue, 0))
          FROM unnest($2::text[], $3::text[]) AS new (queue, subject) WHERE subject IS NOT NULL
        ORDER BY key
    ) AS keys";

/// Finds the leases that are still held, and keeps them so until the end of the transaction.
pub(super) const CHECK_LEASES: &str = "
    SELECT 1 FROM leases JOIN unnest($1::text[], $2::bigint[]) AS must (name, fence) USING (name, fence)
     WHERE until_ms > $3 FOR SHARE OF leases";

pub(super) const FINISH: &str = "
    UPDATE outbox
       SET state = f.state, failures = failures + f.failed, due_ms = coalesce(f.due_ms, outbox.due_ms),
           finished_ms = f.finished_ms, result = f.result,
           error = CASE WHEN f.state = 3 THEN NULL ELSE coalesce(f.error, outbox.error) END,
           holder = NULL, lease_until_ms = NULL
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
           AS f (id, fence, state, failed, due_ms, finished_ms, error, result)
     WHERE outbox.id = f.id AND outbox.fence = f.fence AND outbox.state = 2";

/// In the order of the key, so that two that accept the same events wait for each other, and not both.
pub(super) const ACCEPT: &str = "
    INSERT INTO inbox (source, event_id, body, answer, received_ms)
    SELECT source, event_id, body, answer, $5
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (source, event_id, body, answer)
     ORDER BY source, event_id
    ON CONFLICT (source, event_id) DO NOTHING";

/// The first of a subject that has nothing unfinished is ready; the others are behind.
pub(super) const OWE: &str = "
    INSERT INTO outbox (effect, source, event_id, step, queue, subject, body, due_ms, created_ms, state)
    SELECT effect, source, event_id, step, queue, subject, body, due_ms, $9,
           CASE WHEN subject IS NULL THEN 0
                WHEN row_number() OVER (PARTITION BY queue, subject ORDER BY place) = 1
                     AND NOT EXISTS (SELECT 1 FROM outbox AS before
                                      WHERE before.queue = new.queue AND before.subject = new.subject
                                        AND before.state < 3)
                THEN 0 ELSE 1 END
      FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
           WITH ORDINALITY AS new (effect, source, event_id, step, queue, subject, body, due_ms, place)
     ORDER BY place
    ON CONFLICT (effect) DO NOTHING";

/// Where nothing of a subject is ready or held, the first that is behind becomes ready. The parameters are those of
/// `LOCK_SUBJECTS`.
pub(super) const PROMOTE: &str = "
    UPDATE outbox SET state = 0
     WHERE state = 1 AND id IN (
        SELECT (SELECT min(b.id) FROM outbox b
                 WHERE b.queue = s.queue AND b.subject = s.subject AND b.state < 3 AND b.state = 1)
          FROM (SELECT queue, subject FROM outbox WHERE id = ANY ($1::bigint[]) AND subject IS NOT NULL
                UNION
                SELECT queue, subject FROM unnest($2::text[], $3::text[]) AS new (queue, subject)
                 WHERE subject IS NOT NULL) AS s
         WHERE NOT EXISTS (SELECT 1 FROM outbox a
                            WHERE a.queue = s.queue AND a.subject = s.subject AND a.state < 3 AND a.state IN (0, 2)))";

pub(super) const NOTE: &str = "
    INSERT INTO audit_pending (body, at_ms, action, subject, texts)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])";

/// A record, if it is not there.
pub(super) const PUT_NEW: &str = "
    INSERT INTO records (kind, id, version, updated_ms, body) VALUES ($1, $2, 1, $3, $4)
    ON CONFLICT (kind, id) DO NOTHING";

/// A record, if it has this version.
pub(super) const PUT_NEXT: &str = "
    UPDATE records SET version = version + 1, updated_ms = $3, body = $4
     WHERE kind = $1 AND id = $2 AND version = $5";

pub(super) const REMOVE_VERSION: &str = "DELETE FROM records WHERE kind = $1 AND id = $2 AND version = $3";

/// Holds the terms of records until the end of the transaction, in an order that is everybody's: so of several who give a
/// record terms at once, one does it after the other. (Not the records' own rows: others may remove those and make them anew.)
pub(super) const LOCK_TERMS: &str = "
    SELECT pg_advisory_xact_lock(key) FROM (
        SELECT hashtextextended(id, hashtextextended(kind, 0)) AS key
          FROM unnest($1::text[], $2::text[]) AS must (kind, id)
         ORDER BY key
    ) AS keys";

pub(super) const FORGET_TERMS: &str = "
    DELETE FROM terms USING unnest($1::text[], $2::text[]) AS old (kind, id)
     WHERE terms.kind = old.kind AND terms.id = old.id";

/// The terms of records that are there, and stay until the end of the transaction.
pub(super) const KEEP_TERMS: &str = "
    INSERT INTO terms (kind, id, term, place)
    SELECT kind, id, term, place
      FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS new (kind, id, term, place)
      JOIN records USING (kind, id)
       FOR KEY SHARE OF records";

pub(super) const ADVANCE_FIRST: &str = "
    INSERT INTO checkpoints (name, value, updated_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";

pub(super) const ADVANCE: &str = "
    UPDATE checkpoints SET value = $2, updated_ms = $3 WHERE name = $1 AND value = $4";

/// Items that are due, oldest first, without waiting for those that another one is claiming just now.
pub(super) const CLAIM: &str = "
    WITH next AS MATERIALIZED (
        SELECT id FROM outbox WHERE queue = $1 AND state = 0 AND due_ms <= $2
         ORDER BY due_ms, id LIMIT $3 FOR UPDATE SKIP LOCKED)
    UPDATE outbox SET state = 2, fence = fence + 1, holder = $4, lease_until_ms = $5
      FROM next WHERE outbox.id = next.id
    RETURNING outbox.id, fence, source, event_id, step, subject, body, failures, created_ms, due_ms";

/// What one claim of a worker holds.
pub(super) const CLAIMED: &str = "
    SELECT id, fence, source, event_id, step, subject, body, failures, created_ms, due_ms
      FROM outbox WHERE holder = $1 AND lease_until_ms = $2 AND state = 2";

/// Items of workers that are gone, and items that were held for too long.
pub(super) const REAP: &str = "
    UPDATE outbox SET state = 0, holder = NULL, lease_until_ms = NULL
     WHERE id IN (SELECT id FROM outbox
                   WHERE state = 2
                     AND (lease_until_ms <= $1
                          OR NOT EXISTS (SELECT 1 FROM workers
                                          WHERE workers.id = outbox.holder AND alive_until_ms > $1))
                     FOR UPDATE SKIP LOCKED)";

/// Dead and done items begin anew; of those with a subject, `PROMOTE` then finds the one that is ready.
pub(super) const REPLAY: &str = "
    UPDATE outbox SET state = CASE WHEN subject IS NULL THEN 0 ELSE 1 END, failures = 0, due_ms = $2,
           finished_ms = NULL, error = NULL, result = NULL
     WHERE id = ANY ($1) AND state IN (3, 4)";

/// Entries, whether they have their index already or not.
pub(super) const COUNT_ENTRIES: &str =
    "SELECT (SELECT size FROM audit_head) + (SELECT count(*) FROM audit_pending)";

/// Lanes that nobody uses any more.
pub(super) const PURGE_LANES: &str =
    "DELETE FROM lanes WHERE id IN (SELECT id FROM lanes WHERE used_ms < $1::bigint - 86400000 LIMIT $2)";
