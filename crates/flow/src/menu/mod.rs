//! Menus: the file an administrator writes, checked as a whole, and the machine that leads one call through it.
//!
//! ```
//! use flow::menu::{self, KnownPrompts};
//!
//! let broken = "name = \"Line\"\noperator = \"ext:0\"\n[[entry]]\nmenu = \"main\"\n[menu.main]\npromts = []\n";
//! let faults = menu::parse(broken, KnownPrompts::Any).unwrap_err();
//! assert_eq!(
//!     faults[0].in_file("menu.toml").to_string(),
//!     "menu.toml:5:7: menu \"main\" has no options\n  hint: add [[menu.main.option]] with a key and an action",
//! );
//! assert_eq!(faults[1].to_string(), "6:1: unknown field `promts` in menu \"main\"\n  hint: did you mean `prompts`?");
//! ```

mod check;
mod graph;
mod model;
mod parse;
mod parse_node;
pub mod session;
#[cfg(test)]
mod tests;

pub use crate::condition::CallFacts;
pub use graph::graph;
pub use model::{Entry, Menu, MenuOption, Node, NodeId, OptionAction, Prompt, Settings, Verify, prompts};
pub use parse::{KnownPrompts, MAX_FILE_BYTES, MAX_INFO_PROMPTS, MAX_MENUS, MAX_OPTIONS, MAX_PROMPTS, parse};
pub use session::Session;
