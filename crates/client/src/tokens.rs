//! The shared cache of access tokens: one per host, client and scope set (contract section 1).

use crate::{
    attempts::Attempts,
    endpoint::Platform,
    error::Error,
    grant::{New, last_error, read_token, token_request},
    http::{FailureKind, Http, HttpFailure},
};
use flow::{
    Moment,
    retry::Safety,
    token::{Generation, Need, Slot},
};
use http::StatusCode;
use secrecy::SecretString;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use wire::{
    ids::{ClientId, CorrelationId},
    oauth::Scopes,
};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The token cache; clones share it.
///
/// Callers who need the same token at once share one request, which runs on its own: a caller that stops waiting stops
/// nobody else.
#[derive(Clone)]
pub struct Tokens {
    http: Arc<dyn Http>,
    zero: Instant,
    entries: Arc<Mutex<HashMap<Key, Arc<Entry>>>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    address: String,
    client: ClientId,
    scopes: Option<Scopes>,
}

struct Entry {
    state: Mutex<State>,
}

struct State {
    slot: Slot<SecretString>,
    fetch: watch::Receiver<Option<Fetched>>,
}

type Fetched = Result<Token, Error>;

/// An access token. It can't be printed.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    generation: Generation,
}

impl Tokens {
    /// An empty cache that fetches with `http`.
    pub fn new(http: Arc<dyn Http>) -> Self {
        Self {
            http,
            zero: Instant::now(),
            entries: Arc::default(),
        }
    }

    /// The platform's token: the cached one, or a new one.
    pub(crate) async fn get(&self, platform: &Platform) -> Result<Token, Error> {
        let entry = self.entry(platform);
        let mut fetch = {
            let mut state = entry.lock();
            match state.slot.need(self.now()) {
                Need::Use(secret, generation) => return Ok(Token { secret, generation }),
                Need::UseAndFetch(secret, generation) => {
                    state.fetch = self.start_fetch(platform, &entry);
                    return Ok(Token { secret, generation });
                }
                Need::Fetch => {
                    state.fetch = self.start_fetch(platform, &entry);
                    state.fetch.clone()
                }
                Need::Wait => state.fetch.clone(),
            }
        };
        match fetch
            .wait_for(Option::is_some)
            .await
            .map(|fetched| fetched.clone())
        {
            Ok(Some(fetched)) => fetched,
            Ok(None) | Err(_) => Err(Error::Unreachable {
                host: platform.endpoint.host(),
                attempts: 0,
                may_be_done: false,
                failure: HttpFailure::new(FailureKind::NotConnected, "the request for a token was cut off"),
            }),
        }
    }

    /// The platform answered 401 to this token: it is not used again.
    pub(crate) fn refused(&self, platform: &Platform, token: &Token) {
        self.entry(platform).lock().slot.refused(token.generation);
    }

    fn now(&self) -> Moment {
        Moment::at(self.zero.elapsed())
    }

    fn entry(&self, platform: &Platform) -> Arc<Entry> {
        let key = Key {
            address: platform.endpoint.address(["oauth", "token"]).into(),
            client: platform.credentials.client_id.clone(),
            scopes: platform.scopes.clone(),
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .entry(key)
            .or_insert_with(|| Arc::new(Entry::new()))
            .clone()
    }

    /// Fetches in a task of its own, so that no caller's end is the fetch's end.
    fn start_fetch(&self, platform: &Platform, entry: &Arc<Entry>) -> watch::Receiver<Option<Fetched>> {
        let (done, fetch) = watch::channel(None);
        let (tokens, platform) = (self.clone(), platform.clone());
        let mut report = Report {
            entry: entry.clone(),
            done: false,
        };
        tokio::spawn(async move {
            let fetched = tokens.fetch(&platform).await;
            done.send_replace(Some(report.finish(fetched)));
        });
        fetch
    }

    async fn fetch(&self, platform: &Platform) -> Result<New, Error> {
        let mut attempts = Attempts::start(platform.policy, Safety::Idempotent);
        let id = CorrelationId::from_uuid(uuid::Uuid::now_v7());
        loop {
            let obtained = self.now();
            let request = token_request(platform, &id)?;
            let tried = attempts
                .attempt(ATTEMPT_TIMEOUT, self.http.execute(request))
                .await;
            if let Ok(response) = &tried
                && response.status() == StatusCode::OK
            {
                return read_token(platform, response.body(), obtained, id);
            }
            if let Err(reason) = attempts.pause(tried.as_ref()).await {
                return Err(last_error(platform, &attempts, reason, tried, &id));
            }
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Entry {
    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                slot: Slot::new(),
                fetch: watch::channel(None).1,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports how a fetch ended, also when its task was cut off.
struct Report {
    entry: Arc<Entry>,
    done: bool,
}

impl Report {
    fn finish(&mut self, fetched: Result<New, Error>) -> Fetched {
        self.done = true;
        let mut state = self.entry.lock();
        match fetched {
            Ok(new) => {
                let generation = state.slot.fetched(new.secret.clone(), new.obtained, new.lifetime);
                Ok(Token {
                    secret: new.secret,
                    generation,
                })
            }
            Err(error) => {
                state.slot.failed();
                Err(error)
            }
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.done {
            self.entry.lock().slot.failed();
        }
    }
}
