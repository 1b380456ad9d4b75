//! kill -9 under load: every accepted event ends as exactly one effect or one dead letter.
//!
//! `TRUNKLINE_KILLS` says how often (8 by default; the long form is 200), `TRUNKLINE_SEED` repeats the moments of a run whose seed was printed. The test with three processes over one
//! PostgreSQL runs when `TRUNKLINE_TEST_POSTGRES` is the URL of a server.

mod chain;
mod prompts;
mod sync;

use crate::{
    postgres::Database,
    receiver::{Receiver, Request},
    support::{run, stderr, stdout, trunkline, wait_for},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

/// Clients that send events.
const CLIENTS: u64 = 8;
/// Every so manieth event is refused by its receiver for good.
const POISON: u64 = 23;
/// Every so manieth event is sent twice on purpose.
const TWICE: u64 = 7;

#[test]
fn a_process_that_is_killed_loses_nothing_and_does_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    storm(folder.path(), 1, None);
}

#[test]
fn three_processes_over_one_database_that_are_killed_lose_nothing_and_do_nothing_twice() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    storm(folder.path(), 3, Some(database.url()));
}

#[test]
fn work_in_flight_of_a_killed_process_is_taken_up_by_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    take_over(folder.path(), None);
}

#[test]
fn work_in_flight_of_a_killed_process_is_taken_up_by_another_one() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    take_over(folder.path(), Some(database.url()));
}

/// Kills a process while it delivers; with a database, another one runs beside it, otherwise it is started again.
fn take_over(folder: &Path, database: Option<&str>) {
    let (sender, deliveries) = mpsc::channel();
    let sender = Mutex::new(sender);
    let first = AtomicBool::new(true);
    let receiver = Receiver::start(move |_| {
        lock(&sender).send(Instant::now()).unwrap();
        if first.swap(false, Ordering::Relaxed) {
            // It never answers the process that is killed.
            thread::sleep(Duration::from_secs(60));
        }
        200
    });
    configure(folder);
    add_endpoint(folder, database, &receiver.url());
    let mut service = Service::start(folder, 0, database);
    assert_eq!(post(&service.address, 1), Some(200));
    let patience = Duration::from_secs(10);
    deliveries.recv_timeout(patience).unwrap();
    let other = database.map(|url| Service::start(folder, 1, Some(url)));
    let killed = Instant::now();
    service.kill();
    let successor = other.unwrap_or_else(|| Service::start(folder, 0, None));
    let again = deliveries.recv_timeout(patience).unwrap();
    let took = again.duration_since(killed);
    eprintln!(
        "work in flight was taken up {} ms after kill -9",
        took.as_millis()
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
    settled(folder, database);
    assert_eq!(receiver.seen()["e-1"].len(), 1, "the same webhook-id");
    drop(successor);
}

fn kills() -> u32 {
    let asked = std::env::var("TRUNKLINE_KILLS").ok();
    asked.map_or(8, |kills| kills.parse().unwrap())
}

/// Kills processes of the service at random moments while events come in, and then counts.
fn storm(folder: &Path, processes: usize, database: Option<&str>) {
    let receiver = Receiver::start(|body| if body.contains("poison") { 500 } else { 200 });
    configure(folder);
    add_endpoint(folder, database, &receiver.url());
    let services: Vec<Mutex<Service>> = (0..processes)
        .map(|at| Mutex::new(Service::start(folder, at, database)))
        .collect();
    let over = AtomicBool::new(false);
    let next = AtomicU64::new(0);
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (services, over, next, acknowledged) = (&services, &over, &next, &acknowledged);
            scope.spawn(move || send_events(client, services, over, next, acknowledged));
        }
        let mut random = Random(0x5eed_0001);
        for _ in 0..kills() {
            thread::sleep(Duration::from_millis(random.below(400)));
            let victim = usize::try_from(random.below(processes as u64)).unwrap();
            let mut service = lock(&services[victim]);
            service.kill();
            *service = Service::start(folder, victim, database);
        }
        over.store(true, Ordering::Relaxed);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(
        acknowledged.len() > 100,
        "only {} events got through",
        acknowledged.len()
    );
    let info = settled(folder, database);
    judge(
        &acknowledged,
        &receiver.seen(),
        &info,
        &dead_letters(folder, database),
    );
    check_order(&deliveries(folder, database, "done"), &receiver.requests());
    drop(services);
    let verified = run_on(folder, database, &["audit", "verify"]);
    assert!(
        verified.status.success(),
        "{}{}",
        stdout(&verified),
        stderr(&verified)
    );
    eprintln!(
        "{} events acknowledged, {} kills of {processes} process(es), {} requests at the receiver",
        acknowledged.len(),
        kills(),
        receiver.seen().values().flat_map(BTreeMap::values).sum::<u64>()
    );
}

