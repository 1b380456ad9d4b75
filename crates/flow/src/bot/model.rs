//! A bot file that was read: every reference is resolved, so nothing here can be wrong.

use super::{
    call::CallPlan,
    matcher::Matcher,
    slot::Kind,
    template::Template,
    words::{Negations, SmallWords},
};
use crate::condition::Condition;
use regex::Regex;
use serde_json::Value;
use std::{collections::HashMap, time::Duration};
use wire::conversation::Button;

/// A whole bot file.
#[derive(Debug, Clone)]
pub struct Bot {
    /// What the bot is called.
    pub name: String,
    pub(super) settings: Settings,
    pub(super) begin: Option<StepId>,
    pub(super) slots: Vec<Slot>,
    pub(super) intents: Vec<Intent>,
    pub(super) steps: Vec<Step>,
    pub(super) fallback: Fallback,
    pub(super) idle: Vec<Idle>,
    pub(super) matcher: Matcher,
    pub(super) slot_names: HashMap<String, SlotId>,
    pub(super) step_names: HashMap<String, StepId>,
}

/// One of a bot's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StepId(pub(super) usize);

/// One of a bot's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotId(pub(super) usize);

#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The least that a text must be like an intent, 0.0 to 1.0.
    pub(super) threshold: f64,
    /// How much more it must be like that one than like any other.
    pub(super) margin: f64,
    pub(super) negations: Negations,
    pub(super) small_words: SmallWords,
}

#[derive(Debug, Clone)]
pub(super) struct Intent {
    pub(super) name: String,
    pub(super) patterns: Vec<Regex>,
    pub(super) when: Option<Condition>,
    /// Heard also before an open question is taken as answered.
    pub(super) interrupts: bool,
    /// An open question is not asked again afterwards.
    pub(super) abandons: bool,
    pub(super) forget: Vec<SlotId>,
    pub(super) say: Vec<Message>,
    pub(super) step: Option<StepId>,
    /// What it leads to without a question resolves the conversation: a text that says no must not get there.
    pub(super) is_strict: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) prompt: Vec<Message>,
    pub(super) invalid: Vec<Message>,
    /// How many invalid answers are forgiven.
    pub(super) retries: u32,
    pub(super) failed: Option<StepId>,
    /// Where in the conversation's context its value is, as names from the outside in.
    pub(super) context: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) forget: Vec<SlotId>,
    pub(super) set: Vec<(SlotId, Setting)>,
    pub(super) say: Vec<Message>,
    /// Whether the conversation is resolved from here on, or is not any more.
    pub(super) resolve: Option<bool>,
    pub(super) does: Does,
    pub(super) next: Vec<Branch>,
}

/// What a step does after it has said what it says.
#[derive(Debug, Clone)]
pub(super) enum Does {
    Nothing,
    /// Asks for a slot, unless it has a value and is not asked for `again`.
    Ask {
        slot: SlotId,
        again: bool,
    },
    Call(CallPlan),
    Escalate(Template),
    Close,
    Repeat,
}

/// What a slot is set to.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    Value(Value),
    Text(Template),
}

#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) when: Option<Condition>,
    pub(super) to: StepId,
}

/// One answer: one of its texts is said.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) texts: Vec<Template>,
    pub(super) buttons: Vec<Button>,
    pub(super) pause_ms: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Fallback {
    pub(super) say: Vec<Message>,
    /// How many in a row lead to `step`.
    pub(super) after: u32,
    pub(super) step: Option<StepId>,
}

/// What happens when nothing was said for a while.
#[derive(Debug, Clone)]
pub(super) struct Idle {
    /// Since the customer's last message.
    pub(super) after: Duration,
    pub(super) step: StepId,
}

impl Bot {
    /// What a set of scenarios can reach: each intent, each step, the fallback, and what happens on silence.
    ///
    /// Written as `intent:track_order`, `step:ask_number`, `fallback` and `idle:1`; [`Dialogue::covered`](super::Dialogue::covered)
    /// names them in the same way.
    pub fn coverage_items(&self) -> Vec<String> {
        let intents = self
            .intents
            .iter()
            .map(|intent| format!("intent:{}", intent.name));
        let steps = self.steps.iter().map(|step| format!("step:{}", step.name));
        let idle = (1..=self.idle.len()).map(|nth| format!("idle:{nth}"));
        intents
            .chain(steps)
            .chain(["fallback".to_owned()])
            .chain(idle)
            .collect()
    }

    /// Whether one of the steps says again what was said last.
    pub(super) fn repeats(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.does, Does::Repeat))
    }

    pub(super) fn step(&self, id: StepId) -> &Step {
        &self.steps[id.0]
    }

    pub(super) fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.0]
    }

    pub(super) fn step_named(&self, name: &str) -> Option<&Step> {
        self.step_names.get(name).map(|id| self.step(*id))
    }

    pub(super) fn slot_named(&self, name: &str) -> Option<SlotId> {
        self.slot_names.get(name).copied()
    }
}
