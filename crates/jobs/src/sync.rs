//! Keeps another system in step with a platform's conversations: a file, a web hook, a database, a ticketing system.
//!
//! Changes are read in pages, each with all that was said, and go to a sink while the next page is read: what is in memory is bounded
//! however much there is, and a slow sink is waited for. `flow::sync` decides what is to be delivered, and how far the checkpoint moves.
//! It moves after the sink has the changes, so each comes at least once; and since each has an id for ever, sinks apply it once.
//!
//! ```no_run
//! # async fn run(store: store::Store, transport: client::Transport) -> Result<(), Box<dyn std::error::Error>> {
//! use jobs::sync::{Settings, Work, sync};
//! use tokio_util::sync::CancellationToken;
//!
//! let work = Work::new(transport, store, "jsonl:changes.jsonl".parse()?);
//! let walked = sync(work, Settings::default(), CancellationToken::new(), |_| {}).await?;
//! println!("{} changes", walked.changes);
//! # Ok(()) }
//! ```

mod books;
mod change;
mod entries;
mod job;
mod jsonl;
mod lock;
mod pages;
mod pipeline;
#[cfg(feature = "postgres")]
mod postgres;
mod sending;
mod sink;
mod target;
mod tickets;
mod web;

pub use change::Changed;
pub use sending::SignIn;
pub use sink::{FileStep, SinkError};
pub use target::{BadTarget, Target};

use client::{Http, Transport};
use flow::{sync::Fault, tickets::Template};
use job::Job;
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use store::Store;
use tokio_util::sync::CancellationToken;
use wire::UtcTime;

/// How many conversations are asked for at once, where nobody says.
pub const USUAL_PAGE: usize = 500;
/// The longest wait of a sync that follows, after it failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause of such a sync when a platform or a sink asks for one.
const LONGEST_OBEYED: Duration = Duration::from_secs(24 * 3600);

/// What is synced, and where to.
pub struct Work {
    /// The platform.
    pub transport: Transport,
    /// Its name in the books: the same platform, the same name.
    pub platform: String,
    /// Where the checkpoint is kept, audit entries, and which tickets there are.
    pub store: Store,
    /// The folder of the lock that keeps other syncs from the same platform to the same sink out: the store's, for all who use that.
    /// `None` if there are no others.
    pub lock_folder: Option<PathBuf>,
    /// What takes the changes.
    pub target: Target,
    /// The way to a [`Target::Web`].
    pub http: Option<Arc<dyn Http>>,
    /// How that knows us.
    pub sign_in: SignIn,
    /// With it, the target is a ticketing system.
    pub template: Option<Arc<Template>>,
}

impl Work {
    /// A sync of a platform, which is called by its host.
    pub fn new(transport: Transport, store: Store, target: Target) -> Self {
        Self {
            platform: transport.host(),
            transport,
            store,
            lock_folder: None,
            target,
            http: None,
            sign_in: SignIn::Nobody,
            template: None,
        }
    }
}

/// How it is synced.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Begin with what changed then or later, whatever the checkpoint says.
    pub since: Option<UtcTime>,
    /// How late a change may become visible after its stamp.
    pub overlap: Duration,
    /// How many conversations are asked for at once.
    pub page_size: usize,
    /// Most changes in a request to a web hook.
    pub batch: usize,
    /// Whether what tells of a person is masked: card numbers, codes, e-mail addresses, telephone numbers.
    pub masked: bool,
    /// Go on until the end is asked for, with this pause between two walks.
    pub follow: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            since: None,
            overlap: Duration::from_secs(60),
            page_size: USUAL_PAGE,
            batch: 1,
            masked: true,
            follow: None,
        }
    }
}

/// What came of a sync, up to now.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Walked {
    /// Pages that were read.
    pub pages: u64,
    /// Changes that the sink has.
    pub changes: u64,
    /// What was said in those.
    pub interactions: u64,
    /// Conversations that were listed, but that the sink had.
    pub known: u64,
    /// Conversations that were gone when they were to be read.
    pub gone: u64,
    /// What changed up to then is delivered.
    pub reached: Option<UtcTime>,
    /// Whether the end was asked for before all was delivered.
    pub interrupted: bool,
}

