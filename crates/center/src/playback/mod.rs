//! The playback gateway (contract section 3): prompts are played in real time to whoever is named, and steered meanwhile.
//!
//! ```text
//! routes ──► creating ──► source, cache: the prompt, made ready once ──► engine: two threads, 20 ms frames ──► RTP
//!    │           book: who may have how many                               ▲    │
//!    └────────── steering: pause, seek, volume, stop ──────────────────────┤    └──► telling: audit, webhooks
//!                                        ears: keys and voices of callers ─┘
//! ```
//!
//! `flow::playback` decides which frame is next and how a playback ends. The engine's threads own the streams, and wait for nothing but short locks; what
//! others see of a session ([`session::Session`]) it writes there.

mod address;
mod analytics;
mod book;
mod books;
mod cache;
mod creating;
mod ears;
mod engine;
mod fade;
mod in_call;
mod line;
mod prepared;
mod rendering;
mod routes;
mod session;
mod source;
mod steering;
mod stream;
mod telling;
mod trouble;
mod wheel;

pub(crate) use analytics::custom_event;
pub(crate) use routes::{control, create, find, list, stop};

use crate::{clock::Clock, media::Media};
use address::raise_descriptor_limit;
use audio::codec::Codec;
use book::Book;
use cache::Cache;
use client::guard::Guard;
use ears::Ears;
use engine::{Engine, Punctuality};
use serde::Serialize;
use std::{io, sync::Arc};
use store::Store;
use telling::{Teller, Telling};
use tokio::sync::Mutex;
use webhooks::Subscribers;
use wire::playback::{CodecPreference, PlaybackConfig, RtpTarget, VolumeMatrix};

/// Sessions, and all that plays them.
pub(crate) struct Gateway {
    book: Arc<Book>,
    cache: Cache,
    engine: Arc<Engine>,
    ears: Arc<Ears>,
    teller: Teller,
    telling: Mutex<Option<Telling>>,
    media: Arc<Media>,
    /// Where sound may go.
    guard: Guard,
}

/// How the gateway does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    #[serde(flatten)]
    punctuality: Punctuality,
    /// Events that were not told, because too many waited or the store failed for long.
    untold: u64,
    cached_prompts: usize,
    cached_bytes: usize,
}

/// What the gateway works with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) media: Arc<Media>,
    pub(crate) guard: Guard,
    /// Most live streams of a client.
    pub(crate) most_streams: u32,
}

impl Gateway {
    /// Starts its threads.
    pub(crate) fn start(parts: Parts) -> io::Result<Self> {
        raise_descriptor_limit();
        let (teller, telling) = telling::start(parts.store, parts.subscribers);
        let book = Arc::new(Book::new(parts.most_streams));
        let engine = Engine::start(parts.clock, book.clone(), teller.clone())?;
        let ears = Ears::start(parts.clock, engine.listener())?;
        Ok(Self {
            book,
            cache: Cache::new(),
            engine: Arc::new(engine),
            ears: Arc::new(ears),
            teller,
            telling: Mutex::new(Some(telling)),
            media: parts.media,
            guard: Guard {
                own: None,
                ..parts.guard
            },
        })
    }

    /// How it does.
    pub(crate) fn status(&self) -> Status {
        let (cached_prompts, cached_bytes) = self.cache.size();
        Status {
            punctuality: self.engine.punctuality(),
            untold: self.teller.untold(),
            cached_prompts,
            cached_bytes,
        }
    }

    /// Ends all sessions, and waits until that is told.
    pub(crate) async fn close(&self) {
        let (engine, ears) = (self.engine.clone(), self.ears.clone());
        let closing = tokio::task::spawn_blocking(move || {
            ears.close();
            engine.close();
        });
        let _ = closing.await;
        if let Some(telling) = self.telling.lock().await.take() {
            self.teller.end().await;
            telling.close().await;
        }
    }

    /// Begins to end all sessions, and waits for nothing.
    pub(crate) fn begin_close(&self) {
        self.engine.begin_close();
    }
}

/// How a directive wants its prompt to sound.
fn how(config: &PlaybackConfig, volume: VolumeMatrix) -> prepared::How {
    prepared::How {
        codec: codec(config.codec),
        volume,
        trim_ms: config.silence_trim_ms,
    }
}

fn codec(preference: CodecPreference) -> Codec {
    match preference {
        CodecPreference::G711U => Codec::MuLaw,
        CodecPreference::G711A => Codec::ALaw,
        CodecPreference::G729 => Codec::G729,
        CodecPreference::Opus => Codec::Opus,
    }
}

/// The payload type of a stream: that of its codec, or for Opus the one that its receiver was promised.
fn payload_type(preference: CodecPreference, target: &RtpTarget) -> u8 {
    codec(preference)
        .payload_type()
        .unwrap_or_else(|| target.payload_type())
}
