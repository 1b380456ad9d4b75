//! Jobs are carried out: claimed from the outbox, each entry on a thread that may block, each result a commit of its own.
//!
//! Whoever claims a job does what has no result yet, so that a job goes on where a killed process left it.

use super::{
    MOST_TRIES, Media, Trouble, books,
    files::{Files, Kind},
    flow_prompts::Serving,
    job::{Entry, Job, Made, Outcome},
    jobs::{self, QUEUE},
    processors, retention, sound,
};
use crate::clock::Clock;
use futures_util::{StreamExt, stream};
use std::{
    collections::HashSet,
    future::ready,
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Claim, Commit, Committed, Finish, Worker, work_through};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{
    ids::CompileId,
    media::{JobStatus, sha256_hex},
};

/// Most jobs that go on at a time; they share the processors.
const JOBS_AT_ONCE: usize = 4;
/// How long a job is worked on before those that wait get their turn: well below the minute for which the store holds a claim.
const SLICE: Duration = Duration::from_secs(20);
/// When a job is tried again that the store or the disk got in the way of; twice as long each time, up to the longest.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);
/// How often in a row a job is tried while files can't be used; then the entries fail that need them.
pub(super) const MOST_UNUSABLE: u32 = 10;

/// The work, while this lives; and the removal of what is too old.
pub(crate) struct Working {
    compiling: JoinHandle<()>,
    removing: JoinHandle<()>,
}

impl Working {
    pub(crate) fn start(media: Arc<Media>, worker: Worker, closing: CancellationToken) -> Self {
        let removing = tokio::spawn(retention::keep_removing(media.clone(), closing.clone()));
        let compiling = tokio::spawn(async move {
            let store = media.store.clone();
            let work = |claim| carry_out(media.clone(), claim, closing.clone());
            work_through(&store, &worker, QUEUE, JOBS_AT_ONCE, &closing, work).await;
            worker.leave().await;
        });
        Self { compiling, removing }
    }

    /// Ends both at once: for tests in virtual time.
    #[cfg(test)]
    pub(crate) fn abort(self) {
        self.compiling.abort();
        self.removing.abort();
    }

    /// Waits for what is under way; `closing` was cancelled.
    pub(crate) async fn close(self) {
        for task in [self.compiling, self.removing] {
            let _ = task.await;
        }
    }
}

async fn carry_out(media: Arc<Media>, claim: Claim, closing: CancellationToken) {
    let Err(error) = media.work_on(&claim, SLICE, &closing).await else {
        return;
    };
    if matches!(error, Trouble::Stale) {
        return;
    }
    tell(&claim, &error, "a compilation waits");
    let put_back = match error {
        // Counted apart: what the store got in the way of makes no entry fail.
        Trouble::Files(_) => {
            let before = unusable(&claim);
            media.pass_on(&claim, before + 1, pause_after(before)).await
        }
        error => {
            let again = Finish::Again {
                after: pause_after(claim.failures),
                error: error.to_string(),
            };
            media.finish(&claim, again).await
        }
    };
    if let Err(error) = put_back {
        tell(&claim, &error, "a compilation can't be put back yet");
    }
}

fn pause_after(failures: u32) -> Duration {
    let pause = AGAIN_AFTER.saturating_mul(1 << failures.min(16));
    pause.min(LONGEST_AGAIN)
}

/// How often in a row the work met files that can't be used.
fn unusable(claim: &Claim) -> u32 {
    claim.body.parse().unwrap_or_default()
}

