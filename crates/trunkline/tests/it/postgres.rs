//! Databases of a PostgreSQL server that `TRUNKLINE_TEST_POSTGRES` names.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database of its own, gone at the end of the test.
pub(crate) struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    /// A new database; `None`, said aloud, when no server is named.
    pub(crate) fn new() -> Option<Self> {
        let Ok(server) = std::env::var("TRUNKLINE_TEST_POSTGRES") else {
            eprintln!("skipped: TRUNKLINE_TEST_POSTGRES does not name a PostgreSQL server");
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trunkline_it_{}_{number}", std::process::id());
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}{}{query}", if query.is_empty() { "" } else { "?" });
        let database = Self { server, name, url };
        assert!(database.ask(&format!("CREATE DATABASE {}", database.name)));
        Some(database)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn ask(&self, statement: &str) -> bool {
        let asked = Command::new("psql")
            .args([self.server.as_str(), "-q", "-c", statement])
            .status();
        asked.unwrap().success()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.ask(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The lines that a query gives.
pub(crate) fn rows(url: &str, query: &str) -> Vec<String> {
    let output = Command::new("psql")
        .args([url, "-qAt", "-c", query])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{query}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// A server of a test's own, that it may kill.
pub(crate) struct Cluster {
    folder: TempDir,
    pub(crate) url: String,
}

impl Cluster {
    /// `None`, said aloud, where tests are to do without PostgreSQL.
    pub(crate) fn start() -> Option<Self> {
        Database::new()?;
        let folder = tempfile::tempdir().unwrap();
        let url = script("start", &folder);
        Some(Self { folder, url })
    }

    /// As a loss of power would.
    pub(crate) fn kill(&self) {
        script("kill", &self.folder);
    }

    pub(crate) fn start_again(&self) {
        assert_eq!(script("start", &self.folder), self.url);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        script("kill", &self.folder);
    }
}

fn script(command: &str, folder: &TempDir) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/postgres/cluster.sh");
    let output = Command::new(script)
        .arg(command)
        .arg(folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
