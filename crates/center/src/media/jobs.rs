//! Jobs in the store.

use super::{
    MOST_TRIES, Media, Trouble, books,
    job::{Job, Outcome},
    to_ms,
};
use crate::{
    clock::Clock,
    faults::Sent,
    once::{Looked, Once},
};
use std::{collections::HashMap, time::Duration};
use store::{Commit, Committed, EffectKey, Expect, Find, Found, Intent, Put, Terms};
use wire::{
    UtcTime,
    ids::{AssetId, CompileId, CorrelationId, FlowId},
    media::{Asset, CompileJob, MOST_MEDIA, NewCompile},
};

/// The kind of the jobs.
pub(super) const JOB: &str = "media-compile";
/// The kind of the results.
pub(super) const OUTCOME: &str = "media-result";
/// The kind of the records whose versions number the jobs of a flow.
const ORDER: &str = "media-compile-order";
/// The queue of the work, and the source of its keys.
pub(super) const QUEUE: &str = "media-compile";
/// The term of jobs that are not over, by when they were accepted.
pub(super) const OPEN: &str = "open";
/// The term of jobs that are over, by when they were.
pub(super) const OVER: &str = "over";

/// A job that was asked for.
pub(super) struct Accepted {
    pub(super) id: CompileId,
    /// It was accepted for the same key before.
    pub(super) replayed: bool,
}

/// The term of all that names a compiled file.
pub(super) fn of_file(sha256: &str) -> String {
    format!("file\n{sha256}")
}

fn of_job(id: &CompileId) -> String {
    format!("job\n{id}")
}

/// The id of the record of an entry's result.
fn outcome_id(job: &CompileId, entry: usize) -> String {
    format!("{job}\n{entry}")
}

impl Media {
    pub(super) fn has_flow(&self, flow: &FlowId) -> bool {
        self.flows.contains(flow)
    }

    /// What was accepted for a key before.
    pub(super) async fn accepted_for(&self, once: &Once) -> Result<Option<Accepted>, Trouble> {
        match once.look::<CompileId>(&self.store).await? {
            Looked::Made { id, .. } => Ok(Some(Accepted { id, replayed: true })),
            Looked::OtherBody => Err(Trouble::OtherBody),
            Looked::Unused(_) => Ok(None),
        }
    }

    /// Accepts a job: it is durable, and owed, when this returns. `assets` are those that it names.
    pub(super) async fn accept(
        &self,
        request: &NewCompile,
        assets: &HashMap<AssetId, Asset>,
        once: Option<&Once>,
        correlation: &CorrelationId,
    ) -> Result<Accepted, Trouble> {
        let _turn = self.accepting.lock().await;
        for _ in 0..MOST_TRIES {
            let key = match once {
                None => None,
                Some(once) => match once.look::<CompileId>(&self.store).await? {
                    Looked::Made { id, .. } => return Ok(Accepted { id, replayed: true }),
                    Looked::OtherBody => return Err(Trouble::OtherBody),
                    Looked::Unused(expect) => Some((once, expect)),
                },
            };
            let id = CompileId::from_uuid(uuid::Uuid::now_v7());
            let (order, numbered) = self.number(&request.flow_id, &id).await?;
            let asset = |id: &AssetId| assets.get(id);
            let job = Job::new(id.clone(), order, request, asset, Clock::utc_ms(), correlation);
            let mut commit = accepted(&job);
            commit.records.push(numbered);
            let key = key.map(|(once, expect)| once.put(id.as_str(), true, expect));
            commit.records.extend(key);
            match self.store.commit(commit).await? {
                Committed::Done | Committed::Duplicate { .. } => {
                    return Ok(Accepted { id, replayed: false });
                }
                Committed::Conflict | Committed::Stale => {}
            }
        }
        Err(Trouble::Busy)
    }

    /// The next number of a flow's jobs, and what takes it. Clocks may jump back; this does not.
    async fn number(&self, flow: &FlowId, job: &CompileId) -> Result<(i64, Put), store::Error> {
        let there = self.store.record(ORDER, flow.as_str()).await?;
        let version = there.map(|record| record.version);
        let put = Put {
            kind: ORDER.into(),
            id: flow.to_string(),
            body: Some(job.to_string()),
            expect: version.map_or(Expect::Absent, Expect::Version),
        };
        Ok((version.unwrap_or_default() + 1, put))
    }

