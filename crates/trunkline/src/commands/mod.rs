//! One file per command.

pub(crate) mod call;
pub(crate) mod center;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod menu_call;
pub(crate) mod menu_check;
mod menu_file;
pub(crate) mod menu_graph;
mod signals;
