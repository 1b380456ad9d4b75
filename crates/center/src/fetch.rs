//! Audio that a controller names by URL: fetched through the guard, decoded off the async threads.

use crate::prompts;
use client::guard::{Guard, GuardedResolver};
use flow::call::leg::Sound;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use url::Url;

/// Largest audio file that is fetched, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long a fetch may take as a whole; the caller hears silence meanwhile.
const PATIENCE: Duration = Duration::from_secs(4);
/// Most fetches at once.
const MAX_FETCHES: usize = 64;

/// Fetches audio files.
pub(crate) struct Fetcher {
    http: reqwest::Client,
    guard: Guard,
    permits: Arc<Semaphore>,
}

impl Fetcher {
    /// A fetcher with the guard's policy.
    pub(crate) fn new(guard: Guard, tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(GuardedResolver(guard.clone())))
            .timeout(PATIENCE)
            .tls_backend_preconfigured(tls)
            .build()?;
        Ok(Self {
            http,
            guard,
            permits: Arc::new(Semaphore::new(MAX_FETCHES)),
        })
    }

    /// The sound behind a URL, or why there is none. Takes at most four seconds.
    pub(crate) async fn fetch(&self, url: &str) -> Sound {
        let fetched = tokio::time::timeout(PATIENCE, self.try_fetch(url)).await;
        match fetched.unwrap_or_else(|_| Err(format!("it took longer than {} s", PATIENCE.as_secs()))) {
            Ok(sound) => sound,
            Err(reason) => Sound::Failed(format!("the audio can't be had: {reason}")),
        }
    }

    async fn try_fetch(&self, url: &str) -> Result<Sound, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        self.guard
            .check_literal(&url)
            .map_err(|error| error.to_string())?;
        let _permit = self.permits.acquire().await.map_err(|error| error.to_string())?;
        let mut answer = self.http.get(url).send().await.map_err(|error| cause(&error))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("the server answered {}", answer.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| cause(&error))? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(format!("the file is larger than {MAX_BYTES} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let decoded = tokio::task::spawn_blocking(move || prompts::prepare(bytes)).await;
        let prompt = decoded
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        Ok(Sound::Ready(prompt))
    }
}

/// The innermost reason of an error, which is the one that says something.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
