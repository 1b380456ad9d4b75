//! The store on PostgreSQL, shared by any number of processes.
//!
//! Commits go through [`lanes`], each lane's batch in one transaction ([`batch`]); everything else takes a connection
//! of the pool ([`session`]). What the database does not take now is tried again as long as patience lasts
//! ([`trouble`] says what may pass). Audit entries are committed without an index; [`audit`] gives it to them, one
//! process at a time.

mod audit;
mod audit_read;
mod batch;
mod claim;
mod elsewhere;
mod job;
mod lanes;
mod migrate;
mod read;
mod session;
mod settings;
mod terms;
mod text;
mod trouble;

pub use elsewhere::Elsewhere;

use crate::query::as_i64;
use crate::{
    Claim, Clock, Committed, Counts, EffectKey, EntryFilter, Erased, Error, Find, Found, Item, ItemFilter,
    KeptEntry, KeptEvent, Lease, Record, Row, clock::millis, hints::Hints, prepared::Prepared,
};
use ::audit::tree::{Frontier, Hash, Tile};
use claim::Claims;
use job::{Job, PendingEntry};
use lanes::{LANES, Lane, WAITING};
use session::{CONNECTIONS, Connections, PATIENCE, Session};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use trouble::Trouble;

/// How long bringing the schema up to date may take.
const MIGRATION: Duration = Duration::from_secs(600);
/// Connections for the hearts of workers, so that no load can starve them.
const LIGHT: usize = 2;

/// A database, and the tasks that work on it. Clones are the same.
#[derive(Clone)]
pub(crate) struct Postgres {
    core: Arc<Core>,
    jobs: mpsc::Sender<Job>,
    /// Ends the tasks when nobody uses the database any more.
    _open: Arc<DropGuard>,
}

