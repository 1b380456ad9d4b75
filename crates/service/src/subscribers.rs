//! Who gets an event: the endpoints, known for a second.

use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};
use webhooks::{Endpoint, Endpoints};

/// How long the list counts before it is read anew: a new endpoint gets the events from a second after it was added.
const FRESH: Duration = Duration::from_secs(1);

/// The endpoints as they were at most a second ago, so that an event costs no read of its own.
pub(crate) struct Subscribers {
    endpoints: Endpoints,
    known: Mutex<Option<(Instant, Arc<Vec<Endpoint>>)>>,
}

impl Subscribers {
    pub(crate) fn new(endpoints: Endpoints) -> Self {
        Self {
            endpoints,
            known: Mutex::default(),
        }
    }

    /// The endpoints. Requests that come while they are read wait for the one reading.
    pub(crate) async fn current(&self) -> Result<Arc<Vec<Endpoint>>, store::Error> {
        let mut known = self.known.lock().await;
        if let Some((read, endpoints)) = &*known
            && read.elapsed() < FRESH
        {
            return Ok(endpoints.clone());
        }
        let endpoints = Arc::new(self.endpoints.list().await?);
        *known = Some((Instant::now(), endpoints.clone()));
        Ok(endpoints)
    }
}
