//! How near the store on PostgreSQL comes to bare statements on the same server, in the same run.
//!
//! `TRUNKLINE_TEST_POSTGRES=postgres://... cargo bench -p trunkline-store --bench store_postgres`
//!
//! Claims: four workers claim 16 items and finish each of them, until none is left. Beside it the bare statements on
//! copies of the same rows, on four connections: claim 16 with SKIP LOCKED (an UPDATE), and then, as the work is done
//! by then, mark or delete them. The last line is what no queue can do whose work takes time: all in one transaction
//! that is never left. Ingest: an event with an effect and an audit entry per commit. Beside it one connection that
//! inserts the same rows, 50 in a transaction.

#![allow(clippy::expect_used, clippy::panic)]

use audit::{Actor, Entry, Outcome};
use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};
use store::{Commit, Committed, EffectKey, Event, Finish, Intent, Location, Store};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

const ITEMS: u64 = 20_000;
const CLAIM: usize = 16;
const WORKERS: usize = 4;
const BODY: usize = 400;

#[tokio::main]
async fn main() {
    let Ok(url) = env::var("TRUNKLINE_TEST_POSTGRES") else {
        println!("TRUNKLINE_TEST_POSTGRES is not set: nothing is measured");
        return;
    };
    let admin = connect(&url).await;
    let name = format!("bench_{}", std::process::id());
    admin
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .expect("the server makes databases");
    let url = with_database(&url, &name);
    let store = Store::open(&Location::Postgres(url.clone()))
        .await
        .expect("opens");
    let bare = connect(&url).await;

    let one = ingest(&store, 1, ITEMS / 20).await;
    println!("ingest,  1 client:  {one:>8.0} events/s");
    let sixteen = ingest(&store, 16, ITEMS / 4).await;
    let many = ingest(&store, 64, ITEMS).await;
    let bare_rows = bare_ingest(&bare, ITEMS).await;
    println!(
        "ingest, 16 clients: {sixteen:>8.0} events/s, {:.2} of bare 50-row transactions",
        sixteen / bare_rows
    );
    println!(
        "ingest, 64 clients: {many:>8.0} events/s, {:.2} of bare 50-row transactions",
        many / bare_rows
    );
    println!("bare, 50 a transaction: {bare_rows:>4.0} events/s");

    let count = store.counts().await.expect("counts").waiting;
    let marked = bare_loop(&bare, &url, "bare_mark", &Bare::MARK).await;
    let deleted = bare_loop(&bare, &url, "bare_delete", &Bare::DELETE).await;
    let at_once = bare_loop(&bare, &url, "bare_once", &Bare::AT_ONCE).await;
    let claims = claims(&store, count).await;
    println!("claim, finish:            {claims:>8.0} items/s");
    for (name, bare) in [
        ("claim, mark:  ", marked),
        ("claim, delete:", deleted),
        ("one transaction:", at_once),
    ] {
        println!(
            "bare {name:<20} {bare:>8.0} items/s; ours is {:.2} of it",
            claims / bare
        );
    }

    store.close().await;
    drop(bare);
    admin
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .expect("the server drops databases");
}

/// Commits so many events by so many clients; gives events per second.
async fn ingest(store: &Store, clients: u64, events: u64) -> f64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..events / clients {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let committed = store.commit(event(number)).await.expect("commits");
                assert_eq!(committed, Committed::Done);
            }
        });
    }
    tasks.join_all().await;
    rate(events, started)
}

fn event(number: u64) -> Commit {
    let id = format!("event-{number}");
    Commit {
        event: Some(Event {
            source: "bench".into(),
            id: id.clone(),
            body: "x".repeat(BODY),
            answer: String::new(),
        }),
        intents: vec![Intent {
            effect: EffectKey {
                source: "bench".into(),
                event: id.clone(),
                step: "task".into(),
            },
            queue: "bench".into(),
            subject: None,
            body: "x".repeat(BODY),
            after: Duration::ZERO,
        }],
        audit: vec![Entry {
            at: jiff::Timestamp::try_from(SystemTime::now())
                .expect("after 1970")
                .into(),
            actor: Actor::Service,
            action: "event.accepted".into(),
            subject: Some(id),
            correlation: None,
            outcome: Outcome::Success,
            detail: serde_json::Map::new(),
            personal: Vec::new(),
        }],
        ..Commit::default()
    }
}

