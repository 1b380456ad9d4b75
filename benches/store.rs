//! What it costs to keep everything: events in, work out, and memory.
//!
//! `cargo bench -p trunkline-store --bench store [-- --long]` (`--long`: memory over 1,000,000 events, and their audit log verified)
//!
//! An event is an inbox row, an outbox row and an audit entry in one commit, asked for by 64 tasks at once; each waits until
//! its own is durable. The peer writes the same rows into the same schema with bare rusqlite: one thread, prepared statements,
//! 50 events per transaction, the same pragmas, everything computed beforehand. Both have the machine to themselves, in turn, on new files.
//! Durable rates swing with the disk and with what else runs: look at the ratios.

#![allow(clippy::expect_used, clippy::panic)]

use audit::{
    Actor, Entry, Outcome, SealedEntry,
    tree::{Frontier, leaf_hash},
};
use rusqlite::{Connection, params};
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use store::{
    Claim, Commit, Committed, EffectKey, Event, Finish, Intent, Location, Notary, Store, Trust, Worker,
};

const EVENTS: usize = 20_000;
const ROUNDS: usize = 5;
const CLIENTS: usize = 64;
const PER_TRANSACTION: usize = 50;
const LONG: usize = 1_000_000;

const SCHEMA: [&str; 3] = [
    include_str!("../crates/store/migrations/sqlite/0001_inbox_outbox.sql"),
    include_str!("../crates/store/migrations/sqlite/0002_records.sql"),
    include_str!("../crates/store/migrations/sqlite/0003_audit.sql"),
];

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if std::env::args().any(|arg| arg == "--long") {
        return runtime.block_on(memory());
    }
    let rounds: Vec<Round> = (0..ROUNDS)
        .map(|_| {
            let bare = bare();
            let ours = runtime.block_on(ours());
            println!(
                "bare {bare:>8.0} events/s   ours {:>8.0} events/s   {:>5.1} commits per 1,000   {:>8.0} claimed and finished/s",
                ours.ingest, ours.commits, ours.work
            );
            Round { bare, ours }
        })
        .collect();
    let median_of = |of: fn(&Round) -> f64| median(rounds.iter().map(of).collect());
    println!("\nmedians of {ROUNDS} rounds of {EVENTS} events");
    println!(
        "ingest, {CLIENTS} clients, to bare transactions of {PER_TRANSACTION}: {:.1} % (goal: at least 25 %)",
        100.0 * median_of(|round| round.ours.ingest / round.bare)
    );
    println!(
        "transactions per 1,000 events: {:.1} (goal: at most 40)",
        median_of(|round| round.ours.commits)
    );
    println!(
        "claim and finish to ingest: {:.2}",
        median_of(|round| round.ours.work / round.ours.ingest)
    );
}

struct Round {
    bare: f64,
    ours: Ours,
}

