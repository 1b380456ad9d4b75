//! What is too old is removed: jobs after a month, files that no record names after a day.

use super::{
    Media,
    assets::BY_SHA256,
    books,
    files::{Kind, Old},
    flow_prompts::FLOW_PROMPT,
    job::Job,
    jobs::{JOB, OPEN, OUTCOME, of_file},
};
use std::{collections::HashSet, io, path::PathBuf, sync::Arc, time::Duration};
use store::Find;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often.
const EVERY: Duration = DAY;
/// How long a job is kept after it was over.
const JOBS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long its results are kept: they are written before the job is over, and not to go before it.
const RESULTS_KEPT: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// How long a file is kept that no record names.
const UNNAMED_KEPT: Duration = DAY;
/// Most open jobs that are looked at in one go.
const PORTION: usize = 100;

/// Why something was not removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Kept {
    #[error("the media folder can't be used")]
    Files(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Removes at the start, and then every day.
pub(super) async fn keep_removing(media: Arc<Media>, closing: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while closing.run_until_cancelled(ticks.tick()).await.is_some() {
        match closing.run_until_cancelled(media.remove_old(UNNAMED_KEPT)).await {
            Some(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "prompts that are too old are not removed yet");
            }
            Some(Ok(removed)) if removed > 0 => tracing::info!(removed, "files of prompts were removed"),
            _ => {}
        }
    }
}

impl Media {
    /// Removes what is too old; gives how many files.
    pub(super) async fn remove_old(self: &Arc<Self>, unnamed_for: Duration) -> Result<u64, Kept> {
        self.store.purge_records(JOB, JOBS_KEPT).await?;
        self.store.purge_records(OUTCOME, RESULTS_KEPT).await?;
        let mut removed = 0;
        for kind in [Kind::Asset, Kind::Compiled] {
            let media = self.clone();
            let old = blocking(move || media.files.old(kind, unnamed_for)).await?;
            for file in old {
                removed += u64::from(self.remove_unnamed(kind, file, unnamed_for).await?);
            }
        }
        Ok(removed)
    }

    /// Removes a file, unless a record names it. Nobody is about to name it meanwhile, as far as this process goes; another one on
    /// the same folder that writes it anew makes it young, which is looked at last.
    async fn remove_unnamed(
        self: &Arc<Self>,
        kind: Kind,
        file: Old,
        unnamed_for: Duration,
    ) -> Result<bool, Kept> {
        let _removing = self.files.removing().await;
        let path: PathBuf = match file {
            Old::Unfinished(path) => path,
            Old::Whole(sha256) if self.is_named(kind, &sha256).await? => return Ok(false),
            Old::Whole(sha256) => self.files.path(kind, &sha256),
        };
        let media = self.clone();
        Ok(blocking(move || media.files.remove_old(&path, unnamed_for)).await?)
    }

    async fn is_named(&self, kind: Kind, sha256: &str) -> Result<bool, store::Error> {
        match kind {
            Kind::Asset => {
                let asset = self.store.record(BY_SHA256, sha256).await?;
                Ok(asset.is_some() || self.in_open_jobs().await?.contains(sha256))
            }
            Kind::Compiled => {
                let term = of_file(sha256);
                Ok(self.store.count(FLOW_PROMPT, &term).await? > 0
                    || self.store.count(OUTCOME, &term).await? > 0)
            }
        }
    }

    /// The bytes that jobs are to compile, of assets that may be deleted by now.
    async fn in_open_jobs(&self) -> Result<HashSet<String>, store::Error> {
        let mut all = HashSet::new();
        let mut find = Find {
            kind: JOB.into(),
            term: OPEN.into(),
            ..Find::default()
        };
        loop {
            let found = self.store.find(&find, PORTION).await?;
            let jobs = found
                .iter()
                .filter_map(|found| books::read::<Job>(&found.record.body));
            all.extend(jobs.flat_map(|job| job.entries).map(|entry| entry.sha256));
            if found.len() < PORTION {
                return Ok(all);
            }
            find.skip += found.len();
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
