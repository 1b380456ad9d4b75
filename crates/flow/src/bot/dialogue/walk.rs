//! Walking the steps until the customer is waited for.

use super::{Asking, MAX_SAID, MAX_SAID_PER_TURN, MAX_STEPS_PER_TURN, Turn};
use crate::{
    bot::{
        act::Act,
        call,
        model::{Branch, Does, Message, Setting, SlotId, Step, StepId},
        slot::begin,
        template::shown,
    },
    condition::{Condition, Facts},
};
use serde_json::Value;

/// Why a conversation is handed over that no step handed over.
const WENT_IN_CIRCLES: &str = "the bot went in circles";

impl Turn<'_> {
    pub(super) fn walk(&mut self, from: StepId) {
        let mut next = Some(from);
        while let Some(id) = next {
            if self.dialogue.walked.len() >= MAX_STEPS_PER_TURN {
                return self.escalate(WENT_IN_CIRCLES.to_owned());
            }
            let step = self.bot.step(id);
            self.enter(step);
            next = match self.does(step) {
                true => self.next(&step.next),
                false => None,
            };
        }
    }

    fn enter(&mut self, step: &Step) {
        self.dialogue.walked.push(step.name.clone());
        self.dialogue.step = Some(step.name.clone());
        step.forget.iter().for_each(|slot| self.forget(*slot));
        for (slot, setting) in &step.set {
            let value = match setting {
                Setting::Value(value) => value.clone(),
                Setting::Text(template) => template.fill(|slot| shown(self.slot(slot))).into(),
            };
            self.set(*slot, value);
        }
        // Before the words: whoever reads them finds the conversation as they say it is.
        match step.resolve {
            Some(true) => self.acts.push(Act::Resolve),
            Some(false) => self.acts.push(Act::Unresolve),
            None => {}
        }
        self.say(&step.say);
    }

    /// Does what the step does; whether it goes on at once.
    fn does(&mut self, step: &Step) -> bool {
        match &step.does {
            Does::Nothing => return true,
            Does::Ask { slot, again } if *again || self.slot(*slot).is_none() => {
                if !again && self.has_said(*slot) {
                    return true;
                }
                self.forget(*slot);
                self.ask(Asking {
                    slot: self.bot.slot(*slot).name.clone(),
                    step: step.name.clone(),
                    tries: 0,
                });
            }
            Does::Ask { .. } => return true,
            Does::Call(plan) => {
                self.dialogue.calls += 1;
                self.dialogue.asking = None;
                let number = self.dialogue.calls;
                self.dialogue.calling = Some((step.name.clone(), number));
                let request = plan.request(|slot| self.slot(slot));
                self.acts.push(Act::Call {
                    name: step.name.clone(),
                    number,
                    request,
                });
            }
            Does::Escalate(reason) => {
                let reason = reason.fill(|slot| shown(self.slot(slot)));
                self.escalate(reason);
            }
            Does::Close => {
                self.dialogue.asking = None;
                self.acts.push(Act::Close);
            }
            Does::Repeat => {
                self.repeats = true;
                let said = self.dialogue.said.clone();
                self.acts.extend(said);
            }
        }
        false
    }

    /// Whether the message that began this has the slot's value; each is taken once, so that another one can be asked for.
    fn has_said(&mut self, id: SlotId) -> bool {
        let slot = self.bot.slot(id);
        if self.taken.contains(&id) || !slot.kind.is_unmistakable() {
            return false;
        }
        self.taken.push(id);
        let found = slot.kind.find(&self.question, &self.bot.settings.negations);
        found.map(|value| self.set(id, value)).is_some()
    }

    fn escalate(&mut self, reason: String) {
        self.dialogue.handed_over = true;
        self.dialogue.asking = None;
        self.acts.push(Act::Escalate { reason });
    }

    /// Asks for a slot, and waits.
    pub(super) fn ask(&mut self, asking: Asking) {
        if let Some(slot) = self.bot.slot_named(&asking.slot) {
            self.say(&self.bot.slot(slot).prompt);
            self.dialogue.asking = Some(asking);
        }
    }

    /// A call-out of a step came to an end: its answer, or none.
    pub(super) fn called(&mut self, step: &str, answer: Option<Value>) {
        let Some(step) = self.bot.step_named(step) else {
            return;
        };
        let Does::Call(plan) = &step.does else { return };
        let Some(answer) = answer else {
            return self.walk(plan.on_error);
        };
        for (slot, path) in &plan.set {
            let value = call::at(&answer, path).cloned().unwrap_or(Value::Null);
            self.set(*slot, value);
        }
        let next = self.next(&step.next);
        self.goes_to(next);
    }

    /// The first branch whose condition holds; one that cannot be answered does not hold.
    pub(super) fn next(&self, branches: &[Branch]) -> Option<StepId> {
        let holds = |branch: &&Branch| branch.when.as_ref().is_none_or(|when| self.holds(when));
        branches.iter().find(holds).map(|branch| branch.to)
    }

    pub(super) fn holds(&self, condition: &Condition) -> bool {
        let uses = |name: &str| condition.names().iter().any(|used| used == name);
        let topic = self.dialogue.topic.clone().map_or(Value::Null, Value::String);
        let slots = if uses("slots") {
            Value::Object(self.dialogue.slots.clone())
        } else {
            Value::Null
        };
        let context = if uses("context") {
            self.context
        } else {
            &Value::Null
        };
        let facts = Facts::nested([("intent", &topic), ("slots", &slots), ("context", context)]);
        condition.holds(&facts) == Ok(true)
    }

    pub(super) fn say(&mut self, messages: &[Message]) {
        for message in messages {
            let said = self
                .acts
                .iter()
                .filter(|act| matches!(act, Act::Say { .. }))
                .count();
            let chosen = self.choose(message.texts.len());
            let Some(template) = message.texts.get(chosen).filter(|_| said < MAX_SAID_PER_TURN) else {
                continue;
            };
            let text = template.fill(|slot: SlotId| shown(self.slot(slot)));
            let text = begin(text.trim(), MAX_SAID);
            if !text.is_empty() {
                let (text, buttons, pause_ms) = (text.to_owned(), message.buttons.clone(), message.pause_ms);
                self.acts.push(Act::Say {
                    text,
                    buttons,
                    pause_ms,
                });
            }
        }
    }

    /// One of `count`, by chance: the seed and how often it was asked decide (SplitMix64).
    fn choose(&mut self, count: usize) -> usize {
        if count < 2 {
            return 0;
        }
        self.dialogue.draws += 1;
        let mut mixed = self
            .dialogue
            .seed
            .wrapping_add(self.dialogue.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % count as u64).unwrap_or(0)
    }
}
