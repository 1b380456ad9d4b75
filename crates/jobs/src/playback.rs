//! Plays prompts and steers them (contract section 3): checks the directive, keeps within bounds, starts, follows, controls, and tells.
//!
//! Whatever is told (audit log, analytics, webhook) is told by tasks of their own: playing waits for none of it.
//!
//! ```no_run
//! # async fn run(store: store::Store, platform: client::Transport, directive: wire::playback::NewSession) -> Result<(), Box<dyn std::error::Error>> {
//! use jobs::playback::{Player, Work};
//! use wire::playback::Control;
//!
//! let player = Player::new(Work::new(&platform, store));
//! let mut playing = player.play(directive).await?;
//! playing.control(&Control::Seek { position_ms: 2000 }).await?;
//! while !playing.session().playback_state.is_over() {
//!     playing.next().await?;
//! }
//! println!("{}", playing.session().playback_state);
//! drop(playing);
//! player.close().await;
//! # Ok(()) }
//! ```

mod analytics;
mod commits;
mod entries;
mod gate;
mod playing;
mod stability;
mod telling;

pub use commits::{Hook, WEBHOOK_TIMEOUT, webhook_effect};
pub use playing::{Place, Playing};
pub use stability::{Stability, stability};
pub use telling::Untold;

use client::{Error, Playback, Transport};
use commits::Commits;
use flow::throttle::Bounds;
use gate::Gate;
use std::{num::NonZeroU32, time::Duration};
use store::Store;
use telling::{Teller, Tellers};
use tokio::time::{Instant, timeout};
use uuid::Uuid;
use wire::{
    Faults,
    ids::CorrelationId,
    page::PageAsked,
    playback::{Conflict, MOST_STREAMS, NewSession, Session, SessionFilter},
};

/// How long a session of which nobody knows whether it was started is tried to be stopped.
const UNDO: Duration = Duration::from_secs(5);

/// What prompts are played on, and who is told.
pub struct Work {
    /// The platform.
    pub transport: Transport,
    /// Its name in the books: the same platform, the same name.
    pub books: String,
    /// Where audit entries, stability, and webhooks that are owed are kept.
    pub store: Store,
    /// Who is called back after each control event.
    pub hook: Option<Hook>,
    /// How much is started at once.
    pub bounds: Bounds,
}

impl Work {
    /// A platform by its host's name, the usual bounds, and no webhook.
    pub fn new(transport: &Transport, store: Store) -> Self {
        Self {
            transport: transport.clone(),
            books: transport.host(),
            store,
            hook: None,
            bounds: Bounds::USUAL,
        }
    }
}

/// Why nothing is played, or nobody knows how it goes on.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// The directive can't be sent.
    #[error("the directive has faults: {0}")]
    Faults(#[from] Faults),
    /// There are as many streams as there may be.
    #[error(
        "{active} of at most {most} streams are active already; stop one, wait until one is over, or raise the limit (it is never \
         above {MOST_STREAMS})"
    )]
    Full {
        /// Active sessions of this client.
        active: u64,
        /// How many it may have.
        most: NonZeroU32,
    },
    /// The platform refuses, or can't be asked.
    #[error(transparent)]
    Platform(#[from] Error),
    /// The platform does not know the session any more.
    #[error(
        "the platform does not know the session any more; it was started anew, perhaps, so start the playback again"
    )]
    Forgotten,
}

/// Plays prompts on one platform.
pub struct Player {
    platform: Playback,
    gate: Gate,
    teller: Teller,
    tellers: Tellers,
}

impl Player {
    /// A player that is ready. Must be made within a tokio runtime.
    pub fn new(work: Work) -> Self {
        let platform = Playback::new(&work.transport);
        let commits = Commits::new(work.store, &work.books, work.hook);
        let (teller, tellers) = Teller::start(commits, platform.clone());
        Self {
            platform,
            gate: Gate::new(work.bounds),
            teller,
            tellers,
        }
    }

    /// Starts a playback, once the bounds let it.
    pub async fn play(&self, directive: NewSession) -> Result<Playing, PlaybackError> {
        directive.check()?;
        let platform = self
            .platform
            .with_correlation(CorrelationId::from_uuid(Uuid::now_v7()));
        let pass = self.gate.pass().await;
        let begun = Instant::now();
        let created = create(&platform, &directive).await;
        drop(pass);
        match created {
            Ok(session) => {
                self.teller.started(&directive, &session, begun.elapsed());
                Ok(Playing::new(platform, self.teller.clone(), session))
            }
            Err(error) => {
                self.teller.refused(&directive, &error, begun.elapsed());
                Err(error)
            }
        }
    }

    /// Returns when all that happened is told, or given up within 30 s, and says how much that was. Webhooks are owed then, not yet
    /// delivered. Drop what plays before.
    pub async fn close(self) -> Untold {
        self.tellers.end(self.teller).await
    }
}

async fn create(platform: &Playback, directive: &NewSession) -> Result<Session, PlaybackError> {
    let most = most_streams(directive);
    let active = active(platform).await?;
    if active >= u64::from(most.get()) {
        return Err(PlaybackError::Full { active, most });
    }
    match platform.create(directive).await {
        Ok(session) => Ok(session),
        // Somebody was faster.
        Err(error) if error.conflict() == Some(Conflict::StreamLimit) => Err(error.into()),
        Err(error) => {
            if may_have_started(&error) {
                let _ = timeout(UNDO, platform.stop(&directive.session)).await;
            }
            Err(error.into())
        }
    }
}

async fn active(platform: &Playback) -> Result<u64, Error> {
    let one = PageAsked { size: 1, number: 1 };
    let page = platform.list(SessionFilter::Active, one).await?;
    Ok(page.total_count)
}

fn most_streams(directive: &NewSession) -> NonZeroU32 {
    let most = directive.metadata.max_concurrent_streams.unwrap_or(MOST_STREAMS);
    NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN)
}

/// Whether the session may be there, though nobody was told so: nobody would stop it then.
fn may_have_started(error: &Error) -> bool {
    error.is_passing() || matches!(error, Error::BadAnswer { .. })
}
