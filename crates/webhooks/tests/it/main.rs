//! Webhooks against real stores, real sockets, and other people's signatures.

// Clippy's own exception is for the test functions alone, not for what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod callbacks;
mod deliveries;
mod endpoints;
mod receivers;
mod support;
mod third_party;
mod vectors;
