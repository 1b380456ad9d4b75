//! Whole-program tests: the real binary, as its user would run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod bot;
mod bot_report;
mod bot_sync;
mod bot_tickets;
mod browser;
mod callbacks;
mod center;
mod completions;
mod demo;
mod desktop;
mod follow_up;
mod kill;
mod killed;
mod menu;
mod play;
mod play_outside;
mod postgres;
mod prompts_build;
mod prompts_check;
mod proxy;
mod receiver;
mod secrets;
mod serve;
mod service;
mod store;
mod support;
mod talker;
mod tasks;
mod third_party;
mod two_centers;
mod usage;
mod webhooks;
