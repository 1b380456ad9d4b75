//! Telling the audit log, the webhook's receiver and the platform's analytics, beside the playing.

use super::{PlaybackError, analytics, commits::Commits, entries};
use audit::Entry;
use client::{Error, Playback};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use wire::{
    ids::SessionId,
    playback::{AnalyticsEvent, Control, NewSession, PlaybackEvent, Session},
};

/// Most events that wait for the store, and for the platform's analytics.
const MOST_WAITING: usize = 1024;
/// How long the end waits for what was not told yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// What could not be told; the log says why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Untold {
    /// Events that are not in the audit log, and of which no webhook tells.
    pub entries: u64,
    /// Events that the platform's analytics did not take.
    pub analytics: u64,
}

/// Something that happened.
pub(super) struct Told {
    pub(super) what: What,
    /// What the webhook says, and the number of the event in its session.
    pub(super) event: Option<(PlaybackEvent, u64)>,
}

pub(super) enum What {
    Noted(Entry),
    /// The entry has the stability, which is known only when it is committed.
    Over(Session),
}

/// What is lost so far.
#[derive(Default)]
pub(super) struct Lost {
    entries: AtomicU64,
    analytics: AtomicU64,
}

/// Takes what is to be told, and never waits.
#[derive(Clone)]
pub(super) struct Teller {
    commits: mpsc::Sender<Told>,
    analytics: mpsc::Sender<AnalyticsEvent>,
    lost: Arc<Lost>,
}

/// The tasks that tell.
pub(super) struct Tellers(Vec<JoinHandle<()>>);

impl Teller {
    pub(super) fn start(commits: Commits, platform: Playback) -> (Self, Tellers) {
        let (to_commit, told) = mpsc::channel(MOST_WAITING);
        let (to_post, events) = mpsc::channel(MOST_WAITING);
        let lost = Arc::<Lost>::default();
        let tasks = vec![
            tokio::spawn(commits.run(told, lost.clone())),
            tokio::spawn(analytics::post(platform, events, lost.clone())),
        ];
        let teller = Self {
            commits: to_commit,
            analytics: to_post,
            lost,
        };
        (teller, Tellers(tasks))
    }

    /// The first event of a session.
    pub(super) fn started(&self, directive: &NewSession, session: &Session, took: Duration) {
        let entry = entries::started(directive, session, took);
        self.tell(What::Noted(entry), Some((session, 1)));
    }

    pub(super) fn refused(&self, directive: &NewSession, why: &PlaybackError, took: Duration) {
        let entry = entries::refused(directive, &why.to_string(), took);
        self.tell(What::Noted(entry), None);
    }

    /// `event` counts the events of the session; `None` when another tells of this too.
    pub(super) fn controlled(
        &self,
        control: &Control,
        session: &Session,
        took: Duration,
        event: Option<u64>,
    ) {
        let entry = entries::controlled(control, session, took);
        self.tell(What::Noted(entry), event.map(|number| (session, number)));
    }

    pub(super) fn not_controlled(&self, control: &Control, session: &SessionId, why: &Error, took: Duration) {
        let entry = entries::not_controlled(control, session, &why.to_string(), took);
        self.tell(What::Noted(entry), None);
    }

    pub(super) fn over(&self, session: &Session, event: u64) {
        self.tell(What::Over(session.clone()), Some((session, event)));
    }

    pub(super) fn lost(&self, session: &SessionId, why: &PlaybackError) {
        self.tell(What::Noted(entries::lost(session, &why.to_string())), None);
    }

    fn tell(&self, what: What, event: Option<(&Session, u64)>) {
        let event = event.map(|(session, number)| (PlaybackEvent::of(session, entries::now()), number));
        let analytics = event.as_ref().map(|(event, _)| AnalyticsEvent::from(event));
        if self.commits.try_send(Told { what, event }).is_err() {
            self.lost.entry("too many wait for the store");
        }
        if let Some(analytics) = analytics
            && let Err(TrySendError::Full(event) | TrySendError::Closed(event)) =
                self.analytics.try_send(analytics)
        {
            self.lost
                .analytics(event.session_id(), "too many wait for the platform");
        }
    }
}

impl Tellers {
    /// Returns when all is told, or was not for too long. Nobody may tell any more.
    pub(super) async fn end(self, teller: Teller) -> Untold {
        let lost = teller.lost.clone();
        drop(teller);
        let deadline = Instant::now() + PATIENCE;
        for mut task in self.0 {
            if timeout_at(deadline, &mut task).await.is_err() {
                tracing::warn!("not all that happened to playbacks could be told in time");
                task.abort();
            }
        }
        lost.so_far()
    }
}

impl Lost {
    pub(super) fn entry(&self, why: &str) {
        self.entries.fetch_add(1, Ordering::Relaxed);
        tracing::error!(why, "an audit entry of a playback is lost");
    }

    pub(super) fn analytics(&self, session: &str, why: &str) {
        self.analytics.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(session, why, "an analytics event is lost");
    }

    fn so_far(&self) -> Untold {
        Untold {
            entries: self.entries.load(Ordering::Relaxed),
            analytics: self.analytics.load(Ordering::Relaxed),
        }
    }
}