/// What all tasks share.
struct Core {
    connections: Connections,
    /// What is written here may be lost when the server crashes: who is alive is soon said again.
    light: Connections,
    clock: Clock,
    hints: Hints,
    claims: Claims,
    /// Whether audit entries of ours wait for their index.
    noted: AtomicBool,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Core {
    fn new(url: &str, settings: crate::Settings, hints: Hints) -> Result<Self, Error> {
        let read = || settings::Settings::read(url);
        Ok(Self {
            connections: Connections::new(read()?, CONNECTIONS)?,
            light: Connections::new(read()?.not_durable(), LIGHT)?,
            clock: settings.clock,
            hints,
            claims: Claims::default(),
            noted: AtomicBool::new(false),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Brings the schema up to date, and the clock to that of the other processes.
    async fn prepare(&self) -> Result<(), Error> {
        let session = self
            .connections
            .patiently(|session| async { Ok(session) })
            .await?;
        let work = async {
            migrate::run(&session).await?;
            self.agree_on_time(&session).await
        };
        let prepared = tokio::time::timeout(MIGRATION, work).await;
        prepared
            .unwrap_or(Err(Trouble::Silent))
            .map_err(Trouble::into_error)?;
        session.done();
        Ok(())
    }

    /// The furthest clock of all processes is everybody's, and stays it when that process is gone.
    async fn agree_on_time(&self, session: &Session) -> Result<(), Trouble> {
        let seen = session.query_opt(text::SEE_TIME, &[&self.clock.now_ms()]).await?;
        let seen = seen.ok_or(Trouble::Odd("no time"))?;
        self.clock.saw(seen.try_get(0)?);
        Ok(())
    }

    /// Spreads the word about commits that are durable.
    fn committed(&self, jobs: &[Job]) {
        if jobs.iter().any(|job| !job.entries.is_empty()) {
            self.noted.store(true, Ordering::Relaxed);
        }
        self.claims.forget(batch::claims_of(jobs));
        let is_work = |commit: &Prepared| !commit.intents.is_empty() || commit.finish.is_some();
        if jobs.iter().any(|job| is_work(&job.commit)) {
            self.hints.give();
        }
    }

    /// So long ago, by the store's clock.
    fn before(&self, older: Duration) -> i64 {
        self.clock.now_ms().saturating_sub(millis(older))
    }
}

impl Postgres {
    pub(crate) async fn open(url: &str, settings: crate::Settings, hints: Hints) -> Result<Self, Error> {
        let core = Arc::new(Core::new(url, settings, hints)?);
        core.prepare().await?;
        Ok(Self::start(core))
    }

    fn start(core: Arc<Core>) -> Self {
        let (jobs, queue) = mpsc::channel(WAITING);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..LANES {
            core.tasks.spawn(Lane::new(core.clone()).run(queue.clone()));
        }
        core.tasks.spawn(audit::keep_in_line(core.clone()));
        Self {
            jobs,
            _open: Arc::new(core.closing.clone().drop_guard()),
            core,
        }
    }

    pub(crate) async fn commit(&self, mut commit: Prepared) -> Result<Committed, Error> {
        let sealed = std::mem::take(&mut commit.audit);
        let entries = sealed
            .into_iter()
            .map(PendingEntry::new)
            .collect::<Result<_, _>>()?;
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + PATIENCE;
        let job = Job {
            commit,
            entries,
            until,
            answer,
        };
        let sent = tokio::time::timeout(PATIENCE, self.jobs.send(job)).await;
        // Nobody takes it any more when the store is closed.
        let closed = || Trouble::Closed.into_error();
        sent.map_err(|_| Trouble::Silent.into_error())?
            .map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    pub(crate) async fn event(&self, source: &str, id: &str) -> Result<Option<KeptEvent>, Error> {
        read::event(&self.core.connections, source, id).await
    }

    pub(crate) async fn items(&self, filter: &ItemFilter, most: usize) -> Result<Vec<Item>, Error> {
        read::items(&self.core.connections, filter, most).await
    }

    pub(crate) async fn effect(&self, key: &EffectKey) -> Result<Option<Item>, Error> {
        read::effect(&self.core.connections, key).await
    }

    pub(crate) async fn replay(&self, filter: &ItemFilter) -> Result<u64, Error> {
        let count = read::replay(&self.core.connections, filter, self.core.clock.now_ms()).await?;
        self.core.hints.give();
        Ok(count)
    }

    pub(crate) async fn counts(&self) -> Result<Counts, Error> {
        read::counts(&self.core.connections).await
    }

    pub(crate) async fn waiting(&self, queue_prefix: &str) -> Result<u64, Error> {
        read::waiting(&self.core.connections, queue_prefix).await
    }

    pub(crate) async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, Error> {
        read::record(&self.core.connections, kind, id).await
    }

    pub(crate) async fn records_of(&self, kind: &str, ids: &[String]) -> Result<Vec<Record>, Error> {
        read::records_of(&self.core.connections, kind, ids).await
    }

    pub(crate) async fn find_each(
        &self,
        kind: &str,
        terms: &[String],
        most: usize,
    ) -> Result<Vec<Vec<Found>>, Error> {
        read::find_each(&self.core.connections, kind, terms, most).await
    }

    pub(crate) async fn records(&self, kind: &str, most: usize) -> Result<Vec<Record>, Error> {
        read::records(&self.core.connections, kind, most).await
    }

    pub(crate) async fn find(&self, find: &Find, most: usize) -> Result<Vec<Found>, Error> {
        read::find(&self.core.connections, find, most).await
    }

    pub(crate) async fn count(&self, kind: &str, term: &str) -> Result<u64, Error> {
        read::count(&self.core.connections, kind, term).await
    }

    pub(crate) async fn checkpoint(&self, name: &str) -> Result<Option<String>, Error> {
        read::checkpoint(&self.core.connections, name).await
    }

    pub(crate) async fn lease(
        &self,
        name: &str,
        holder: &str,
        lasts: Duration,
    ) -> Result<Option<i64>, Error> {
        let now = self.core.clock.now_ms();
        let until = now.saturating_add(millis(lasts));
        read::lease(&self.core.connections, name, holder, until, now).await
    }

    pub(crate) async fn release(&self, lease: &Lease) -> Result<(), Error> {
        read::release(&self.core.connections, lease).await
    }

    pub(crate) async fn beat(&self, worker: &str) -> Result<(), Error> {
        claim::beat(&self.core, worker).await
    }

    pub(crate) async fn leave(&self, worker: &str) -> Result<(), Error> {
        claim::leave(&self.core, worker).await?;
        self.core.hints.give();
        Ok(())
    }

    pub(crate) async fn claim(&self, worker: &str, queue: &str, most: usize) -> Result<Vec<Claim>, Error> {
        claim::claim(&self.core, worker, queue, most).await
    }

    pub(crate) async fn purge(&self, older: Duration) -> Result<u64, Error> {
        read::purge(&self.core.connections, self.core.before(older)).await
    }

    pub(crate) async fn purge_records(&self, kind: &str, older: Duration) -> Result<u64, Error> {
        read::purge_records(&self.core.connections, kind, self.core.before(older)).await
    }

    #[allow(clippy::unused_async)] // As with the other engine.
    pub(crate) async fn backup(&self, _to: &Path) -> Result<(), Error> {
        Err(Error::Unsupported {
            what: "a PostgreSQL database is backed up by its own tools; use pg_dump",
        })
    }

    pub(crate) async fn log(&self) -> Result<Frontier, Error> {
        audit_read::log(&self.core.connections).await
    }

    pub(crate) async fn entries(&self, filter: &EntryFilter, most: usize) -> Result<Vec<KeptEntry>, Error> {
        audit_read::entries(&self.core.connections, filter, most).await
    }

    pub(crate) async fn rows(&self, from: u64, most: usize) -> Result<Vec<Row>, Error> {
        audit_read::log_rows(&self.core.connections, from, most).await
    }

    pub(crate) async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        audit_read::leaf_hashes(&self.core.connections, from, to).await
    }

    pub(crate) async fn tiles(&self, level: u8, from: u64, to: u64) -> Result<Vec<Tile>, Error> {
        audit_read::tiles(&self.core.connections, level, from, to).await
    }

    pub(crate) async fn keep_checkpoint(&self, size: u64, note: &str) -> Result<(), Error> {
        audit_read::keep_checkpoint(&self.core.connections, size, note).await
    }

    pub(crate) async fn log_checkpoints(&self, from: u64, most: usize) -> Result<Vec<String>, Error> {
        audit_read::checkpoints(&self.core.connections, from, most).await
    }

    pub(crate) async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        audit_read::last_checkpoint(&self.core.connections).await
    }

    pub(crate) async fn erase(&self, person: &str) -> Result<Erased, Error> {
        audit_read::erase(&self.core.connections, person).await
    }

    pub(crate) async fn erase_subject(&self, subject: &str) -> Result<u64, Error> {
        audit_read::erase_subject(&self.core.connections, subject).await
    }

    pub(crate) async fn expire(&self, end: u64) -> Result<u64, Error> {
        audit_read::expire(&self.core.connections, as_i64(end)).await
    }

    /// Finishes what is under way, and closes the connections.
    pub(crate) async fn close(&self) {
        self.core.closing.cancel();
        self.core.tasks.close();
        self.core.tasks.wait().await;
        self.core.connections.close();
        self.core.light.close();
    }
}
