//! One file per command.

pub(crate) mod audit;
pub(crate) mod bot;
pub(crate) mod call;
pub(crate) mod center;
mod checking;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod menu_call;
pub(crate) mod menu_check;
mod menu_file;
pub(crate) mod menu_graph;
pub(crate) mod play;
pub(crate) mod prompts;
pub(crate) mod serve;
mod signals;
pub(crate) mod store;
pub(crate) mod tasks;
pub(crate) mod webhooks;
