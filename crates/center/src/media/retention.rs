//! What is too old is removed: jobs a month after they were over, files that no record names after a day.

use super::{
    Media, Trouble,
    assets::BY_SHA256,
    books,
    files::{Files, Kind, Old},
    flow_prompts::FLOW_PROMPT,
    job::Job,
    jobs::{JOB, OPEN, OUTCOME, OVER, of_file},
    to_ms,
};
use crate::clock::Clock;
use std::{collections::HashSet, io, path::PathBuf, sync::Arc, time::Duration};
use store::{Commit, Expect, Find, Found, Put};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wire::ids::CompileId;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often, and when again after something went wrong.
const EVERY: Duration = DAY;
const AGAIN_AFTER: Duration = HOUR;
/// How long a job is kept after it was over, with its results.
const JOBS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a file is kept that no record names.
const UNNAMED_KEPT: Duration = DAY;
/// How many jobs are looked at in one go, at first.
const PORTION: usize = 100;
/// How many files are removed in one go: nothing is accepted or compiled meanwhile.
const FILES_AT_ONCE: usize = 16;

/// Removes at the start, and then every day.
pub(super) async fn keep_removing(media: Arc<Media>, closing: CancellationToken) {
    while let Some(removed) = closing.run_until_cancelled(media.remove_old(UNNAMED_KEPT)).await {
        let pause = match removed {
            Ok(removed) => {
                if removed > 0 {
                    tracing::info!(removed, "files of prompts were removed");
                }
                EVERY
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "prompts that are too old are not removed yet");
                AGAIN_AFTER
            }
        };
        if closing.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}

impl Media {
    /// Removes what is too old; gives how many files.
    pub(super) async fn remove_old(&self, unnamed_for: Duration) -> Result<u64, Trouble> {
        self.remove_jobs(JOBS_KEPT).await?;
        let mut removed = 0;
        for kind in [Kind::Asset, Kind::Compiled] {
            removed += self.remove_files(kind, unnamed_for).await?;
        }
        Ok(removed)
    }

    /// Removes jobs that were over so long ago, each with its results. Those that are not over stay, however old they are.
    pub(super) async fn remove_jobs(&self, over_for: Duration) -> Result<(), Trouble> {
        let over_for = i64::try_from(over_for.as_millis()).unwrap_or(i64::MAX);
        let until = to_ms(Clock::utc()).saturating_sub(over_for);
        let find = Find {
            kind: JOB.into(),
            term: OVER.into(),
            ..Find::default()
        };
        loop {
            let found = self.store.find(&find, PORTION).await?;
            let old: Vec<&Found> = found.iter().filter(|job| job.place <= until).collect();
            for job in &old {
                self.remove_job(&job.record.id).await?;
            }
            if old.len() < PORTION {
                return Ok(());
            }
        }
    }

    async fn remove_job(&self, id: &str) -> Result<(), Trouble> {
        let gone = |kind: &str, id: String| Put {
            kind: kind.to_owned(),
            id,
            body: None,
            expect: Expect::Any,
        };
        let mut records = vec![gone(JOB, id.to_owned())];
        if let Ok(id) = id.parse::<CompileId>() {
            let results = self.outcome_ids(&id).await?.into_iter();
            records.extend(results.map(|id| gone(OUTCOME, id)));
        }
        let commit = Commit {
            records,
            ..Commit::default()
        };
        self.store.commit(commit).await?;
        Ok(())
    }

    /// Removes files that nobody touched for so long and that no record names. They are looked for while others go on, and looked at
    /// again when nobody is about to name one, as far as this process goes; another one on the same folder makes what it is about to
    /// name young, which is looked at last.
    async fn remove_files(&self, kind: Kind, unnamed_for: Duration) -> Result<u64, Trouble> {
        let files = self.files().await?;
        let listed = files.clone();
        let old = blocking(move || listed.old(kind, unnamed_for)).await?;
        let unnamed = self.unnamed(kind, old).await?;
        let mut removed = 0;
        for some in unnamed.chunks(FILES_AT_ONCE) {
            let _removing = files.removing().await;
            for file in self.unnamed(kind, some.to_vec()).await? {
                removed += u64::from(remove(&files, kind, file, unnamed_for).await);
            }
        }
        Ok(removed)
    }

    /// Those of the files that no record names.
    async fn unnamed(&self, kind: Kind, old: Vec<Old>) -> Result<Vec<Old>, store::Error> {
        let to_compile = match kind {
            Kind::Asset if !old.is_empty() => self.in_open_jobs(PORTION).await?,
            _ => HashSet::new(),
        };
        let mut unnamed = Vec::new();
        for file in old {
            let is_named = match &file {
                Old::Unfinished(_) => false,
                Old::Whole(sha256) => to_compile.contains(sha256) || self.is_named(kind, sha256).await?,
            };
            if !is_named {
                unnamed.push(file);
            }
        }
        Ok(unnamed)
    }

    /// Whether an asset, a result or a node of a flow has these bytes.
    async fn is_named(&self, kind: Kind, sha256: &str) -> Result<bool, store::Error> {
        match kind {
            Kind::Asset => Ok(self.store.record(BY_SHA256, sha256).await?.is_some()),
            Kind::Compiled => {
                let term = of_file(sha256);
                Ok(self.store.count(FLOW_PROMPT, &term).await? > 0
                    || self.store.count(OUTCOME, &term).await? > 0)
            }
        }
    }

    /// The bytes that jobs are to compile, of assets that may be deleted by now. Jobs end meanwhile, so that it is gone on from a
    /// place and not from a number.
    pub(super) async fn in_open_jobs(&self, mut portion: usize) -> Result<HashSet<String>, store::Error> {
        let mut all = HashSet::new();
        let mut find = Find {
            kind: JOB.into(),
            term: OPEN.into(),
            ..Find::default()
        };
        loop {
            let found = self.store.find(&find, portion).await?;
            let jobs = found
                .iter()
                .filter_map(|found| books::read::<Job>(&found.record.body));
            all.extend(jobs.flat_map(|job| job.entries).map(|entry| entry.sha256));
            let Some(last) = found.last().filter(|_| found.len() == portion) else {
                return Ok(all);
            };
            // Again from the place of the last one, which several may share; all of the portion, perhaps.
            let before = Some(last.place.saturating_sub(1));
            match find.after == before {
                true => portion *= 2,
                false => find.after = before,
            }
        }
    }
}

/// Removes a file that still is old; whether it did. One that can't be removed keeps no other.
async fn remove(files: &Arc<Files>, kind: Kind, file: Old, unnamed_for: Duration) -> bool {
    let path: PathBuf = match file {
        Old::Unfinished(path) => path,
        Old::Whole(sha256) => files.path(kind, &sha256),
    };
    let files = files.clone();
    let removed = blocking(move || files.remove_old(&path, unnamed_for)).await;
    removed.unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            tracing::warn!(%error, "a file of prompts that nobody needs can't be removed");
        }
        false
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
