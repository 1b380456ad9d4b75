//! kill -9 through the whole chain of follow-up, on both sides: every accepted completion with a low score ends as one task and one
//! notification, every other as none.

use super::{Random, Service, kills, lock, run_on};
use crate::{
    postgres::Database,
    support::{stderr, stdout, trunkline, wait_for},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Clients that send completions.
const CLIENTS: u64 = 4;
/// Interactions that the platform has; the clients stop when all are over.
const INTERACTIONS: u64 = 6_000;

#[test]
fn follow_ups_survive_kills_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    storm(folder.path(), 1, None);
}

#[test]
fn follow_ups_of_three_processes_over_one_database_survive_kills_on_both_sides() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    storm(folder.path(), 3, Some(database.url()));
}

#[test]
fn follow_ups_survive_kills_of_a_service_with_the_center_in_it() {
    let folder = tempfile::tempdir().unwrap();
    storm_within(folder.path(), 1, None);
}

#[test]
fn follow_ups_survive_kills_of_three_services_with_centers_in_them() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    storm_within(folder.path(), 3, Some(database.url()));
}

/// Kills a center in a process of its own, and services that speak to it.
fn storm(folder: &Path, processes: usize, database: Option<&str>) {
    let platform = Mutex::new(Platform::start(&folder.join("platform")));
    let url = lock(&platform).url();
    let acknowledged = kill_under_load(folder, processes, database, &["--platform", &url], || {
        lock(&platform).kill_and_start();
    });
    let data = folder.join("platform/trunkline-data/trunkline.db");
    judge(&acknowledged, &Kept::Sqlite(data));
    verify(folder, database);
}

/// Kills services with the center in them, so that both sides go at once.
fn storm_within(folder: &Path, processes: usize, database: Option<&str>) {
    Platform::prepare(folder);
    let tenant = ["--tenant", "tenant.toml", "--limits", "off"];
    let acknowledged = kill_under_load(folder, processes, database, &tenant, || {});
    let data = folder.join("trunkline-data/trunkline.db");
    let kept = database.map_or(Kept::Sqlite(data), |url| Kept::Postgres(url.to_owned()));
    judge(&acknowledged, &kept);
    verify(folder, database);
}

fn verify(folder: &Path, database: Option<&str>) {
    let verified = run_on(folder, database, &["audit", "verify"]);
    assert!(
        verified.status.success(),
        "{}{}",
        stdout(&verified),
        stderr(&verified)
    );
}

/// Kills services at random moments while completions come in, and `other` every third time; gives what was acknowledged, once all
/// of it is followed up.
fn kill_under_load(
    folder: &Path,
    processes: usize,
    database: Option<&str>,
    more: &[&str],
    other: impl Fn(),
) -> BTreeSet<u64> {
    fs::write(folder.join("trunkline.toml"), CONFIGURATION).unwrap();
    fs::write(folder.join("rules.toml"), RULES).unwrap();
    let more = [more, &["--rules", "rules.toml"]].concat();
    let start = |at| Service::start_with(folder, at, database, &more);
    let services: Vec<Mutex<Service>> = (0..processes).map(|at| Mutex::new(start(at))).collect();
    let over = AtomicBool::new(false);
    let next = AtomicU64::new(0);
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (services, over, next, acknowledged) = (&services, &over, &next, &acknowledged);
            scope.spawn(move || send(client, services, over, next, acknowledged));
        }
        let mut random = Random(0x5eed_0002);
        for number in 0..kills() {
            thread::sleep(Duration::from_millis(random.below(400)));
            if number % 3 == 2 {
                other();
            }
            let victim = usize::try_from(random.below(processes as u64)).unwrap();
            let mut service = lock(&services[victim]);
            service.kill();
            *service = start(victim);
        }
        over.store(true, Ordering::Relaxed);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(
        acknowledged.len() > 50,
        "only {} completions got through",
        acknowledged.len()
    );
    settled(folder, database);
    eprintln!(
        "{} completions acknowledged, {} kills of {processes} process(es)",
        acknowledged.len(),
        kills()
    );
    acknowledged
}

/// One task and one notification for each low score, nothing for the others, and nothing that nobody sent.
fn judge(acknowledged: &BTreeSet<u64>, kept: &Kept) {
    let (tasks, told) = (kept.tasks(), kept.told());
    for number in acknowledged {
        let name = format!("int-{number}");
        let wanted = usize::from(is_low(*number));
        assert_eq!(
            tasks.get(&name).copied().unwrap_or_default(),
            wanted,
            "tasks of {name}"
        );
        assert_eq!(
            told.get(&name).copied().unwrap_or_default(),
            wanted,
            "notifications of {name}"
        );
    }
    assert!(tasks.values().chain(told.values()).all(|count| *count == 1));
}

/// Scores are 1 to 5 by turns, and 1 to 3 make a task.
fn is_low(interaction: u64) -> bool {
    interaction % 5 < 3
}

fn send(
    client: u64,
    services: &[Mutex<Service>],
    over: &AtomicBool,
    next: &AtomicU64,
    acknowledged: &Mutex<BTreeSet<u64>>,
) {
    let mut random = Random(client + 1);
    while !over.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= INTERACTIONS {
            return;
        }
        let times = if number.is_multiple_of(7) { 2 } else { 1 };
        for _ in 0..times {
            let given_up = Instant::now() + Duration::from_secs(60);
            loop {
                let service = &services[usize::try_from(random.below(services.len() as u64)).unwrap()];
                let address = lock(service).address.clone();
                if complete(&address, number) == Some(200) {
                    break;
                }
                assert!(Instant::now() < given_up, "completion {number} is not accepted");
                thread::sleep(Duration::from_millis(5));
            }
        }
        lock(acknowledged).insert(number);
        // Not faster than the work is done, or the end is waited for too long.
        thread::sleep(Duration::from_millis(10));
    }
}