    /// A job and its version.
    pub(super) async fn job(&self, id: &CompileId) -> Result<Option<(Job, i64)>, store::Error> {
        let record = self.store.record(JOB, id.as_str()).await?;
        Ok(record.and_then(|record| Some((books::read(&record.body)?, record.version))))
    }

    /// What is known so far of a job's entries, by their number, in order.
    pub(super) async fn outcomes(&self, id: &CompileId) -> Result<Vec<(i64, Outcome)>, store::Error> {
        let found = self.found_outcomes(id).await?;
        let read = found
            .iter()
            .filter_map(|found| Some((found.place, books::read(&found.record.body)?)));
        Ok(read.collect())
    }

    /// The ids of the records of a job's results.
    pub(super) async fn outcome_ids(&self, id: &CompileId) -> Result<Vec<String>, store::Error> {
        let found = self.found_outcomes(id).await?;
        Ok(found.into_iter().map(|found| found.record.id).collect())
    }

    async fn found_outcomes(&self, id: &CompileId) -> Result<Vec<Found>, store::Error> {
        let find = Find {
            kind: OUTCOME.into(),
            term: of_job(id),
            ..Find::default()
        };
        self.store.find(&find, MOST_MEDIA).await
    }

    /// The job as it is told.
    pub(super) async fn tell(&self, id: &CompileId) -> Result<CompileJob, Trouble> {
        let (job, _) = self.job(id).await?.ok_or_else(|| Trouble::NoJob(id.clone()))?;
        let outcomes: Vec<Outcome> = self.outcomes(id).await?.into_iter().map(|(_, it)| it).collect();
        Ok(self.told(&job, &outcomes))
    }

    /// What says that a job is over, and owes the callback.
    pub(super) async fn over(
        &self,
        job: &Job,
        version: i64,
        outcomes: &[Outcome],
        at: UtcTime,
        sent: Sent,
    ) -> Result<Commit, store::Error> {
        let body = books::text(&self.told(job, outcomes));
        Ok(Commit {
            intents: self.callbacks(job, &body, sent).await?,
            audit: vec![books::job_over(job, outcomes, at)],
            ..changed(job, Expect::Version(version), (OVER, to_ms(at)))
        })
    }
}

/// What accepts a job.
pub(super) fn accepted(job: &Job) -> Commit {
    Commit {
        intents: vec![work(&job.id, "compile".into(), 0, Duration::ZERO)],
        audit: vec![books::job_asked(job)],
        ..changed(job, Expect::Absent, (OPEN, to_ms(job.accepted)))
    }
}

/// An item of the queue: some of the work on a job. `unusable` is how often in a row it met files that can't be used.
pub(super) fn work(job: &CompileId, step: String, unusable: u32, after: Duration) -> Intent {
    Intent {
        effect: EffectKey {
            source: QUEUE.into(),
            event: job.to_string(),
            step,
        },
        queue: QUEUE.into(),
        subject: None,
        body: unusable.to_string(),
        after,
    }
}

/// What says that a job is being worked on.
pub(super) fn running(job: &Job, version: i64) -> Commit {
    changed(job, Expect::Version(version), (OPEN, to_ms(job.accepted)))
}

fn changed(job: &Job, expect: Expect, (term, place): (&str, i64)) -> Commit {
    Commit {
        records: vec![Put {
            kind: JOB.into(),
            id: job.id.to_string(),
            body: Some(books::text(job)),
            expect,
        }],
        terms: vec![Terms {
            kind: JOB.into(),
            id: job.id.to_string(),
            terms: vec![(term.to_owned(), place)],
        }],
        ..Commit::default()
    }
}

/// What keeps the result of an entry, once.
pub(super) fn came_out(job: &Job, entry: usize, outcome: &Outcome) -> Commit {
    let id = outcome_id(&job.id, entry);
    let mut terms = vec![(of_job(&job.id), i64::try_from(entry).unwrap_or(i64::MAX))];
    terms.extend(outcome.made.iter().map(|made| (of_file(&made.sha256), 0)));
    Commit {
        records: vec![Put {
            kind: OUTCOME.into(),
            id: id.clone(),
            body: Some(books::text(outcome)),
            expect: Expect::Absent,
        }],
        terms: vec![Terms {
            kind: OUTCOME.into(),
            id,
            terms,
        }],
        ..Commit::default()
    }
}

impl Media {
    /// Whether an entry's result is there.
    pub(super) async fn has_outcome(&self, job: &CompileId, entry: usize) -> Result<bool, store::Error> {
        let record = self.store.record(OUTCOME, &outcome_id(job, entry)).await?;
        Ok(record.is_some())
    }
}
