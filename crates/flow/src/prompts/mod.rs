//! Prompts: what people write of them ([`parse()`]), which of several serves a node, and waiting for compilations ([`watch`]).
//!
//! ```
//! use flow::prompts::{self, Standing};
//!
//! let manifest = prompts::parse(r#"
//!     flow = "support"
//!     [[prompt]]
//!     id = "welcome"
//!     file = "welcome.flac"
//!     [[prompt]]
//!     id = "welcome-christmas"
//!     node = "welcome"
//!     priority = 10
//!     text = "Merry Christmas, and welcome."
//! "#).unwrap();
//! let standings = manifest.standings();
//! assert_eq!(standings[1], Standing::Serves);
//! assert_eq!(standings[0], Standing::GivesWay { to: manifest.prompts[1].id.clone() });
//! ```

mod model;
mod parse;
pub mod watch;

pub use model::{Language, Manifest, Prompt, Source, Speech, Standing};
pub use parse::{LONGEST_TEXT, MAX_FILE_BYTES, MAX_PROMPTS, parse};
