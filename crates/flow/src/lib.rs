//! Trunkline's decisions as pure state machines: they take events and the time, and give back what to do.
//!
//! A machine has `handle(now, input)` and `deadline()`, which is [`Moment::NEVER`] when it waits for nothing. Its driver
//! owns the sockets and the clock, so ten minutes of a call are tested in a millisecond:
//!
//! ```
//! use flow::{Moment, menu::{self, CallFacts, KnownPrompts, session::{Action, Input, Session}}};
//! use std::{sync::Arc, time::Duration};
//!
//! let menu = menu::parse(r#"
//!     name = "Support line"
//!     operator = "ext:operator"
//!     [settings]
//!     no_input_timeout_ms = 5000
//!     [[entry]]
//!     menu = "main"
//!     [menu.main]
//!     prompts = ["welcome"]
//!     [[menu.main.option]]
//!     key = "1"
//!     action = { transfer = "ext:support" }
//! "#, KnownPrompts::Any).unwrap();
//! let call = CallFacts { ani: "+15550100".parse()?, dnis: "+18005550100".parse()?, external_id: None };
//! let mut session = Session::new(Arc::new(menu), call);
//!
//! session.handle(Moment::START, Input::Answered);
//! let actions = session.handle(Moment::START + Duration::from_millis(800), Input::Digit("1".parse()?));
//! assert!(actions.contains(&Action::Transfer("ext:support".parse()?)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bot;
pub mod calendar;
pub mod call;
pub mod condition;
pub mod delivery;
pub mod file;
pub mod follow;
pub mod menu;
pub mod moment;
pub mod playback;
pub mod prompts;
pub mod reconnect;
pub mod retry;
pub mod rules;
pub mod scenario;
pub mod share;
pub mod sync;
pub mod task;
pub mod throttle;
pub mod tickets;
pub mod token;

pub use moment::Moment;
