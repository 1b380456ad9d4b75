//! The v2 contract as types: what goes over the wire between Trunkline's clients and a contact centre.
//!
//! Both sides use these types, so a request that the client can build is one that the center accepts. Everything that
//! comes from outside is parsed here once, into types that cannot be wrong, and **every** fault is reported, not only the
//! first:
//!
//! ```
//! use wire::callcontrol::Hello;
//!
//! let faults = Hello::parse(r#"{"media": "video", "capabilities": ["play", "fly"]}"#).unwrap_err();
//! assert_eq!(faults.as_slice(), [
//!     "callControlId is missing",
//!     "media must be \"audio\", not \"video\"",
//!     "capabilities[1] must be one of play, dtmf, transfer, hangup, record, media, not \"fly\"",
//! ]);
//! ```
//!
//! The crate is pure: no sockets, no clock, no randomness.

pub mod callcontrol;
pub mod calls;
pub mod completion;
pub mod conversation;
pub mod desk;
pub mod digit;
pub mod error;
pub mod fault;
pub mod form;
pub mod ids;
pub mod limits;
pub mod media;
pub mod notification;
pub mod oauth;
pub mod page;
pub mod playback;
pub mod profile;
pub mod script;
pub mod task;
pub mod time;
mod words;

pub use digit::{Digit, KeySet, ShownDigit};
pub use error::ErrorBody;
pub use fault::Faults;
pub use time::UtcTime;
