//! Conversations with a bot: [`Talk`] holds one, [`test()`] runs scenarios as tests, and a [`Recording`] makes a scenario of a live talk.
//!
//! What is tied to what, when a turn is over, and what came of it is decided by [`flow::scenario::Run`]; here are the sockets and the
//! clock. A conversation is closed whatever happens: when a turn fails, when the platform breaks, and when somebody presses Ctrl-C.
//!
//! ```no_run
//! # async fn run(platform: jobs::conversations::Platform) -> Result<(), Box<dyn std::error::Error>> {
//! use jobs::conversations::{Case, Asked, test};
//! use tokio_util::sync::CancellationToken;
//!
//! let scenarios = flow::scenario::parse("{name: Greeting, turns: [{say: hello, expect: welcome}]}").map_err(|faults| faults[0].clone())?;
//! let cases = scenarios.into_iter().map(|scenario| Case::new("greeting.yaml", scenario)).collect();
//! let results = test(&platform, cases, &Asked::default(), &CancellationToken::new(), |_| {}).await;
//! println!("{} passed", results.iter().filter(|result| result.has_passed()).count());
//! # Ok(()) }
//! ```

mod driver;
mod entries;
mod error;
mod fuzzing;
mod opening;
mod outcome;
mod record;
pub mod report;
mod talk;
mod testing;

pub use driver::run;
pub use entries::TalkTurn;
pub use error::TalkError;
pub use fuzzing::{FuzzAsked, Fuzzed, fuzz};
pub use opening::Opening;
pub use outcome::{Case, CaseResult, RunOutcome, Tested};
pub use record::Recording;
pub use talk::{Clock, LONGEST_REAL_WAIT, Talk, heard};
pub use testing::{Asked, MOST_AT_ONCE, test};

use crate::audit::AuditLog;
use client::Conversations;
use std::{fmt, sync::Arc};

/// Where conversations are held.
#[derive(Clone)]
pub struct Platform {
    /// The platform's conversations.
    pub conversations: Conversations,
    /// How time passes there.
    pub clock: Clock,
    /// What is being typed is there at once, where the clock can be moved on.
    pub skips_typing: bool,
    /// The bot instance, when a scenario names none.
    pub bot: Option<String>,
    /// Where turns are noted.
    pub audit: Option<Arc<dyn AuditLog>>,
    /// E-mail addresses and telephone numbers are masked there; card numbers and codes are, whatever this says.
    pub masks_personal: bool,
    /// Keys of `botSession` that stay when the context is too large.
    pub pinned: Arc<[String]>,
}

impl Platform {
    /// A platform whose time is everybody's; the tenant's own bot answers, and nothing is noted.
    pub fn new(conversations: Conversations) -> Self {
        Self {
            conversations,
            clock: Clock::Real,
            skips_typing: false,
            bot: None,
            audit: None,
            masks_personal: true,
            pinned: Arc::new([]),
        }
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("clock", &self.clock)
            .field("bot", &self.bot)
            .finish_non_exhaustive()
    }
}
