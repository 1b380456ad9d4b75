//! A scenario as it is run: a conversation that was written down, with what is expected of the bot.

use super::{fields::ContextFields, template::Template};
use regex::Regex;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};
use wire::conversation::State;

/// Most turns of a scenario, set-up and teardown included.
pub const MOST_TURNS: usize = 500;
/// Most runs of one scenario.
pub const MOST_RUNS: u32 = 1000;
/// How long a run may take unless the scenario says otherwise; `wait` on a virtual clock takes no time.
pub const USUAL_DEADLINE: Duration = Duration::from_secs(120);
/// How long an answer is waited for unless the scenario says otherwise.
pub const USUAL_PATIENCE: Duration = Duration::from_secs(10);

/// A scripted conversation.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called; unique among those that are run together, if reports are to be read.
    pub name: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// What it is chosen by.
    pub tags: Vec<String>,
    /// The bot instance; the tenant's own when there is none.
    pub bot: Option<String>,
    /// What the conversation's context has to begin with.
    pub context: ContextFields,
    /// Who asks.
    pub customer: Customer,
    /// What perturbations are drawn from, and the bot's variants unless it is 0: then they are others each time.
    pub seed: u64,
    /// How fast the bot must be.
    pub slo: Slo,
    /// How often a run that failed is repeated before it counts as failed.
    pub retries: u32,
    /// How often it is run, and how many of those must pass.
    pub repeat: Repeat,
    /// How long a run may take.
    pub deadline: Duration,
    /// How long an answer is waited for when nothing came yet.
    pub patience: Duration,
    /// Whether what follows a turn that failed is left out.
    pub stops_at_failure: bool,
    /// Variables and what they stand for at the beginning.
    pub vars: BTreeMap<String, String>,
    /// Turns before; when one of them fails, the others of the scenario are left out.
    pub setup: Vec<Turn>,
    /// The conversation.
    pub turns: Vec<Turn>,
    /// Turns afterwards, whatever failed.
    pub teardown: Vec<Turn>,
}

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Customer {
    /// The participant's id; made up when there is none.
    pub id: Option<String>,
    /// What is known of the customer: `firstName`, `email`, ...
    pub profile: Map<String, Value>,
}

/// How fast the bot must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slo {
    /// The 95th percentile of the times between a message and its first answer, over all runs.
    pub p95_turn: Option<Duration>,
    /// The time to the first answer of the conversation, in every run.
    pub first_answer: Option<Duration>,
}

/// How often a scenario is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// How many runs.
    pub runs: u32,
    /// How many of them must pass.
    pub at_least: u32,
}

impl Default for Repeat {
    fn default() -> Self {
        Self { runs: 1, at_least: 1 }
    }
}

/// One turn: what the customer does, and what is expected then.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its line in the file, from 1.
    pub line: usize,
    /// What the customer does.
    pub deed: Deed,
    /// What is expected of the bot.
    pub expect: Expectations,
}

/// What the customer does.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Sends a message.
    Say(Template),
    /// Presses a button of the last answers, by its label.
    Press(Template),
    /// Does nothing for so long.
    Wait(Duration),
    /// The context is changed.
    SetContext(ContextFields),
    /// The conversation is closed, or ended.
    Close(State),
    /// Only listens.
    Listen,
}

impl Deed {
    /// Whether a message is sent, so that an answer is due.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Say(_) | Self::Press(_))
    }
}

/// What is expected of a turn.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// How many answers; at least one to a message when nothing is said.
    pub answers: Option<Count>,
    /// Answers that must come, group after group.
    pub groups: Vec<Group>,
    /// What some answer must be, whichever.
    pub some: Vec<AnswerCheck>,
    /// What no answer may be.
    pub never: Vec<TextCheck>,
    /// What the bot must have understood.
    pub intent: Option<Template>,
    /// What the conversation must be like afterwards.
    pub view: ViewChecks,
    /// What is kept for later turns.
    pub captures: Vec<Capture>,
}

/// How many answers, `least..=most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// So many at least.
    pub least: u32,
    /// So many at most; any number when there is none.
    pub most: Option<u32>,
}

/// Answers that may come in any order; a group of one is in its place.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// What each of them must be.
    pub checks: Vec<AnswerCheck>,
}