/// Why a sync ended before its end. What was delivered is noted: the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The platform can't be asked.
    #[error(transparent)]
    Platform(#[from] client::Error),
    /// The platform's pages are not as they should be.
    #[error(transparent)]
    Pages(#[from] Fault),
    /// The sink does not take the changes.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The checkpoint can't be read or written.
    #[error("the checkpoint can't be kept")]
    Store(#[from] store::Error),
    /// The checkpoint is not one.
    #[error("the checkpoint was written by another Trunkline and can't be read; begin anew with --since")]
    Checkpoint,
    /// Another process syncs from this platform to this sink.
    #[error("another sync to {sink} is running{}; wait for its end, or end it, and begin again", in_process(*.process))]
    Running {
        /// The sink's name on the screen.
        sink: String,
        /// The process, if it is known.
        process: Option<u32>,
    },
    /// The lock against other syncs can't be taken.
    #[error("the lock {} can't be taken; check the data folder and its rights", .path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A process with another data folder moved the checkpoint.
    #[error(
        "another sync from this platform to this sink is running, with another data folder; wait for its end, or end it, and begin again"
    )]
    Overtaken,
    /// A part of it broke.
    #[error("the sync broke; begin it again to go on where it was")]
    Broken,
}

fn in_process(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(" (process {process})"))
}

impl SyncError {
    /// When to come again, if the platform or the sink says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Platform(error) => error.retry_after(),
            Self::Sink(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether the same may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Platform(error) => error.is_passing(),
            Self::Sink(error) => error.is_passing(),
            Self::Store(error) => matches!(error, store::Error::Unavailable(_) | store::Error::Full),
            Self::Pages(Fault::LinkRepeats | Fault::NoProgress) => true,
            Self::Pages(Fault::Disorder { .. })
            | Self::Checkpoint
            | Self::Running { .. }
            | Self::Lock { .. }
            | Self::Overtaken
            | Self::Broken => false,
        }
    }
}

/// Delivers what changed since the checkpoint; `progress` hears of each page that the sink has.
///
/// When `stop` is cancelled, what is on its way is delivered, and it ends. Dropping the future ends it at once; the next one goes on
/// where it was, as after an error.
pub async fn sync(
    work: Work,
    settings: Settings,
    stop: CancellationToken,
    progress: impl Fn(&Walked) + Send,
) -> Result<Walked, SyncError> {
    let follow = settings.follow;
    let mut job = Job::open(work, settings).await?;
    let mut failures = 0;
    loop {
        let walked = job.walk(&stop, &progress).await;
        let pause = match (walked, follow) {
            (Err(error), Some(every)) if error.is_passing() => {
                failures += 1;
                let pause = pause_after(&error, every, failures);
                tracing::warn!(%error, seconds = pause.as_secs(), "the sync failed and is tried again after a pause");
                pause
            }
            (Err(error), _) => return Err(error),
            (Ok(()), None) => return Ok(job.into_walked()),
            (Ok(()), Some(every)) => {
                failures = 0;
                every
            }
        };
        if !job.is_behind() || failures > 0 {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        if stop.is_cancelled() {
            return Ok(job.into_walked());
        }
    }
}

/// The pause of a sync that follows, after it failed so many times in a row.
fn pause_after(error: &SyncError, every: Duration, failures: u32) -> Duration {
    let pause = every
        .saturating_mul(2_u32.saturating_pow(failures))
        .clamp(Duration::from_secs(1), LONGEST_PAUSE);
    let asked = error.retry_after().unwrap_or_default();
    pause.max(asked.min(LONGEST_OBEYED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(retry_after: Option<u64>) -> SyncError {
        SyncError::Sink(SinkError::Refused {
            host: "sink.example".into(),
            about: "a@1".into(),
            status: 429,
            text: String::new(),
            attempts: 1,
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    #[test]
    fn a_sync_that_follows_pauses_longer_with_each_failure_and_as_long_as_it_is_asked_to() {
        let pause = |retry_after, failures| {
            pause_after(&refused(retry_after), Duration::from_secs(5), failures).as_secs()
        };
        assert_eq!([pause(None, 1), pause(None, 2), pause(None, 99)], [10, 20, 60]);
        assert_eq!([pause(Some(3), 1), pause(Some(7200), 1)], [10, 7200]);
        assert_eq!(pause(Some(u64::MAX), 1), LONGEST_OBEYED.as_secs());
    }
}