/// Claims and finishes all items that are due.
async fn claims(store: &Store, items: u64) -> f64 {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..WORKERS {
        let store = store.clone();
        tasks.spawn(async move {
            let worker = store.join().await.expect("joins");
            loop {
                let claims = worker.claim("bench", CLAIM).await.expect("claims");
                if claims.is_empty() {
                    return;
                }
                let mut finishes = JoinSet::new();
                for claim in claims {
                    let store = store.clone();
                    let finish = Some((claim.id, Finish::Done { result: None }));
                    finishes.spawn(async move {
                        let commit = Commit {
                            finish,
                            ..Commit::default()
                        };
                        store.commit(commit).await
                    });
                }
                for finished in finishes.join_all().await {
                    assert_eq!(finished.expect("finishes"), Committed::Done);
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(store.counts().await.expect("counts").done, items);
    rate(items, started)
}

/// What is run in a loop; `TABLE` is the table.
struct Bare {
    take: &'static str,
    then: &'static str,
    in_one_transaction: bool,
}

impl Bare {
    const CLAIM: &str = "WITH next AS MATERIALIZED (
            SELECT id FROM TABLE WHERE queue = 'bench' AND state = 0 AND due_ms <= 9e18::bigint
             ORDER BY due_ms, id LIMIT 16 FOR UPDATE SKIP LOCKED)
        UPDATE TABLE SET state = 2 FROM next WHERE TABLE.id = next.id RETURNING TABLE.*";
    const MARK: Self = Self {
        take: Self::CLAIM,
        then: "UPDATE TABLE SET state = 3, finished_ms = 0 WHERE id = ANY ($1)",
        in_one_transaction: false,
    };
    const DELETE: Self = Self {
        take: Self::CLAIM,
        then: "DELETE FROM TABLE WHERE id = ANY ($1)",
        in_one_transaction: false,
    };
    const AT_ONCE: Self = Self {
        take: "SELECT * FROM TABLE WHERE queue = 'bench' AND state = 0 AND due_ms <= 9e18::bigint
                ORDER BY due_ms, id LIMIT 16 FOR UPDATE SKIP LOCKED",
        then: "DELETE FROM TABLE WHERE id = ANY ($1)",
        in_one_transaction: true,
    };
}

/// Runs the statements on a copy of the rows, from four connections, until none is left.
async fn bare_loop(client: &Client, url: &str, table: &str, bare: &'static Bare) -> f64 {
    client
        .batch_execute(&format!(
            "CREATE TABLE {table} (LIKE outbox INCLUDING ALL);
             INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM outbox"
        ))
        .await
        .expect("copies");
    let mut clients = Vec::new();
    for _ in 0..WORKERS {
        clients.push(connect(url).await);
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(drain(client, bare, table.to_owned()));
    }
    let items: u64 = tasks.join_all().await.into_iter().sum();
    rate(items, started)
}

async fn drain(client: Client, bare: &Bare, table: String) -> u64 {
    let take = client
        .prepare(&bare.take.replace("TABLE", &table))
        .await
        .expect("prepares");
    let then = client
        .prepare(&bare.then.replace("TABLE", &table))
        .await
        .expect("prepares");
    let transaction = async |verb| {
        if bare.in_one_transaction {
            client.batch_execute(verb).await.expect("is a transaction");
        }
    };
    let mut items = 0;
    loop {
        transaction("BEGIN").await;
        let rows = client.query(&take, &[]).await.expect("claims");
        if rows.is_empty() {
            return items;
        }
        items += rows.len() as u64;
        let ids: Vec<i64> = rows.iter().map(|row| row.get("id")).collect();
        client.execute(&then, &[&ids]).await.expect("finishes");
        transaction("COMMIT").await;
    }
}

/// Inserts the rows of so many events, 50 events in a transaction.
async fn bare_ingest(client: &Client, events: u64) -> f64 {
    client
        .batch_execute(
            "CREATE TABLE bare_inbox (LIKE inbox INCLUDING ALL); CREATE TABLE bare_outbox (LIKE outbox INCLUDING ALL);
             CREATE TABLE bare_audit (LIKE audit_pending INCLUDING ALL)",
        )
        .await
        .expect("makes tables");
    let prepare = async |text| client.prepare(text).await.expect("prepares");
    let inbox = prepare("INSERT INTO bare_inbox VALUES ('bench', $1, 0, $2, '')").await;
    let outbox = prepare(
        "INSERT INTO bare_outbox (effect, source, event_id, step, queue, body, state, created_ms, due_ms)
         VALUES (decode(md5($1), 'hex'), 'bench', $1, 'task', 'bench', $2, 0, 0, 0)",
    )
    .await;
    let audit = prepare(
        "INSERT INTO bare_audit (body, at_ms, action, subject, texts) VALUES ($2, 0, 'event.accepted', $1, '[]')",
    )
    .await;
    let body = "x".repeat(BODY);
    let started = Instant::now();
    for batch in 0..events / 50 {
        client.batch_execute("BEGIN").await.expect("begins");
        for number in 0..50 {
            let id = format!("event-{}", batch * 50 + number);
            for statement in [&inbox, &outbox, &audit] {
                client.execute(statement, &[&id, &body]).await.expect("inserts");
            }
        }
        client.batch_execute("COMMIT").await.expect("commits");
    }
    rate(events, started)
}

fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client
}

/// The URL of another database of the same server.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let server = base.rfind('/').map_or(base, |slash| &base[..slash]);
    format!("{server}/{name}?{query}")
}
