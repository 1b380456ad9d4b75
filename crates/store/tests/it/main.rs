//! What the store promises, on every engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod contract;
mod database;
mod make;
mod model;

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
