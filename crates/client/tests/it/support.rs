//! What the tests share: a platform whose tokens work by themselves.

use bytes::Bytes;
use client::{
    Endpoint, Platform, Tokens, Transport,
    testing::{Reply, ScriptedHttp},
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use wire::oauth::Credentials;

pub(crate) const SECRET: &str = "hunter2-client-secret";

pub(crate) fn platform() -> Platform {
    let credentials = Credentials {
        client_id: "demo".parse().unwrap(),
        client_secret: SECRET.into(),
    };
    Platform::new(Endpoint::new("https://platform.example").unwrap(), credentials)
}

/// A transport whose every request but those for tokens is answered by `script`, which is told the request's number.
pub(crate) fn rig(
    mut script: impl FnMut(usize, &http::Request<Bytes>) -> Reply + Send + 'static,
) -> (Arc<ScriptedHttp>, Transport) {
    let (mut tokens, mut requests) = (0, 0);
    let http = Arc::new(ScriptedHttp::new(move |request| {
        if request.uri().path() == "/oauth/token" {
            tokens += 1;
            return Reply::token(&format!("token-{tokens}"), 3600);
        }
        requests += 1;
        script(requests, request)
    }));
    (
        http.clone(),
        Transport::new(http.clone(), Tokens::new(http), platform()),
    )
}

/// Virtual time since the first call; real time can't get in, as the clock is paused.
pub(crate) struct Watch(Instant);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn ms(&self) -> u128 {
        self.0.elapsed().as_millis()
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The HTTP date some seconds from now.
pub(crate) fn http_date_in(seconds: u64) -> String {
    let at = jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .unwrap()
}
