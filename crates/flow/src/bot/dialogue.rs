//! One conversation with a bot.

mod hearing;
mod walk;

use super::{
    act::Act,
    call::{self, CallOutcome},
    model::{Bot, SlotId, StepId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt, time::Duration};

/// The longest message that a bot says, in characters; what is over is left out.
pub const MAX_SAID: usize = 10_000;
/// Most steps that are walked for one message: whoever gets there goes in circles, and is handed to a human.
pub const MAX_STEPS_PER_TURN: usize = 64;
/// Most messages that a bot says for one message.
pub const MAX_SAID_PER_TURN: usize = 50;

/// Where a conversation with a bot stands: small, and kept as JSON between messages.
///
/// Steps and slots are kept by name, so it may go on with a bot file that was changed: what is gone is forgotten.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dialogue {
    seed: u64,
    /// How often something was chosen by chance.
    draws: u64,
    #[serde(skip_serializing_if = "Map::is_empty")]
    slots: Map<String, Value>,
    /// The question that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    asking: Option<Asking>,
    /// The call-out that is waited for: its step and its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    calling: Option<(String, u64)>,
    calls: u64,
    /// The intent that the dialogue is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// What the last message was understood as.
    #[serde(skip_serializing_if = "Option::is_none")]
    understood: Option<Understood>,
    /// The steps of this turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    walked: Vec<String>,
    /// What else of the bot this turn used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    used: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    fallbacks: u32,
    idles: usize,
    handed_over: bool,
    /// What was said last, if the bot can repeat it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    said: Vec<Act>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Asking {
    slot: String,
    /// Where it goes on from.
    step: String,
    /// Invalid answers so far.
    tries: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Understood {
    intent: String,
    confidence: f64,
}

impl Dialogue {
    /// A conversation begins: the bot may speak first. The same seed gives the same answers.
    pub fn begin(bot: &Bot, seed: u64) -> (Self, Vec<Act>) {
        Self::begin_in(bot, seed, &Value::Null)
    }

    /// The same, with what the conversation's context has for the bot's slots.
    pub fn begin_in(bot: &Bot, seed: u64, context: &Value) -> (Self, Vec<Act>) {
        let mut dialogue = Self {
            seed,
            ..Self::default()
        };
        let acts = dialogue.turn(bot, context, |turn| {
            turn.know();
            if let Some(step) = bot.begin {
                turn.walk(step);
            }
        });
        (dialogue, acts)
    }

    /// The customer says something; `context` is that of the conversation. A call-out that is still waited for is given up.
    pub fn hear(&mut self, bot: &Bot, text: &str, context: &Value) -> Vec<Act> {
        self.understood = None;
        self.idles = 0;
        self.calling = None;
        if self.handed_over {
            self.begin_turn();
            return Vec::new();
        }
        self.turn(bot, context, |turn| {
            turn.know();
            turn.hear(text);
        })
    }

    /// A call-out came to an end. One that nobody waits for changes nothing.
    pub fn called(&mut self, bot: &Bot, outcome: CallOutcome) -> Vec<Act> {
        let Some((step, _)) = self.calling.take_if(|(_, number)| *number == outcome.number) else {
            return Vec::new();
        };
        // Silence may have handed over while the answer was awaited: then only what was found out counts.
        let is_over = self.handed_over;
        // What was walked before the call belongs to the same turn.
        let walked = std::mem::take(&mut self.walked);
        let used = std::mem::take(&mut self.used);
        let mut acts = self.turn(bot, &Value::Null, |turn| {
            (turn.dialogue.walked, turn.dialogue.used) = (walked, used);
            turn.called(&step, outcome.answer);
        });
        acts.retain(|act| !is_over || matches!(act, Act::Set { .. }));
        acts
    }

    /// Nothing was said for as long as [`Dialogue::idle_after`] said.
    pub fn idle(&mut self, bot: &Bot) -> Vec<Act> {
        self.understood = None;
        let Some(idle) = bot.idle.get(self.idles).filter(|_| !self.handed_over) else {
            self.begin_turn();
            return Vec::new();
        };
        self.idles += 1;
        self.turn(bot, &Value::Null, |turn| turn.silence(idle.step))
    }

    /// After how much more silence [`Dialogue::idle`] is due, counted from the last time that the customer spoke or `idle` was called.
    pub fn idle_after(&self, bot: &Bot) -> Option<Duration> {
        let next = bot.idle.get(self.idles).filter(|_| !self.handed_over)?;
        let before = self.idles.checked_sub(1).and_then(|last| bot.idle.get(last));
        Some(
            next.after
                .saturating_sub(before.map_or(Duration::ZERO, |idle| idle.after)),
        )
    }

    /// What the last message was understood as: an intent's name. None for an answer to a question, or when it was not understood.
    pub fn intent(&self) -> Option<&str> {
        self.understood
            .as_ref()
            .map(|understood| understood.intent.as_str())
    }

    /// How sure that is, 0.0 to 1.0.
    pub fn confidence(&self) -> Option<f64> {
        self.understood.as_ref().map(|understood| understood.confidence)
    }

    /// The slots that have values.
    pub fn slots(&self) -> &Map<String, Value> {
        &self.slots
    }

    /// The step walked last.
    pub fn step(&self) -> Option<&str> {
        self.step.as_deref()
    }

    /// The steps walked since the customer's last message, in their order.
    pub fn steps_walked(&self) -> &[String] {
        &self.walked
    }

    /// The same, and after them what else was reached: `fallback`, `idle:1`.
    pub fn steps_and_more(&self) -> Vec<String> {
        self.walked.iter().chain(&self.used).cloned().collect()
    }

    /// What of [`Bot::coverage_items`] was reached since the customer's last message.
    pub fn covered(&self) -> Vec<String> {
        let intent = self.intent().map(|name| format!("intent:{name}"));
        let steps = self.walked.iter().map(|name| format!("step:{name}"));
        intent
            .into_iter()
            .chain(steps)
            .chain(self.used.iter().cloned())
            .collect()
    }

    /// Whether a human has taken over: the bot says nothing more.
    pub fn is_handed_over(&self) -> bool {
        self.handed_over
    }

    /// The number of the call-out that is waited for.
    pub fn awaits_call(&self) -> Option<u64> {
        self.calling.as_ref().map(|(_, number)| *number)
    }

    fn begin_turn(&mut self) {
        self.walked.clear();
        self.used.clear();
    }

    fn turn(&mut self, bot: &Bot, context: &Value, happens: impl FnOnce(&mut Turn<'_>)) -> Vec<Act> {
        self.begin_turn();
        let mut turn = Turn {
            dialogue: self,
            bot,
            context,
            acts: Vec::new(),
            question: String::new(),
            taken: Vec::new(),
            repeats: false,
        };
        happens(&mut turn);
        let (acts, repeats) = (turn.acts, turn.repeats);
        let said = || acts.iter().filter(|act| matches!(act, Act::Say { .. }));
        if bot.repeats() && !repeats && said().next().is_some() {
            self.said = said().cloned().collect();
        }
        acts
    }
}

// What customers said does not belong in logs.
impl fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue")
            .field("step", &self.step)
            .field("intent", &self.intent())
            .field("slots", &self.slots.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What happens for one message, or for one outcome.
struct Turn<'a> {
    dialogue: &'a mut Dialogue,
    bot: &'a Bot,
    context: &'a Value,
    acts: Vec<Act>,
    /// The message that means an intent: it may have what the bot would ask for.
    question: String,
    /// The slots that were filled from it.
    taken: Vec<SlotId>,
    /// Whether it says again what was said before: that stays what is said again.
    repeats: bool,
}

impl Turn<'_> {
    /// Takes what the context has for slots.
    fn know(&mut self) {
        for (nth, slot) in self.bot.slots.iter().enumerate() {
            let found = slot
                .context
                .as_ref()
                .and_then(|path| call::at(self.context, path));
            let value =
                found.filter(|value| !value.is_null() && self.dialogue.slots.get(&slot.name) != Some(*value));
            if let Some(value) = value {
                self.set(SlotId(nth), value.clone());
            }
        }
    }

    fn slot(&self, id: SlotId) -> Option<&Value> {
        self.dialogue.slots.get(&self.bot.slot(id).name)
    }

    /// Sets a slot, also one that takes other values: those are for what customers say. Values are cut, lists and objects left out.
    fn set(&mut self, id: SlotId, value: Value) {
        let name = &self.bot.slot(id).name;
        let value = match value {
            Value::String(text) => super::slot::begin(&text, super::slot::LONGEST_VALUE).into(),
            Value::Array(_) | Value::Object(_) | Value::Null => return self.forget(id),
            simple => simple,
        };
        self.dialogue.slots.insert(name.clone(), value.clone());
        self.acts.push(Act::Set {
            slot: name.clone(),
            value,
        });
    }

    fn forget(&mut self, id: SlotId) {
        let name = &self.bot.slot(id).name;
        if self.dialogue.slots.remove(name).is_some() {
            self.acts.push(Act::Set {
                slot: name.clone(),
                value: Value::Null,
            });
        }
    }

    fn goes_to(&mut self, step: Option<StepId>) {
        if let Some(step) = step {
            self.walk(step);
        }
    }
}
