//! Scripted conversations as tests: what is said, what is expected, and a machine that runs it.
//!
//! [`parse()`] reads scenario files, [`import`] those of other programs. A [`Run`] is one conversation: it says what to send, ties each
//! answer to the message that it answers, and judges. [`Perturber`] makes slips in what is said, [`fuzz`] makes dialogues up and
//! finds the shortest one that fails, [`Coverage`] counts what of a bot no scenario reached.

pub mod coverage;
mod dice;
pub mod expect;
mod fields;
pub mod fuzz;
mod heard;
pub mod import;
mod matching;
mod model;
mod parse;
mod parse_expect;
mod parse_turn;
mod pattern;
mod perturb;
pub mod quiet;
mod reader;
mod run;
pub mod stats;
mod template;
#[cfg(test)]
mod tests;
mod written;

pub use coverage::Coverage;
pub use fields::ContextFields;
pub use heard::{Heard, Standing, View};
pub use model::{
    AnswerCheck, Capture, CaptureSource, Count, Customer, Deed, Expectations, Group, How, MOST_RUNS,
    MOST_TURNS, Pattern, Repeat, Scenario, Slo, TextCheck, Turn, USUAL_DEADLINE, USUAL_PATIENCE, ViewChecks,
};
pub use parse::{MAX_BYTES, parse};
pub use perturb::{Perturbation, Perturber};
pub use reader::duration;
pub use run::{
    Action, Break, CLOSING, Came, Input, MAKING, Part, Refusal, RefusalKind, Run, RunReport, Sent,
    TurnOutcome, Verdict,
};
pub use template::{Template, Vars};
pub use wire::conversation::Button;
pub use written::to_yaml;
