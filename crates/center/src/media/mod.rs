//! Prompt assets, their compilation, and which compiled prompt serves which node of a flow (contract section 6).
//!
//! Sound is kept in files that are named by their SHA-256 ([`Files`]); all else is records. A job, the item of the outbox that
//! owes it, and its audit entry are one commit; each result is one more; the last has the callback. So several centers can share a
//! store, if they share the folder of the files.

mod asset_routes;
mod assets;
mod books;
mod callback;
mod compile_routes;
mod download;
mod files;
mod flow_prompts;
mod folder;
mod heard;
mod job;
mod jobs;
mod played;
mod retention;
mod sound;
#[cfg(test)]
mod tests;
mod turns;
mod upload;
mod working;

pub(crate) use asset_routes::{delete, find, list, upload};
pub(crate) use compile_routes::{accept, job};
pub(crate) use download::compiled;
pub(crate) use flow_prompts::of_flow;
pub(crate) use working::Working;

use crate::{calls, faults::FaultBook};
use client::guard::Guard;
use files::Files;
use heard::Heard;
use http::StatusCode;
use server::Refusal;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};
use store::Store;
use tokio::sync::{Mutex, OnceCell, Semaphore};
use turns::Turns;
use webhooks::{Secret, Signer};
use wire::{
    Faults, UtcTime,
    ids::{AssetId, CompileId, FlowId},
};

/// How often a change is tried, when others change the same thing meanwhile.
const MOST_TRIES: usize = 32;

/// The prompts of a center.
pub(crate) struct Media {
    store: Store,
    data_dir: PathBuf,
    files: OnceCell<Arc<Files>>,
    /// The flows of the tenant.
    flows: BTreeSet<FlowId>,
    /// Where the center is reached: what it is when a URI is told, not when a file was made.
    base_url: String,
    /// Which hosts callbacks may go to.
    guard: Guard,
    /// What signs them, and the same once it is in the store.
    secret: Secret,
    signer: OnceCell<Signer>,
    faults: Arc<FaultBook>,
    heard: Heard,
    uploads: Turns,
    /// One for each processor: compiling is nothing but work.
    processors: Semaphore,
    /// Jobs are accepted one after the other in this process, so that they seldom collide in the store.
    accepting: Mutex<()>,
    /// Results are published one after the other in this process, for the same reason.
    publishing: Mutex<()>,
}

/// Why something of prompts can't be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("there is no asset {:?}", wire::fault::shorten(.0.as_str()))]
    NoAsset(AssetId),
    #[error("there is no compilation {:?}", wire::fault::shorten(.0.as_str()))]
    NoJob(CompileId),
    #[error("there is no flow {:?}", wire::fault::shorten(.0.as_str()))]
    NoFlow(FlowId),
    #[error("this Idempotency-Key was used with another body; use a new key")]
    OtherBody,
    #[error("too many change it at once; try again")]
    Busy,
    /// Another process has the job.
    #[error("the claim is no longer held")]
    Stale,
    #[error("the media folder can't be used; make room there, or see to its permissions")]
    Files(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Media {
    /// Keeps its files in `media` of the data folder.
    pub(crate) fn open(
        store: Store,
        data_dir: &Path,
        flows: BTreeSet<FlowId>,
        base_url: String,
        guard: Guard,
        secret: Secret,
        faults: Arc<FaultBook>,
    ) -> io::Result<Self> {
        fs::create_dir_all(files::folder(data_dir))?;
        Ok(Self {
            store,
            data_dir: data_dir.to_owned(),
            files: OnceCell::new(),
            flows,
            base_url,
            guard: Guard { own: None, ..guard },
            secret,
            signer: OnceCell::new(),
            faults,
            heard: Heard::default(),
            uploads: Turns::default(),
            processors: Semaphore::new(processors()),
            accepting: Mutex::default(),
            publishing: Mutex::default(),
        })
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl Trouble {
    /// As it is answered.
    fn refusal(self) -> Refusal {
        let message = self.to_string();
        match self {
            Self::NoAsset(_) | Self::NoJob(_) | Self::NoFlow(_) => {
                Refusal::new(StatusCode::NOT_FOUND, message)
            }
            Self::OtherBody => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message),
            Self::Busy | Self::Stale => Refusal::unavailable(&message, 1),
            Self::Files(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a file of the media folder can't be kept");
                Refusal::unavailable(&message, 5)
            }
            Self::Store(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "prompts can't be kept or looked up");
                calls::store_unavailable()
            }
        }
    }
}

/// Reads an id of a path.
fn parse_id<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, id: &str) -> Result<T, Refusal> {
    id.parse()
        .map_err(|error| Refusal::faults(Faults::one(format!("the {what}'s id {error}"))))
}

/// The time of day as it is written: to the millisecond.
fn to_ms(time: UtcTime) -> i64 {
    time.timestamp().as_millisecond()
}
