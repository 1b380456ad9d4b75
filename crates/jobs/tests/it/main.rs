//! The jobs on scripted platforms; menus in virtual time.

// Clippy's own exception is for the test functions alone, not for what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod calls;
mod connection;
mod conversations;
mod follow_up;
mod playback;
mod profiles;
mod prompts;
mod support;
mod sync;
