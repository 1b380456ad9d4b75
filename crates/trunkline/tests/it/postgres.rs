//! Databases of a PostgreSQL server that `TRUNKLINE_TEST_POSTGRES` names.

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

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
