//! Bots: the file that says what one understands and does, and the machine that leads one conversation.
//!
//! A bot is no language model. It knows *intents* by examples and patterns, asks for *slots*, and walks *steps*. The same file, seed and
//! messages give the same answers.
//!
//! ```
//! use flow::bot::{self, Act, Dialogue};
//! use serde_json::Value;
//!
//! let bot = bot::parse(r#"
//!     name = "Order bot"
//!     fallback.say = "I did not understand that."
//!     [intent.track]
//!     examples = ["where is my order"]
//!     step = "track"
//!     [slot.number]
//!     type = "pattern"
//!     pattern = '\b[0-9]{6}\b'
//!     prompt = "What is the number of your order?"
//!     [step.track]
//!     ask = "number"
//!     next = "found"
//!     [step.found]
//!     say = "Order {number} comes tomorrow."
//! "#).unwrap();
//! let (mut dialogue, acts) = Dialogue::begin(&bot, 7);
//! assert!(acts.is_empty());
//!
//! let acts = dialogue.hear(&bot, "Where's my oder?", &Value::Null);
//! assert_eq!(dialogue.intent(), Some("track"));
//! assert_eq!(acts[0].said(), Some("What is the number of your order?"));
//! let acts = dialogue.hear(&bot, "it is 123456", &Value::Null);
//! assert_eq!(acts[0], Act::Set { slot: "number".into(), value: "123456".into() });
//! assert_eq!(acts[1].said(), Some("Order 123456 comes tomorrow."));
//! ```

mod act;
mod call;
mod check;
mod dialogue;
mod matcher;
mod model;
mod parse;
mod parse_call;
mod parse_intent;
mod parse_message;
mod parse_slot;
mod parse_step;
mod slot;
mod template;
#[cfg(test)]
mod tests;
mod typos;
mod words;

pub use act::Act;
pub use call::{CallOutcome, CallRequest, MAX_CALL_ANSWER_BYTES};
pub use dialogue::{Dialogue, MAX_SAID, MAX_SAID_PER_TURN, MAX_STEPS_PER_TURN};
pub use model::Bot;
pub use parse::{MAX_FILE_BYTES, MAX_INTENTS, MAX_SLOTS, MAX_STEPS, parse};
pub use parse_intent::MAX_EXAMPLES;
pub use wire::conversation::Button;
