//! Connections, and patience with them.

use super::{
    settings::{CONNECT, Settings},
    trouble::{ATTEMPT, Advice, Trouble},
};
use crate::Error;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio_postgres::{Row, Statement, types::ToSql};

/// The most connections of a process for its work.
pub(super) const CONNECTIONS: usize = 8;
/// How long an operation tries before it says that the database is gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The first wait before another attempt, and the longest; it doubles in between.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// What a statement is given.
pub(super) type Given<'a> = &'a (dyn ToSql + Sync);

/// Where connections come from.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
}

/// A connection for one attempt. It goes back into the pool only by [`Session::done`]: one that was left in the
/// middle of something is closed, and the server rolls back.
pub(super) struct Session {
    connection: Option<Object>,
}

impl Connections {
    pub(super) fn new(settings: Settings, most: usize) -> Result<Self, Error> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(settings.config, settings.tls, recycling);
        let pool = Pool::builder(manager)
            .max_size(most)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(CONNECT))
            .wait_timeout(Some(ATTEMPT))
            .recycle_timeout(Some(CONNECT))
            .build()
            .map_err(Error::failed)?;
        Ok(Self { pool })
    }

    pub(super) async fn session(&self) -> Result<Session, Trouble> {
        Ok(Session {
            connection: Some(self.pool.get().await?),
        })
    }

    /// Does the work on a connection, and again on another one while that may help, as long as patience lasts. So the
    /// work must be such that doing it twice is as good as once.
    pub(super) async fn patiently<T, F>(&self, work: impl Fn(Session) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut patience = Patience::new(PATIENCE);
        loop {
            let attempt = async { work(self.session().await?).await };
            match patience.bound(attempt).await {
                Ok(value) => return Ok(value),
                Err(trouble) => patience.after(trouble).await?,
            }
        }
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// How much longer an operation tries.
pub(super) struct Patience {
    until: Instant,
    wait: Duration,
}

impl Patience {
    pub(super) fn new(lasts: Duration) -> Self {
        Self {
            until: Instant::now() + lasts,
            wait: FIRST_WAIT,
        }
    }

    /// An attempt within its bound.
    pub(super) async fn bound<T>(
        &self,
        attempt: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let left = self.until.saturating_duration_since(Instant::now());
        tokio::time::timeout(left.min(ATTEMPT), attempt)
            .await
            .unwrap_or(Err(Trouble::Silent))
    }

    /// Waits before the next attempt, or says that there is none.
    pub(super) async fn after(&mut self, trouble: Trouble) -> Result<(), Error> {
        if trouble.advice() == Advice::GiveUp || Instant::now() + self.wait >= self.until {
            return Err(trouble.into_error());
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

impl Session {
    /// The statement, prepared once per connection.
    pub(super) async fn prepare(&self, text: &str) -> Result<Statement, Trouble> {
        Ok(self.connection()?.prepare_cached(text).await?)
    }

    pub(super) async fn query(&self, text: &str, given: &[Given<'_>]) -> Result<Vec<Row>, Trouble> {
        let statement = self.prepare(text).await?;
        Ok(self.connection()?.query(&statement, given).await?)
    }

    pub(super) async fn query_opt(&self, text: &str, given: &[Given<'_>]) -> Result<Option<Row>, Trouble> {
        Ok(self.query(text, given).await?.into_iter().next())
    }

    /// Gives how many rows it concerned.
    pub(super) async fn execute(&self, text: &str, given: &[Given<'_>]) -> Result<u64, Trouble> {
        let statement = self.prepare(text).await?;
        Ok(self.connection()?.execute(&statement, given).await?)
    }

    /// Statements without parameters, as they are.
    pub(super) async fn run(&self, text: &str) -> Result<(), Trouble> {
        Ok(self.connection()?.batch_execute(text).await?)
    }

    pub(super) fn connection(&self) -> Result<&Object, Trouble> {
        self.connection.as_ref().ok_or(Trouble::Silent)
    }

    /// The connection is as it came: it can serve others.
    pub(super) fn done(mut self) {
        self.connection = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}