fn complete(address: &str, number: u64) -> Option<u16> {
    let body = format!(r#"{{"interactionId":"int-{number}","agentId":"agent-1"}}"#);
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let request = format!(
        "POST /webhooks/interaction-completed HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Waits until every interaction is followed up; it may take long, but it must go on. Nothing may have failed for good.
fn settled(folder: &Path, database: Option<&str>) {
    let mut finished = 0;
    let mut progress = Instant::now();
    loop {
        let output = run_on(folder, database, &["--json", "store", "info"]);
        let info: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(info["dead"], 0, "{info}");
        let open = open_steps(folder, database);
        if open == 0 {
            return;
        }
        let done = info["done"].as_u64().unwrap();
        if done > finished {
            finished = done;
            progress = Instant::now();
        }
        assert!(
            progress.elapsed() < Duration::from_secs(30),
            "nothing goes on: {open} steps of {info}"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

/// How many interactions are not followed up yet.
fn open_steps(folder: &Path, database: Option<&str>) -> usize {
    let (mut open, mut before) = (0, i64::MAX.to_string());
    loop {
        let list = ["--json", "tasks", "list", "--limit", "1000", "--before", &before];
        let page: Value = serde_json::from_str(&stdout(&run_on(folder, database, &list))).unwrap();
        let stories = page["interactions"].as_array().unwrap();
        let is_open = |story: &&Value| matches!(story["state"].as_str(), Some("under_way" | "retrying"));
        open += stories.iter().filter(is_open).count();
        if stories.len() < 1000 {
            return open;
        }
        before = page["before"].to_string();
    }
}

const CONFIGURATION: &str = r#"
    [serve]
    schedule = "50ms, 100ms, 200ms, 500ms, 1s, 1s, 1s, 2s, 2s, 5s, 5s, 5s"
"#;

const RULES: &str = r#"
    name = "Storm"
    [field.score]
    form = "overall_satisfaction"
    kind = "number"
    [[rule]]
    name = "low"
    when = "score < 4"
    [[rule.task]]
    due = "1 day"
    subject = "Follow up {interaction_id}"
    [[rule]]
    name = "high"
"#;

/// A center in a process of its own, always at the same address.
struct Platform {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Platform {
    fn start(folder: &Path) -> Self {
        Self::prepare(folder);
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self {
            process: Self::spawn(folder, port),
            folder: folder.to_owned(),
            port,
        }
    }

    /// Writes the tenant.
    fn prepare(folder: &Path) {
        fs::create_dir_all(folder.join("prompts")).unwrap();
        let sound = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/prompts/invalid.wav");
        fs::copy(sound, folder.join("prompts/invalid.wav")).unwrap();
        fs::write(folder.join("tenant.toml"), tenant()).unwrap();
    }

    fn spawn(folder: &Path, port: u16) -> Child {
        let _ = fs::remove_file(folder.join("center.env"));
        let mut process = trunkline(folder)
            .args([
                "center",
                "--tenant",
                "tenant.toml",
                "--limits",
                "off",
                "--env-file",
                "center.env",
            ])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the center", || {
            assert!(process.try_wait().unwrap().is_none(), "the center ended");
            folder.join("center.env").exists().then_some(())
        });
        process
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn kill_and_start(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = Self::spawn(&self.folder, self.port);
    }
}

/// What a center has kept.
enum Kept {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Kept {
    /// How many tasks each interaction has.
    fn tasks(&self) -> BTreeMap<String, usize> {
        self.count("task", |task| task["interactionId"].as_str().map(str::to_owned))
    }

    /// How many notifications name each interaction.
    fn told(&self) -> BTreeMap<String, usize> {
        self.count("desk-event", |event| {
            let message = event["notification"]["message"].as_str()?;
            message.rsplit(' ').next().map(str::to_owned)
        })
    }

    fn count(&self, kind: &str, of: impl Fn(&Value) -> Option<String>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for body in self.bodies(kind) {
            let body: Value = serde_json::from_str(&body).unwrap();
            if let Some(name) = of(&body) {
                *counts.entry(name).or_default() += 1;
            }
        }
        counts
    }

    fn bodies(&self, kind: &str) -> Vec<String> {
        match self {
            Self::Sqlite(file) => {
                let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
                let mut rows = database
                    .prepare("SELECT body FROM records WHERE kind = ?1")
                    .unwrap();
                let bodies = rows.query_map([kind], |row| row.get(0)).unwrap();
                bodies.map(Result::unwrap).collect()
            }
            Self::Postgres(url) => {
                let query = format!("SELECT body FROM records WHERE kind = '{kind}'");
                let asked = Command::new("psql")
                    .args([url.as_str(), "-At", "-c", &query])
                    .output()
                    .unwrap();
                assert!(asked.status.success());
                stdout(&asked).lines().map(str::to_owned).collect()
            }
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tenant() -> String {
    let mut tenant = r#"
        name = "Storm"
        [[client]]
        id = "storm"
        secret = "a-secret-of-the-storm"
        scopes = "all"
        [announcements]
        apology = "invalid"
        operator = "ext:operator"
        operatorGreeting = "invalid"
        agentGreeting = "invalid"
        [[agent]]
        id = "agent-1"
        name = "Avery"
    "#
    .to_owned();
    for number in 0..INTERACTIONS {
        tenant.push_str(&format!(
            "\n[[interaction]]\nid = \"int-{number}\"\nagentId = \"agent-1\"\n\
             responses = [{{ fieldName = \"overall_satisfaction\", value = \"{}\" }}]\n",
            number % 5 + 1
        ));
    }
    tenant
}