fn tell(claim: &Claim, error: &(dyn std::error::Error + 'static), what: &str) {
    tracing::warn!(job = claim.effect.event, error, "{what}");
}

impl Media {
    /// Does what is left of a job, for a while.
    pub(super) async fn work_on(
        &self,
        claim: &Claim,
        slice: Duration,
        closing: &CancellationToken,
    ) -> Result<(), Trouble> {
        let Some(job) = self.begin(claim).await? else {
            return self.finish(claim, Finish::Done { result: None }).await;
        };
        let done: HashSet<i64> = self.outcomes(&job.id).await?.iter().map(|(at, _)| *at).collect();
        let left = (0..job.entries.len()).filter(|at| !done.contains(&i64::try_from(*at).unwrap_or(-1)));
        let until = Instant::now() + slice;
        let goes_on = |_: &usize| ready(Instant::now() < until && !closing.is_cancelled());
        let entries = stream::iter(left)
            .take_while(goes_on)
            .map(|at| self.compile_entry(&job, at, claim));
        let mut compiling = pin!(entries.buffer_unordered(processors()));
        let mut unusable = None;
        while let Some(compiled) = compiling.next().await {
            match compiled {
                // Other entries have other files.
                Err(Trouble::Files(error)) => unusable = Some(error),
                compiled => compiled?,
            }
        }
        match unusable {
            Some(error) => Err(error.into()),
            None => self.end(&job.id, claim, closing).await,
        }
    }

    /// The job, which is running from now on; `None` when there is nothing to do.
    async fn begin(&self, claim: &Claim) -> Result<Option<Job>, Trouble> {
        let Ok(id) = claim.effect.event.parse::<CompileId>() else {
            return Ok(None);
        };
        for _ in 0..MOST_TRIES {
            let Some((mut job, version)) = self.job(&id).await? else {
                return Ok(None);
            };
            match job.status {
                JobStatus::Running => return Ok(Some(job)),
                JobStatus::Completed | JobStatus::Failed => return Ok(None),
                JobStatus::Queued => job.status = JobStatus::Running,
            }
            if self.store.commit(jobs::running(&job, version)).await? == Committed::Done {
                return Ok(Some(job));
            }
        }
        Err(Trouble::Busy)
    }

    /// Ends a job of which every entry has its result; another one waits for its next turn.
    async fn end(&self, id: &CompileId, claim: &Claim, closing: &CancellationToken) -> Result<(), Trouble> {
        let mut sent = None;
        for _ in 0..MOST_TRIES {
            let Some((mut job, version)) = self.job(id).await? else {
                return self.finish(claim, Finish::Done { result: None }).await;
            };
            let outcomes = self.outcomes(id).await?;
            if outcomes.len() < job.entries.len() {
                return match closing.is_cancelled() {
                    true => self.finish(claim, Finish::Released).await,
                    false => self.pass_on(claim, 0, Duration::ZERO).await,
                };
            }
            let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
            job.status = match outcomes.iter().any(|outcome| outcome.made.is_some()) {
                true => JobStatus::Completed,
                false => JobStatus::Failed,
            };
            // A fault strikes one callback, however often the commit is tried.
            let sent = *sent.get_or_insert_with(|| self.strike_callback(&job));
            let done = Finish::Done {
                result: Some(job.status.to_string()),
            };
            let commit = Commit {
                finish: Some((claim.id, done)),
                ..self.over(&job, version, &outcomes, Clock::utc_ms(), sent).await?
            };
            match self.store.commit(commit).await? {
                Committed::Done | Committed::Duplicate { .. } => return Ok(()),
                Committed::Stale => return Err(Trouble::Stale),
                Committed::Conflict => {}
            }
        }
        Err(Trouble::Busy)
    }

    /// Owes what is left of a job as a new item, behind those that wait already.
    async fn pass_on(&self, claim: &Claim, unusable: u32, after: Duration) -> Result<(), Trouble> {
        let Ok(job) = claim.effect.event.parse() else {
            return Ok(());
        };
        let step = uuid::Uuid::now_v7().simple().to_string();
        let commit = Commit {
            intents: vec![jobs::work(&job, step, unusable, after)],
            ..finished(claim, Finish::Done { result: None })
        };
        self.commit_held(commit).await
    }

    async fn finish(&self, claim: &Claim, finish: Finish) -> Result<(), Trouble> {
        self.commit_held(finished(claim, finish)).await
    }

    async fn commit_held(&self, commit: Commit) -> Result<(), Trouble> {
        match self.store.commit(commit).await? {
            Committed::Stale => Err(Trouble::Stale),
            _ => Ok(()),
        }
    }

    /// Compiles one entry, and lets it serve its node.
    async fn compile_entry(&self, job: &Job, at: usize, claim: &Claim) -> Result<(), Trouble> {
        let entry = &job.entries[at];
        // Until a record names the file that is made, it is not removed; nor is the asset's.
        let files = self.files().await?;
        let _naming = files.naming().await;
        let processor = self.processors.acquire().await.map_err(io::Error::other)?;
        let begun = Instant::now();
        let made = match self
            .faults
            .strike_asset(entry.asset_id.as_str(), entry.node_id.as_str())
        {
            true => Err("this fault was asked for".to_owned()),
            false => match make(&files, job, entry).await {
                Err(error) if unusable(claim) < MOST_UNUSABLE => return Err(error.into()),
                Err(error) => Err(error.to_string()),
                Ok(made) => made,
            },
        };
        let took = begun.elapsed();
        drop(processor);
        self.publish(job, at, Outcome::new(entry, made), took).await
    }

    /// Keeps a result; it serves its node, unless a job that was accepted later does.
    pub(super) async fn publish(
        &self,
        job: &Job,
        at: usize,
        outcome: Outcome,
        took: Duration,
    ) -> Result<(), Trouble> {
        let _turn = self.publishing.lock().await;
        for _ in 0..MOST_TRIES {
            let serving = self.serving(job, &outcome).await?;
            let outcome = match &serving {
                Serving::Now(_) | Serving::Nothing => outcome.clone(),
                Serving::Later => outcome
                    .clone()
                    .noting("a compilation that was asked for later serves the node"),
                Serving::Full(why) => Outcome {
                    made: None,
                    message: Some(why.clone()),
                    ..outcome.clone()
                },
            };
            let mut commit = jobs::came_out(job, at, &outcome);
            if let Serving::Now(serving) = serving {
                commit.records.push(serving.record);
                commit.terms.push(serving.terms);
            }
            commit.audit = vec![books::came_out(job, &outcome, took)];
            match self.store.commit(commit).await? {
                Committed::Done | Committed::Duplicate { .. } => return Ok(()),
                // Another process has the job by now, or another job the node.
                Committed::Conflict | Committed::Stale if self.has_outcome(&job.id, at).await? => {
                    return Ok(());
                }
                Committed::Conflict | Committed::Stale => {}
            }
        }
        Err(Trouble::Busy)
    }
}

fn finished(claim: &Claim, finish: Finish) -> Commit {
    Commit {
        finish: Some((claim.id, finish)),
        ..Commit::default()
    }
}

/// Makes the file. What is wrong with the asset is the inner error, what is wrong with the disk the outer one.
async fn make(
    files: &Arc<Files>,
    job: &Job,
    entry: &Entry,
) -> io::Result<Result<(Made, Option<String>), String>> {
    let files = files.clone();
    let (sha256, encoding, options) = (entry.sha256.clone(), job.encoding, job.options);
    let making = tokio::task::spawn_blocking(move || {
        let read = files.read(Kind::Asset, &sha256);
        let Some(bytes) = read.map_err(|error| saying("the asset's file can't be read", &error))? else {
            return Ok(Err("the asset's file is gone; upload it again".to_owned()));
        };
        let compiled = match sound::compile(&bytes, encoding, options) {
            Ok(compiled) => compiled,
            Err(fault) => return Ok(Err(fault)),
        };
        let sha256 = sha256_hex(&compiled.file);
        let kept = files.keep(Kind::Compiled, &sha256, &compiled.file);
        kept.map_err(|error| saying("the compiled file can't be written", &error))?;
        let made = Made {
            sha256,
            encoding,
            duration_ms: compiled.duration_ms,
            loudness_lufs: compiled.loudness_lufs,
        };
        Ok(Ok((made, compiled.note)))
    });
    match making.await {
        Ok(made) => made,
        // A fault of ours; the entry fails, the job goes on.
        Err(error) => {
            tracing::error!(asset = %entry.asset_id, %error, "the compiler broke down");
            Ok(Err(
                "the compiler broke down; the center's log says more".to_owned()
            ))
        }
    }
}

fn saying(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
