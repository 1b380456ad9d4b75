//! Reports of a test, for CI ([`junit()`]), for people ([`html()`]) and, as lines of a transcript, for the terminal. JSON is [`Tested`] itself.
//!
//! [`Tested`]: super::Tested

mod chart;
mod html;
mod html_case;
mod junit;
mod numbers;
#[cfg(test)]
mod tests;
mod transcript;

pub use html::html;
pub use junit::junit;
pub use transcript::{Line, around, misses};
