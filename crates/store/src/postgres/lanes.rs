//! Lanes carry commits to the database: each takes what waits, as one batch and one transaction, while the others are
//! on their way.
//!
//! When the answer to a COMMIT is lost, the lane asks: every batch writes its number into the lane's row, within its
//! own transaction. (`pg_xact_status` would not do: after a crash the server gives the numbers of lost transactions
//! to new ones.)

use super::{
    Core,
    batch::{self, Failed, Mark},
    job::Job,
    session::{Patience, Session},
    text,
    trouble::Trouble,
};
use crate::{Committed, Error};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, mpsc};

/// How many batches are on their way at once.
pub(super) const LANES: usize = 3;
/// The most commits of one batch.
const BATCH: usize = 64;
/// How often a lane looks for more before it leaves.
const BREATH: usize = 3;
/// The most commits that wait.
pub(super) const WAITING: usize = 4096;
/// A batch tries for as long as its first commit may wait, but at least this long.
const LEAST_PATIENCE: Duration = Duration::from_secs(3);

/// Commits that wait, for the first lane that is free.
pub(super) type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

/// One way to the database.
pub(super) struct Lane {
    core: Arc<Core>,
    id: String,
    /// The number of the newest batch.
    number: i64,
}

/// What became of a batch.
enum Outcome {
    Committed,
    /// Nothing was written, because of this.
    Refused(Failed),
}

