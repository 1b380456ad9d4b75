//! Who gets an event: the endpoints, known for a second.

use crate::{Endpoint, Endpoints};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long the list counts before it is read anew: a new endpoint gets the events from a second after it was added.
const FRESH: Duration = Duration::from_secs(1);

/// The endpoints as they were at most a second ago, so that an event costs no read of its own.
pub struct Subscribers {
    endpoints: Endpoints,
    known: Mutex<Known>,
}

/// What the last reading came to.
#[derive(Default)]
struct Known {
    /// When it ended.
    asked: Option<Instant>,
    /// The newest list there is.
    endpoints: Option<Arc<Vec<Endpoint>>>,
    /// Why the last reading failed.
    failure: Option<Arc<store::Error>>,
}

impl Subscribers {
    /// The subscribers among these endpoints.
    pub fn new(endpoints: Endpoints) -> Self {
        Self {
            endpoints,
            known: Mutex::default(),
        }
    }

    /// The endpoints. Requests that come while they are read wait for the one reading, and share what it comes to: if it
    /// fails, the list that was known before. Whether the database works decides the commit.
    pub async fn current(&self) -> Result<Arc<Vec<Endpoint>>, Arc<store::Error>> {
        current(&self.known, self.endpoints.list()).await
    }
}

async fn current(
    known: &Mutex<Known>,
    reading: impl Future<Output = Result<Vec<Endpoint>, store::Error>>,
) -> Result<Arc<Vec<Endpoint>>, Arc<store::Error>> {
    let mut known = known.lock().await;
    if known.asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
        match reading.await {
            Ok(endpoints) => {
                known.endpoints = Some(Arc::new(endpoints));
                known.failure = None;
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the endpoints can't be read"
                );
                known.failure = Some(Arc::new(error));
            }
        }
        known.asked = Some(Instant::now());
    }
    match (&known.endpoints, &known.failure) {
        (None, Some(failure)) => Err(failure.clone()),
        (endpoints, _) => Ok(endpoints.clone().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{join, time::sleep};

    /// A database that hangs until the request is given up.
    async fn hanging() -> Result<Vec<Endpoint>, store::Error> {
        sleep(Duration::from_secs(10)).await;
        Err(store::Error::Full)
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_for_a_hanging_database_share_one_failure() {
        let known = Mutex::default();
        let asked = Instant::now();
        let (one, other, third) = join!(
            current(&known, hanging()),
            current(&known, hanging()),
            current(&known, hanging())
        );
        assert!(one.is_err() && other.is_err() && third.is_err());
        assert_eq!(asked.elapsed().as_secs(), 10);

        sleep(FRESH).await;
        assert!(current(&known, async { Ok(Vec::new()) }).await.is_ok());
        sleep(FRESH).await;
        let (one, other) = join!(current(&known, hanging()), current(&known, hanging()));
        assert!(one.is_ok() && other.is_ok(), "as it was known before");
        assert_eq!(asked.elapsed().as_secs(), 22);
    }
}
