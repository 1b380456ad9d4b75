//! The jobs that Trunkline does on a platform. So far: [`menu`], which leads calls through a menu.
//!
//! A job is a driver around a machine of the `flow` crate: it passes events in and carries out what comes back. What it
//! does is noted in the [`audit`] log, a port that any store can serve.
//!
//! ```
//! use jobs::audit::{AuditLog, MemoryLog};
//! use flow::menu::session::AuditEvent;
//!
//! let log = MemoryLog::default();
//! log.record("2026-11-21T09:30:00Z".parse()?, &"call-1".parse()?, &AuditEvent::NoInput { menu: "main".into() });
//! assert_eq!(log.entries()[0].to_string(),
//!     r#"{"at":"2026-11-21T09:30:00.000Z","callId":"call-1","menu":"main","what":"no_input"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
pub mod menu;
