//! The client against scripted platforms in virtual time, and a few real sockets.

// Clippy's own exception is for the test functions alone, not for what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod admin;
mod call_control;
mod conversations;
mod follow_up;
mod guarded;
mod media;
mod network;
mod playback;
mod profiles;
mod retries;
mod secrets;
mod support;
mod tokens;
