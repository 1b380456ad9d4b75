//! A database of its own for each test.

use store::{Clock, Location, Settings, Store};

/// A database that nobody else uses; gone when dropped.
pub(crate) struct Database {
    location: Location,
    #[allow(dead_code)] // Held for its drop.
    folder: Option<tempfile::TempDir>,
    #[cfg(feature = "postgres")]
    #[allow(dead_code)] // Held for its drop.
    server: Option<crate::postgres::server::Database>,
}

/// A point in time at which steered clocks begin: 2026-11-21 09:30 UTC.
pub(crate) const START_MS: i64 = 1_795_253_400_000;

impl Database {
    /// A SQLite file in a new folder.
    pub(crate) async fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self {
            location: Location::Sqlite(folder.path().join("trunkline.db")),
            folder: Some(folder),
            #[cfg(feature = "postgres")]
            server: None,
        })
    }

    /// A new database of the server that `TRUNKLINE_TEST_POSTGRES` names by its URL; `None` without it.
    #[cfg(feature = "postgres")]
    pub(crate) async fn postgres() -> Option<Self> {
        let server = crate::postgres::server::Database::new().await?;
        Some(Self {
            location: Location::Postgres(server.url.clone()),
            folder: None,
            server: Some(server),
        })
    }

    /// Opens it once more; each is like a process of its own.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }

    /// Opens it with a steered clock.
    pub(crate) async fn open_at(&self, clock: &Clock) -> Store {
        let settings = Settings {
            clock: clock.clone(),
            ..Settings::default()
        };
        Store::open_with(&self.location, settings).await.unwrap()
    }
}