/// Every event: one effect under one id, or one dead letter.
fn judge(
    acknowledged: &BTreeSet<u64>,
    seen: &BTreeMap<String, BTreeMap<String, u64>>,
    info: &Value,
    dead: &BTreeSet<String>,
) {
    let count = |name: &str| info[name].as_u64().unwrap();
    assert_eq!(count("waiting") + count("held"), 0, "{info}");
    assert_eq!(count("events"), count("done") + count("dead"), "{info}");
    assert_eq!(count("dead"), dead.len() as u64);
    for event in acknowledged {
        let name = format!("e-{event}");
        assert_eq!(dead.contains(&name), event.is_multiple_of(POISON), "{name}");
        let ids = seen
            .get(&name)
            .unwrap_or_else(|| panic!("{name} was accepted, and lost"));
        assert_eq!(ids.len(), 1, "{name} became several effects: {ids:?}");
    }
    // What was delivered but whose sender never heard of it is fine; what nobody sent is not.
    assert!(seen.len() as u64 <= count("events"), "{} of {info}", seen.len());
}

/// Sends events until told to stop; each again and again until it is acknowledged.
fn send_events(
    client: u64,
    services: &[Mutex<Service>],
    over: &AtomicBool,
    next: &AtomicU64,
    acknowledged: &Mutex<BTreeSet<u64>>,
) {
    let mut random = Random(client + 1);
    while !over.load(Ordering::Relaxed) {
        let event = next.fetch_add(1, Ordering::Relaxed);
        let times = if event.is_multiple_of(TWICE) { 2 } else { 1 };
        for _ in 0..times {
            let given_up = Instant::now() + Duration::from_secs(60);
            loop {
                let service = &services[usize::try_from(random.below(services.len() as u64)).unwrap()];
                let address = lock(service).address.clone();
                if post(&address, event).is_some_and(|status| status == 200) {
                    break;
                }
                assert!(Instant::now() < given_up, "event {event} is not accepted");
                thread::sleep(Duration::from_millis(5));
            }
        }
        lock(acknowledged).insert(event);
    }
}

