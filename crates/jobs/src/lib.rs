//! The jobs that Trunkline does on a platform: [`menu`] leads calls through a menu, [`follow_up`] follows up what customers say
//! after an interaction, [`prompts`] builds compiled prompts from audio files and texts, [`playback`] plays them and steers them, [`sync`] keeps
//! another system in step with conversations.
//!
//! A job is a driver around a machine of the `flow` crate: it passes events in and carries out what comes back. What it
//! does is noted in the [`audit`] log, a port that the store serves.
//!
//! ```
//! use audit::{Actor, Entry, Outcome};
//! use jobs::audit::{AuditLog, MemoryLog};
//!
//! let log = MemoryLog::default();
//! log.record(Entry {
//!     at: "2026-11-21T09:30:00Z".parse()?,
//!     actor: Actor::Menu,
//!     action: "menu.no_input".into(),
//!     subject: Some("call-1".into()),
//!     correlation: None,
//!     outcome: Outcome::Success,
//!     detail: Default::default(),
//!     personal: Vec::new(),
//! });
//! assert_eq!(log.entries().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
pub mod conversations;
pub mod follow_up;
pub mod menu;
mod page;
pub mod playback;
pub mod prompts;
pub mod report;
pub mod sync;