struct Ours {
    /// Events per second.
    ingest: f64,
    /// Transactions per 1,000 events.
    commits: f64,
    /// Items claimed and finished per second.
    work: f64,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The commit of an event.
fn commit(n: usize) -> Commit {
    // Ids of senders are random.
    let id = format!("{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Commit {
        intents: vec![Intent {
            effect: EffectKey {
                source: "survey".into(),
                event: id.clone(),
                step: "task".into(),
            },
            queue: "tasks".into(),
            subject: None,
            body: format!(r#"{{"event":"{id}","priority":"high","note":"{:0100}"}}"#, n),
            after: Duration::ZERO,
        }],
        audit: vec![Entry {
            at: "2026-11-21T09:30:00Z".parse().expect("a time"),
            actor: Actor::Service,
            action: "event.accepted".into(),
            subject: Some(id.clone()),
            correlation: None,
            outcome: Outcome::Success,
            detail: Default::default(),
            personal: Vec::new(),
        }],
        event: Some(Event {
            source: "survey".into(),
            body: format!(r#"{{"id":"{id}","score":2,"comment":"{:0200}"}}"#, n),
            answer: r#"{"accepted":true}"#.into(),
            id,
        }),
        ..Commit::default()
    }
}

async fn ours() -> Ours {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let before = transactions(&store);
    let started = Instant::now();
    ingest(&store, 0, EVENTS).await;
    let ingest = EVENTS as f64 / started.elapsed().as_secs_f64();
    let commits = (transactions(&store) - before) as f64 * 1_000.0 / EVENTS as f64;
    let started = Instant::now();
    work_off(&store, EVENTS).await;
    let work = EVENTS as f64 / started.elapsed().as_secs_f64();
    store.close().await;
    Ours {
        ingest,
        commits,
        work,
    }
}

async fn open(folder: &Path) -> Store {
    let location = Location::Sqlite(folder.join("trunkline.db"));
    Store::open(&location).await.expect("a database")
}

fn transactions(store: &Store) -> u64 {
    store.transactions().expect("SQLite counts them")
}

/// Clients take the next number each, until all are accepted.
async fn ingest(store: &Store, from: usize, to: usize) {
    let next = Arc::new(AtomicUsize::new(from));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (store, next) = (store.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= to {
                        return;
                    }
                    let outcome = store.commit(commit(n)).await.expect("a commit");
                    assert_eq!(outcome, Committed::Done);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client");
    }
}

/// Claims and finishes items, each in a commit of its own.
async fn work_off(store: &Store, items: usize) {
    let worker: Arc<Worker> = Arc::new(store.join().await.expect("a worker"));
    let mut done = 0;
    while done < items {
        let claims = worker.claim("tasks", CLIENTS * 4).await.expect("claims");
        done += claims.len();
        let finishing: Vec<_> = claims
            .into_iter()
            .map(|claim| tokio::spawn(finish(store.clone(), claim)))
            .collect();
        for finished in finishing {
            finished.await.expect("a finish");
        }
    }
}

async fn finish(store: Store, claim: Claim) {
    let commit = Commit {
        finish: Some((claim.id, Finish::Done { result: None })),
        ..Commit::default()
    };
    assert_eq!(store.commit(commit).await.expect("a commit"), Committed::Done);
}

/// A row of each table, ready to be written.
struct Prepared {
    event: Event,
    intent: Intent,
    effect: [u8; 16],
    entry: SealedEntry,
    leaf: String,
    hash: [u8; 32],
}

/// Events per second of the bare transactions.
fn bare() -> f64 {
    let mut log = Frontier::default();
    let rows: Vec<Prepared> = (0..EVENTS).map(|n| prepare(n, &mut log)).collect();
    let head = log.to_bytes();
    let folder = tempfile::tempdir().expect("a folder");
    let connection = Connection::open(folder.path().join("bare.db")).expect("a database");
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .expect("WAL");
    connection
        .pragma_update(None, "synchronous", "FULL")
        .expect("FULL");
    connection
        .pragma_update(None, "wal_autocheckpoint", 4_096)
        .expect("as ours");
    connection
        .pragma_update(None, "cache_size", -16_384)
        .expect("as ours");
    connection
        .pragma_update(None, "secure_delete", true)
        .expect("as ours");
    for text in SCHEMA {
        connection.execute_batch(text).expect("the schema");
    }
    let started = Instant::now();
    for (n, together) in rows.chunks(PER_TRANSACTION).enumerate() {
        write(&connection, n * PER_TRANSACTION, together, &head).expect("a transaction");
    }
    EVENTS as f64 / started.elapsed().as_secs_f64()
}

fn prepare(n: usize, log: &mut Frontier) -> Prepared {
    let mut commit = commit(n);
    let entry = commit.audit.remove(0).seal(|| [0; 16]);
    let leaf = entry.leaf(n as u64);
    let hash = leaf_hash(leaf.as_bytes());
    log.push(hash);
    let mut effect = [0; 16];
    effect.copy_from_slice(&leaf_hash(&n.to_be_bytes())[..16]);
    Prepared {
        event: commit.event.expect("an event"),
        intent: commit.intents.remove(0),
        effect,
        entry,
        leaf,
        hash,
    }
}

fn write(connection: &Connection, first: usize, rows: &[Prepared], head: &[u8]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut inbox = connection.prepare_cached("INSERT INTO inbox VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut outbox = connection.prepare_cached(
        "INSERT INTO outbox (effect, source, event_id, step, queue, subject, body, state, created_ms, due_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8)",
    )?;
    let mut audit = connection.prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let now = 1_795_253_400_000 + first as i64;
    for (place, row) in rows.iter().enumerate() {
        let (event, intent, entry) = (&row.event, &row.intent, &row.entry);
        inbox.execute(params![event.source, event.id, now, event.body, event.answer])?;
        let key = &intent.effect;
        outbox.execute(params![
            row.effect,
            key.source,
            key.event,
            key.step,
            intent.queue,
            intent.subject,
            intent.body,
            now
        ])?;
        let index = (first + place) as i64;
        audit.execute(params![
            index,
            now,
            entry.action,
            entry.subject,
            row.hash,
            row.leaf
        ])?;
    }
    let size = (first + rows.len()) as i64;
    connection
        .prepare_cached("UPDATE audit_head SET size = ?1, frontier = ?2")?
        .execute(params![size, head])?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// Memory while a million events come in and are worked off.
async fn memory() {
    const STEP: usize = LONG / 20;
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let notary = Notary::open(store.clone(), folder.path())
        .await
        .expect("a notary");
    let mut resident = Vec::new();
    for from in (0..LONG).step_by(STEP) {
        let started = Instant::now();
        ingest(&store, from, from + STEP).await;
        work_off(&store, STEP).await;
        let rate = STEP as f64 / started.elapsed().as_secs_f64();
        notary.sign().await.expect("a signed log");
        resident.push(resident_mib());
        let now = resident.last().copied().unwrap_or_default();
        println!(
            "{:>9} events: {now:>6.1} MiB resident, {rate:.0} events/s in and out",
            from + STEP
        );
    }
    let (first, last) = (resident[0], resident[resident.len() - 1]);
    println!(
        "memory after {LONG} events to that after {STEP}: {:.2}",
        last / first
    );
    verify(&store, &notary).await;
}

/// The whole log verified, and one entry proven.
async fn verify(store: &Store, notary: &Notary) {
    let note = notary.sign().await.expect("a signed log");
    let keys = vec![notary.verifying_key().clone()];
    let notes = vec![note.clone()];
    let started = Instant::now();
    let found = store
        .verify_log(&Trust { keys, notes }, |_, _| {})
        .await
        .expect("a verdict");
    assert!(found.is_good(), "{found:?}");
    println!(
        "{} entries verified in {:.2} s, {:.1} MiB resident",
        found.verdict.entries,
        started.elapsed().as_secs_f64(),
        resident_mib()
    );
    let started = Instant::now();
    let evidence = store
        .evidence(found.verdict.entries / 3, &note)
        .await
        .expect("a database");
    println!(
        "one inclusion proof of {} hashes in {:.2} ms",
        evidence.map_or(0, |evidence| evidence.proof.len()),
        started.elapsed().as_secs_f64() * 1000.0
    );
}

/// Resident memory of this process, on Linux.
fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1_024.0)
}