/// What one answer must be, all of it.
#[derive(Debug, Clone, Default)]
pub struct AnswerCheck {
    /// Its text.
    pub texts: Vec<TextCheck>,
    /// The labels of its buttons, in order.
    pub buttons: Option<Vec<Template>>,
    /// How long after the message it may come.
    pub within: Option<Duration>,
}

/// What a text must be, or must not.
#[derive(Debug, Clone)]
pub struct TextCheck {
    /// What it is compared with, and how.
    pub how: How,
    /// It must not be so.
    pub is_negated: bool,
    /// `Yes` is `yes`.
    pub ignores_case: bool,
}

/// How a text is compared.
#[derive(Debug, Clone)]
pub enum How {
    /// The same, apart from blanks at both ends.
    Equals(Template),
    /// It is a part of the text.
    Contains(Template),
    /// It is found by this pattern.
    Matches(Pattern),
    /// It is the same as one of them.
    OneOf(Vec<Template>),
}

/// A regular expression, with variables in it perhaps.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(super) template: Template,
    /// Compiled when there are no variables in it.
    pub(super) compiled: Option<Regex>,
}

/// What the conversation must be like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ViewChecks {
    /// Its state.
    pub state: Option<State>,
    /// What the bot remembers.
    pub slots: Vec<(String, Value)>,
    /// Values of the context by their paths.
    pub context: Vec<(String, Value)>,
    /// Whether it was handed over to people.
    pub escalated: Option<bool>,
    /// Whether it was resolved.
    pub resolved: Option<bool>,
}

impl ViewChecks {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Something to keep in a variable.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The variable.
    pub variable: String,
    /// What is kept.
    pub source: CaptureSource,
}

/// Where a variable comes from.
#[derive(Debug, Clone)]
pub enum CaptureSource {
    /// The first group of this pattern (or all that it finds) in an answer.
    Answer(Pattern),
    /// A slot of the bot.
    Slot(String),
    /// A value of the context.
    Context(String),
}

impl CaptureSource {
    /// Whether the conversation must be looked at for it.
    pub fn needs_view(&self) -> bool {
        !matches!(self, Self::Answer(_))
    }
}

impl Scenario {
    /// A scenario with this name and these turns, and nothing unusual.
    pub fn new(name: impl Into<String>, turns: Vec<Turn>) -> Self {
        Self {
            name: name.into(),
            line: 1,
            tags: Vec::new(),
            bot: None,
            context: ContextFields::default(),
            customer: Customer::default(),
            seed: 0,
            slo: Slo::default(),
            retries: 0,
            repeat: Repeat::default(),
            deadline: USUAL_DEADLINE,
            patience: USUAL_PATIENCE,
            stops_at_failure: false,
            vars: BTreeMap::new(),
            setup: Vec::new(),
            turns,
            teardown: Vec::new(),
        }
    }

    /// Whether it has one of `tags`; every scenario has when there are none.
    pub fn is_tagged(&self, tags: &[String]) -> bool {
        tags.is_empty() || tags.iter().any(|tag| self.tags.contains(tag))
    }

    /// What its customer says, in order.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        let turns = self.setup.iter().chain(&self.turns).chain(&self.teardown);
        turns.filter_map(|turn| match &turn.deed {
            Deed::Say(text) | Deed::Press(text) => Some(text.source()),
            _ => None,
        })
    }
}

impl Turn {
    /// A message, with nothing expected but an answer.
    pub fn say(text: impl Into<String>) -> Self {
        Self {
            line: 1,
            deed: Deed::Say(Template::plain(text)),
            expect: Expectations::default(),
        }
    }

    /// Whether the conversation must be looked at to judge it.
    pub(super) fn needs_view(&self) -> bool {
        let mut captures = self.expect.captures.iter();
        !self.expect.view.is_empty() || captures.any(|capture| capture.source.needs_view())
    }

    /// Whether something must not come: a text, or an answer too many.
    pub fn forbids(&self) -> bool {
        !self.expect.never.is_empty() || self.count().most.is_some()
    }

    /// How many answers it needs.
    pub fn count(&self) -> Count {
        let implied = Count {
            least: u32::from(self.deed.is_message()),
            most: None,
        };
        self.expect.answers.unwrap_or(implied)
    }
}
