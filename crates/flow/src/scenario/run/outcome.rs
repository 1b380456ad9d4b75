//! What came of a run.

use crate::scenario::{
    expect::Miss,
    heard::{Heard, Standing},
};
use serde::{Deserialize, Serialize};

/// Which part of a scenario a turn belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Before.
    Setup,
    /// The conversation itself.
    Turns,
    /// Afterwards.
    Teardown,
}

/// How a turn, or a run, came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// It was not reached.
    Skipped,
}

/// Why a run was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Break {
    /// The conversation was not made: nothing could be said.
    NotMade,
    /// The platform did not do what the customer did.
    Refused,
    /// The answers can't be read.
    Unheard,
    /// The deadline passed.
    Late,
    /// Somebody ended it.
    Interrupted,
}

/// What was said, and when, in milliseconds since the conversation began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// When.
    pub at_ms: u64,
    /// What.
    pub text: String,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Came {
    /// When, in milliseconds since the conversation began.
    pub at_ms: u64,
    /// How long after the message, or after the beginning of the turn, in milliseconds.
    pub after_ms: u64,
    /// The turn was judged before it came.
    pub is_late: bool,
    /// The answer.
    #[serde(flatten)]
    pub heard: Heard,
}

/// What came of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnOutcome {
    /// The part it belongs to.
    pub part: Part,
    /// Its number within the part, from 1.
    pub number: usize,
    /// Its line in the file, from 1.
    pub line: usize,
    /// What the customer does, for people.
    pub deed: String,
    /// What was sent.
    pub sent: Vec<Sent>,
    /// What the bot answered, in the order of the conversation.
    pub answers: Vec<Came>,
    /// How it came out.
    pub verdict: Verdict,
    /// What is not as expected.
    pub misses: Vec<Miss>,
    /// What is good to know: duplicates, late answers.
    pub notes: Vec<String>,
    /// The time to the first answer to the message, in milliseconds.
    pub response_ms: Option<u64>,
    /// How the conversation stood when the turn was judged, if it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

impl TurnOutcome {
    /// The answers that came in time.
    pub fn in_time(&self) -> impl Iterator<Item = &Came> {
        self.answers.iter().filter(|came| !came.is_late)
    }
}

/// What came of one run of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// How it came out.
    pub verdict: Verdict,
    /// Every turn, in order.
    pub turns: Vec<TurnOutcome>,
    /// What the bot said before any message.
    pub opening: Vec<Came>,
    /// Why the run was broken off, if it was.
    pub broken: Option<String>,
    /// What sort of reason that is.
    pub broken_by: Option<Break>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// The time to the first answer of the conversation, in milliseconds.
    pub first_answer_ms: Option<u64>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether it was resolved, as far as is known.
    pub resolved: bool,
    /// Whether it was handed over to people, as far as is known.
    pub escalated: bool,
    /// Whether the conversation is known to be closed; nothing is left behind when it was never made.
    pub is_closed: bool,
}

impl RunReport {
    /// The times to the first answer, of all turns that had one, in milliseconds.
    pub fn response_times(&self) -> impl Iterator<Item = u64> {
        self.turns.iter().filter_map(|turn| turn.response_ms)
    }

    /// The first turn that failed.
    pub fn first_failure(&self) -> Option<&TurnOutcome> {
        self.turns.iter().find(|turn| turn.verdict == Verdict::Failed)
    }

    /// Every answer, openings included.
    pub fn answers(&self) -> impl Iterator<Item = &Heard> {
        let of_turns = self.turns.iter().flat_map(|turn| &turn.answers);
        self.opening.iter().chain(of_turns).map(|came| &came.heard)
    }
}
