//! The center over real sockets: what the contract promises to programs that nobody here wrote.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures
)]

mod access;
mod bots;
mod closing;
mod completions;
mod control;
mod conversations;
mod desk;
mod desktop;
mod erase;
mod faults;
mod garbage;
mod hello;
mod idempotency;
mod interactions;
mod journey;
mod kept;
mod leaks;
mod media;
mod oauth;
mod page;
mod playback;
mod profiles;
mod refusals;
mod restart;
mod sounds;
mod support;
mod takeover;
mod tasks;
mod tls;