fn post(address: &str, event: u64) -> Option<u16> {
    let kind = if event.is_multiple_of(POISON) {
        "poison"
    } else {
        "plain"
    };
    // Events of one subject are delivered one after the other; the poisoned ones have subjects of their own.
    let subject = if kind == "poison" { event } else { event % 50 };
    let body = format!(r#"{{"eventId":"e-{event}","type":"{kind}","subject":"s-{subject}"}}"#);
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let request = format!(
        "POST /webhooks/load HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

fn configure(folder: &Path) {
    let text = r#"
        [serve]
        allow_hosts = ["127.0.0.1"]
        schedule = "50ms, 100ms"
        [[serve.source]]
        name = "load"
    "#;
    fs::write(folder.join("trunkline.toml"), text).unwrap();
}

fn add_endpoint(folder: &Path, database: Option<&str>, url: &str) {
    // The database is made by the first who needs it.
    let added = run_on(folder, database, &["webhooks", "endpoints", "add", url]);
    assert!(added.status.success(), "{}{}", stdout(&added), stderr(&added));
}

fn run_on(folder: &Path, database: Option<&str>, args: &[&str]) -> std::process::Output {
    let database = database.map(|url| ["--database", url]);
    let args: Vec<&str> = args
        .iter()
        .copied()
        .chain(database.into_iter().flatten())
        .collect();
    run(folder, &args)
}

/// What `store info` says once nothing waits any more. It may take long, but it must go on.
fn settled(folder: &Path, database: Option<&str>) -> Value {
    let mut finished = 0;
    let mut progress = Instant::now();
    loop {
        let output = run_on(folder, database, &["--json", "store", "info"]);
        let info: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let count = |name: &str| info[name].as_u64().unwrap();
        if count("waiting") + count("held") == 0 {
            return info;
        }
        if count("done") + count("dead") > finished {
            finished = count("done") + count("dead");
            progress = Instant::now();
        }
        assert!(
            progress.elapsed() < Duration::from_secs(20),
            "nothing goes on: {info}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

fn dead_letters(folder: &Path, database: Option<&str>) -> BTreeSet<String> {
    let letters = deliveries(folder, database, "dead");
    let events: BTreeSet<String> = letters.iter().map(event_of).collect();
    assert_eq!(events.len(), letters.len(), "twice: {letters:?}");
    events
}

fn event_of(delivery: &Value) -> String {
    delivery["event"].as_str().unwrap().to_owned()
}

/// All deliveries in this state, newest first.
fn deliveries(folder: &Path, database: Option<&str>, state: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut before = i64::MAX.to_string();
    loop {
        let args = [
            "--json", "webhooks", "list", "--state", state, "--limit", "1000", "--before", &before,
        ];
        let output = run_on(folder, database, &args);
        let page: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let page = page["deliveries"].as_array().unwrap();
        let Some(last) = page.last() else {
            return all;
        };
        before = last["id"].to_string();
        all.extend_from_slice(page);
    }
}

/// Events of one subject come for the first time in the order they were accepted, whoever was killed meanwhile.
fn check_order(done: &[Value], requests: &[Request]) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (at, request) in requests.iter().enumerate() {
        first.entry(request.event()).or_insert(at);
    }
    let mut lines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for delivery in done.iter().rev() {
        let subject = delivery["subject"].as_str().unwrap().to_owned();
        lines.entry(subject).or_default().push(first[&event_of(delivery)]);
    }
    assert!(lines.values().any(|line| line.len() > 2), "nothing to order");
    for (subject, line) in lines {
        assert!(line.is_sorted(), "{subject}: {line:?}");
    }
}

/// A running `trunkline serve`.
struct Service {
    process: Child,
    address: String,
}

impl Service {
    fn start(folder: &Path, number: usize, database: Option<&str>) -> Self {
        Self::start_with(folder, number, database, &[])
    }

    fn start_with(folder: &Path, number: usize, database: Option<&str>, more: &[&str]) -> Self {
        let file = format!("serve-{number}.env");
        let _ = fs::remove_file(folder.join(&file));
        let database = database.map(|url| ["--database", url]);
        let process = trunkline(folder)
            .args(["serve", "--listen", "127.0.0.1:0", "--env-file", &file])
            .args(database.into_iter().flatten())
            .args(more)
            .envs([("CLIENT_ID", "storm"), ("CLIENT_SECRET", "a-secret-of-the-storm")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let text = wait_for("the environment file", || {
            fs::read_to_string(folder.join(&file)).ok()
        });
        let url = text
            .lines()
            .find_map(|line| line.strip_prefix("TRUNKLINE_SERVE_URL="));
        let address = url.unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { process, address }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Numbers that a seed decides (xorshift).
struct Random(u64);

impl Random {
    /// Other numbers in every run, or those of the seed in `TRUNKLINE_SEED`; the seed is printed.
    fn new() -> Self {
        let asked = std::env::var("TRUNKLINE_SEED").ok();
        let now = UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let seed = asked.map_or(now, |seed| seed.parse().unwrap()).max(1);
        eprintln!("TRUNKLINE_SEED={seed} repeats the moments of the kills");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
