//! One session as everybody may look at it. The engine alone writes to it; who reads never waits for a frame.

use super::source::Source;
use flow::playback::{Cause, FRAME_MS, Interruption, Playback};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use wire::{
    UtcTime,
    ids::{ClientId, CorrelationId, PromptId, SessionId},
    playback::{self as wired, PlaybackConfig, PlaybackState, Session as Wired, in_ms},
};

/// The path of the sessions.
pub(super) const PATH: &str = "/api/v2/media/sessions";

/// Names a session within this process, in the order in which they were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Serial(pub(super) u64);

impl Serial {
    /// Which of so many it falls to, from 0.
    pub(super) fn among(self, many: usize) -> usize {
        (self.0 % many.max(1) as u64) as usize
    }
}

/// What does not change.
pub(super) struct Facts {
    pub(super) serial: Serial,
    pub(super) id: SessionId,
    pub(super) client: ClientId,
    pub(super) prompt: PromptId,
    /// The file that is played, whatever becomes of the prompt.
    pub(super) source: Source,
    pub(super) config: PlaybackConfig,
    pub(super) created_at: UtcTime,
    pub(super) correlation: CorrelationId,
    pub(super) format_verified: bool,
    pub(super) buffer_preloaded: bool,
}

/// What changes seldom.
#[derive(Debug, Clone)]
struct Standing {
    state: PlaybackState,
    latency: Duration,
    duration_ms: u64,
    interruption: Option<Interruption>,
    failure: Option<String>,
}

/// What changes with every frame.
#[derive(Default)]
struct Progress {
    /// The frame that is next.
    next: AtomicU32,
    played: AtomicU64,
    sent: AtomicU64,
    underruns: AtomicU32,
    /// Keys that came while none may interrupt.
    ignored_keys: AtomicU32,
}

/// A session, live or over.
pub(super) struct Session {
    pub(super) facts: Facts,
    progress: Progress,
    standing: Mutex<Standing>,
}

impl Session {
    pub(super) fn new(facts: Facts, duration_ms: u64) -> Self {
        Self {
            facts,
            progress: Progress::default(),
            standing: Mutex::new(Standing {
                state: PlaybackState::Buffering,
                latency: Duration::ZERO,
                duration_ms,
                interruption: None,
                failure: None,
            }),
        }
    }

    /// The first frame is ready to be sent, so long after the directive was received.
    pub(super) fn ready(&self, latency: Duration) {
        self.standing().latency = latency;
    }

    /// A frame is over: the playback goes on at `next`.
    pub(super) fn advanced(&self, playback: &Playback) {
        let next = u32::try_from(playback.position_ms() / FRAME_MS).unwrap_or(u32::MAX);
        self.progress.next.store(next, Relaxed);
        self.progress.played.store(playback.played_frames(), Relaxed);
    }

    /// A frame went out.
    pub(super) fn sent(&self) {
        self.progress.sent.fetch_add(1, Relaxed);
    }

    /// So many frames were not there in time.
    pub(super) fn underrun(&self, frames: u32) {
        self.progress.underruns.fetch_add(frames, Relaxed);
    }

    /// A key came that does not interrupt.
    pub(super) fn ignored_key(&self) {
        self.progress.ignored_keys.fetch_add(1, Relaxed);
    }

    /// The state, or what stands beside it, has changed. `is_told` when the interruption has been handed on.
    pub(super) fn changed(&self, playback: &Playback, is_told: bool) {
        self.advanced(playback);
        let mut standing = self.standing();
        standing.state = playback.state();
        standing.duration_ms = playback.duration_ms();
        if is_told {
            standing.interruption = playback.interruption();
        }
    }

    /// Why it failed.
    pub(super) fn failed(&self, reason: String) {
        self.standing().failure = Some(reason);
    }

    /// It never began.
    pub(super) fn abandoned(&self, reason: String) {
        let mut standing = self.standing();
        standing.state = PlaybackState::Failed;
        standing.failure = Some(reason);
    }

    pub(super) fn state(&self) -> PlaybackState {
        self.standing().state
    }

    pub(super) fn is_over(&self) -> bool {
        self.state().is_over()
    }

    /// Whether it ran as it should: checked, preloaded, without a frame that was late, and not failed.
    pub(super) fn is_stable(&self) -> bool {
        self.facts.format_verified
            && self.facts.buffer_preloaded
            && self.progress.underruns.load(Relaxed) == 0
            && self.state() != PlaybackState::Failed
    }

    pub(super) fn ignored_keys(&self) -> u32 {
        self.progress.ignored_keys.load(Relaxed)
    }

    /// As it is told on the wire.
    pub(super) fn view(&self) -> Wired {
        let standing = self.standing().clone();
        let facts = &self.facts;
        Wired {
            id: facts.id.clone(),
            prompt_id: Some(facts.prompt.clone()),
            playback_state: standing.state,
            format_verified: facts.format_verified,
            buffer_preloaded: facts.buffer_preloaded,
            latency_ms: in_ms(standing.latency),
            position_ms: u64::from(self.progress.next.load(Relaxed)) * FRAME_MS,
            duration_ms: standing.duration_ms,
            frames_sent: self.progress.sent.load(Relaxed),
            played_ms: self.progress.played.load(Relaxed) * FRAME_MS,
            underruns: self.progress.underruns.load(Relaxed).into(),
            interruption: standing.interruption.map(on_the_wire),
            failure: standing.failure,
            codec: Some(facts.config.codec),
            created_at: Some(facts.created_at),
            self_uri: format!("{PATH}/{}", facts.id),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn on_the_wire(interruption: Interruption) -> wired::Interruption {
    let at_ms = interruption.at_ms;
    match interruption.cause {
        Cause::Key(digit) => wired::Interruption::Dtmf {
            digit: Some(digit),
            at_ms,
        },
        Cause::Voice => wired::Interruption::Voice { at_ms },
    }
}