impl Lane {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            id: uuid::Uuid::new_v4().to_string(),
            number: 0,
        }
    }

    /// Carries commits until there will be no more.
    pub(super) async fn run(mut self, queue: Queue) {
        loop {
            let jobs = self.next(&queue).await;
            if jobs.is_empty() {
                return;
            }
            self.carry(jobs).await;
        }
    }

    /// What waits; nothing when the store is closed and all is done.
    async fn next(&self, queue: &Queue) -> Vec<Job> {
        let mut queue = queue.lock().await;
        let mut jobs = Vec::with_capacity(BATCH);
        tokio::select! {
            biased;
            _ = queue.recv_many(&mut jobs, BATCH) => return self.and_more(jobs, &mut queue).await,
            () = self.core.closing.cancelled() => {}
        }
        queue.close();
        queue.recv_many(&mut jobs, BATCH).await;
        jobs
    }

    /// Commits that are made in the same breath go together.
    async fn and_more(&self, mut jobs: Vec<Job>, queue: &mut mpsc::Receiver<Job>) -> Vec<Job> {
        for _ in 0..BREATH {
            tokio::task::yield_now().await;
            while jobs.len() < BATCH {
                let Ok(job) = queue.try_recv() else { break };
                jobs.push(job);
            }
        }
        jobs
    }

    async fn carry(&mut self, jobs: Vec<Job>) {
        let now = Instant::now();
        let (jobs, late): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.until > now);
        answer_error(late, Trouble::Silent.into_error());
        match self.commit(&jobs).await {
            Ok(Outcome::Committed) => {
                self.core.committed(&jobs);
                answer(jobs, || Ok(Committed::Done));
            }
            // One that can't be written must not keep the others from it.
            Ok(Outcome::Refused(_)) | Err(Error::Failed(_)) if jobs.len() > 1 => {
                for job in jobs {
                    self.carry_alone(job).await;
                }
            }
            Ok(Outcome::Refused(failed)) => {
                for job in jobs {
                    self.refuse(job, failed).await;
                }
            }
            Err(error) => answer_error(jobs, error),
        }
    }

    async fn carry_alone(&mut self, job: Job) {
        Box::pin(self.carry(vec![job])).await;
    }

    /// Tells the commit why it was not written.
    async fn refuse(&mut self, job: Job, failed: Failed) {
        let committed = match failed {
            Failed::Stale => Ok(Committed::Stale),
            Failed::Conflict => Ok(Committed::Conflict),
            Failed::Known => match self.first_answer(&job).await {
                Ok(Some(answer)) => Ok(Committed::Duplicate { answer }),
                // It was purged in between: the event is new again.
                Ok(None) => return self.carry_alone(job).await,
                Err(error) => Err(error),
            },
        };
        let _ = job.answer.send(committed);
    }

    async fn first_answer(&self, job: &Job) -> Result<Option<String>, Error> {
        let Some(event) = &job.commit.event else {
            return Ok(None);
        };
        let kept = super::read::event(&self.core.connections, &event.source, &event.id).await?;
        Ok(kept.map(|kept| kept.event.answer))
    }

    /// Commits a batch, however many attempts it takes.
    async fn commit(&mut self, jobs: &[Job]) -> Result<Outcome, Error> {
        if jobs.is_empty() {
            return Ok(Outcome::Committed);
        }
        self.number += 1;
        let in_doubt = AtomicBool::new(false);
        let mut patience = Patience::new(patience_of(jobs));
        loop {
            let trouble = match patience.bound(self.attempt(jobs, &in_doubt)).await {
                Ok(outcome) => return Ok(outcome),
                Err(trouble) => trouble,
            };
            match patience.after(trouble).await {
                Ok(()) => {}
                // It may have been written: nobody must be told that it failed.
                Err(Error::Failed(source)) if in_doubt.load(Ordering::Relaxed) => {
                    return Err(Error::Unavailable(source));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// `in_doubt` is whether a COMMIT was sent whose answer is not known. (The attempt may be given up at any point.)
    async fn attempt(&self, jobs: &[Job], in_doubt: &AtomicBool) -> Result<Outcome, Trouble> {
        let session = self.core.connections.session().await?;
        if in_doubt.load(Ordering::Relaxed) {
            if self.was_committed(&session).await? {
                session.done();
                return Ok(Outcome::Committed);
            }
            in_doubt.store(false, Ordering::Relaxed);
        }
        let mark = Mark {
            lane: &self.id,
            number: self.number,
        };
        let outcome =
            match batch::write(&session, jobs, &mark, &self.core.claims, self.core.clock.now_ms()).await? {
                Some(failed) => {
                    session.run("ROLLBACK").await?;
                    Outcome::Refused(failed)
                }
                None => {
                    in_doubt.store(true, Ordering::Relaxed);
                    session.run("COMMIT").await?;
                    Outcome::Committed
                }
            };
        session.done();
        Ok(outcome)
    }

    /// Waits for the end of the lane's last transaction, and says whether it was committed. The transaction held the
    /// lane's row before its COMMIT was sent, so it can't come to life any later.
    async fn was_committed(&self, session: &Session) -> Result<bool, Trouble> {
        let now = self.core.clock.now_ms();
        let last = session.query_opt(text::LAST_BATCH, &[&self.id, &now]).await?;
        let number: Option<i64> = last.map(|row| row.try_get(0)).transpose()?;
        Ok(number == Some(self.number))
    }
}

fn patience_of(jobs: &[Job]) -> Duration {
    let first = jobs.iter().map(|job| job.until).min();
    let left = first.map(|until| until.saturating_duration_since(Instant::now()));
    left.unwrap_or_default().max(LEAST_PATIENCE)
}

fn answer(jobs: Vec<Job>, mut what: impl FnMut() -> Result<Committed, Error>) {
    for job in jobs {
        // Whoever asked may have gone.
        let _ = job.answer.send(what());
    }
}

/// Tells all of them what happened to the batch.
fn answer_error(jobs: Vec<Job>, error: Error) {
    match error {
        Error::Unavailable(source) => {
            let source: Arc<dyn std::error::Error + Send + Sync> = source.into();
            answer(jobs, || Err(Error::unavailable(source.clone())));
        }
        Error::Failed(source) => {
            let source: Arc<dyn std::error::Error + Send + Sync> = source.into();
            answer(jobs, || Err(Error::failed(source.clone())));
        }
        Error::Full => answer(jobs, || Err(Error::Full)),
        // The others are never said by the database.
        other => {
            let source: Arc<dyn std::error::Error + Send + Sync> = Arc::new(other);
            answer(jobs, || Err(Error::failed(source.clone())));
        }
    }
}
