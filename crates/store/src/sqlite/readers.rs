//! A few connections that only read, on threads that may block.

use super::{connect, fault};
use crate::Error;
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};

/// The most reads at once.
const MOST: u32 = 4;
/// How long a reader waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The way to the connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path: Arc::new(path),
            idle: Arc::default(),
            turns: Arc::new(Semaphore::new(MOST as usize)),
        }
    }

    /// Reads on one of the connections.
    pub(super) async fn read<T, F>(&self, act: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Error::unavailable("too many reads wait"))?;
        let turn = turn.map_err(|_| fault::closed())?;
        let readers = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            readers.read_now(act)
        });
        read.await.unwrap_or_else(|_| Err(fault::closed()))
    }

    fn read_now<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect::reader(&self.path)?,
        };
        let given = act(&connection).map_err(|fault| fault::error(&fault));
        self.idle().push(connection);
        given
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the reads under way, lets no more in, and closes the connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.turns.acquire_many(MOST).await {
            all.forget();
        }
        self.turns.close();
        self.idle().clear();
    }
}
