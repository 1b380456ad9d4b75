//! What a message is taken for: an answer to the open question, an intent, or nothing the bot understands.

use super::{Asking, Turn, Understood};
use crate::bot::{
    matcher::rounded,
    model::{Intent, SlotId, StepId},
    slot::{LONGEST_SEARCHED, begin},
    words::words,
};

/// How much a text must at least be like an intent that interrupts a question: most texts are answers.
const INTERRUPTING: f64 = 0.7;

/// An intent that a message means, and the values in it.
struct Meant<'a> {
    intent: &'a Intent,
    confidence: f64,
    values: Vec<(SlotId, String)>,
}

impl<'a> Turn<'a> {
    pub(super) fn hear(&mut self, text: &str) {
        match self.dialogue.asking.take() {
            Some(asking) => self.hear_answer(text, asking),
            None => match self.meant(text, |_| true) {
                Some(meant) => self.begin(meant, None, text),
                None => self.fall_back(),
            },
        }
    }

    fn hear_answer(&mut self, text: &str, asking: Asking) {
        let (Some(slot), Some(step)) = (
            self.bot.slot_named(&asking.slot),
            self.bot.step_named(&asking.step),
        ) else {
            // The file has changed: there is no such question any more.
            return self.hear(text);
        };
        let interrupts = self.meant(text, |intent| intent.interrupts);
        if let Some(meant) = interrupts.filter(|meant| meant.confidence >= INTERRUPTING) {
            return self.begin(meant, Some(asking), text);
        }
        if let Some(value) = self.bot.slot(slot).kind.find(text, &self.bot.settings.negations) {
            self.dialogue.fallbacks = 0;
            self.set(slot, value);
            let next = self.next(&step.next);
            return self.goes_to(next);
        }
        match self.meant(text, |_| true) {
            Some(meant) => self.begin(meant, Some(asking), text),
            None => self.ask_again(slot, asking),
        }
    }

    fn ask_again(&mut self, slot: SlotId, mut asking: Asking) {
        let slot = self.bot.slot(slot);
        asking.tries += 1;
        if asking.tries > slot.retries {
            return match slot.failed.or(self.bot.fallback.step) {
                Some(step) => self.walk(step),
                None => self.fall_back(),
            };
        }
        self.dialogue.used.push("fallback".to_owned());
        match slot.invalid.is_empty() {
            true => self.ask(asking),
            false => {
                self.say(&slot.invalid);
                self.dialogue.asking = Some(asking);
            }
        }
    }

    /// Follows an intent; afterwards the question that was open is asked again, unless there is another one, or nobody to answer.
    fn begin(&mut self, meant: Meant<'a>, open: Option<Asking>, text: &str) {
        self.question = text.to_owned();
        let Meant {
            intent,
            confidence,
            values,
        } = meant;
        self.dialogue.fallbacks = 0;
        self.dialogue.topic = Some(intent.name.clone());
        self.dialogue.understood = Some(Understood {
            intent: intent.name.clone(),
            confidence,
        });
        intent.forget.iter().for_each(|slot| self.forget(*slot));
        for (slot, text) in values {
            if let Some(value) = self.bot.slot(slot).kind.find(&text, &self.bot.settings.negations) {
                self.set(slot, value);
            }
        }
        self.say(&intent.say);
        self.goes_to(intent.step);
        self.resume(open.filter(|_| !intent.abandons));
    }

    /// Asks what was open before something else came.
    fn resume(&mut self, open: Option<Asking>) {
        let dialogue = &self.dialogue;
        let over = self.acts.iter().any(|act| matches!(act, super::Act::Close));
        if dialogue.handed_over || over || dialogue.asking.is_some() || dialogue.calling.is_some() {
            return;
        }
        let Some(open) = open else { return };
        match self.has_repeated() {
            true => self.dialogue.asking = Some(open),
            false => self.ask(open),
        }
    }

    /// Whether the question was among what was said again.
    fn has_repeated(&self) -> bool {
        use crate::bot::model::Does;
        let last = self
            .dialogue
            .walked
            .last()
            .and_then(|name| self.bot.step_named(name));
        last.is_some_and(|step| matches!(step.does, Does::Repeat))
    }

    fn fall_back(&mut self) {
        let fallback = &self.bot.fallback;
        self.dialogue.used.push("fallback".to_owned());
        self.dialogue.fallbacks += 1;
        if let Some(step) = fallback
            .step
            .filter(|_| self.dialogue.fallbacks >= fallback.after)
        {
            self.dialogue.fallbacks = 0;
            return self.walk(step);
        }
        self.say(&fallback.say);
    }

    /// Nobody has spoken for a while: an open question stays open.
    pub(super) fn silence(&mut self, step: StepId) {
        self.dialogue.used.push(format!("idle:{}", self.dialogue.idles));
        let open = self.dialogue.asking.take();
        self.walk(step);
        let over = self
            .acts
            .iter()
            .any(|act| matches!(act, super::Act::Close | super::Act::Escalate { .. }));
        if self.dialogue.asking.is_none() && !over {
            self.dialogue.asking = open;
        }
    }

    /// The intent that a text means, of those that `may` be meant: one whose pattern is in it, or the one it is most like.
    fn meant(&self, text: &str, may: impl Fn(&Intent) -> bool) -> Option<Meant<'a>> {
        let bot = self.bot;
        let holds = |intent: &Intent| intent.when.as_ref().is_none_or(|when| self.holds(when));
        let words = words(text);
        let says_no = bot.matcher.says_no(&words);
        let searched = begin(text, LONGEST_SEARCHED);
        let by_pattern = bot
            .intents
            .iter()
            .filter(|intent| may(intent))
            .find_map(|intent| {
                let found = found(intent, searched, says_no).filter(|_| holds(intent))?;
                Some(Meant {
                    intent,
                    confidence: 1.0,
                    values: self.values(&found),
                })
            });
        by_pattern.or_else(|| {
            let alike = bot
                .matcher
                .alike(&words, says_no, |nth| bot.intents[nth].is_strict);
            let mut alike = alike
                .iter()
                .filter(|like| may(&bot.intents[like.owner]) && holds(&bot.intents[like.owner]));
            let best = alike.next().filter(|best| best.score >= bot.settings.threshold)?;
            let second = alike.next().map_or(0.0, |second| second.score);
            (rounded(best.score - second) >= bot.settings.margin).then(|| Meant {
                intent: &bot.intents[best.owner],
                confidence: best.score,
                values: Vec::new(),
            })
        })
    }

    /// What the named groups of a pattern have found.
    fn values(&self, found: &Found<'_>) -> Vec<(SlotId, String)> {
        let groups = found.pattern.capture_names().flatten();
        let values = groups.filter_map(|name| {
            let value = found.captures.name(name)?.as_str();
            Some((self.bot.slot_named(name)?, value.to_owned()))
        });
        values.collect()
    }
}

struct Found<'t> {
    pattern: &'t regex::Regex,
    captures: regex::Captures<'t>,
}

/// The first pattern of an intent that is in the text; a text that says no means nothing that would resolve the conversation.
fn found<'t>(intent: &'t Intent, text: &'t str, says_no: bool) -> Option<Found<'t>> {
    if intent.is_strict && says_no {
        return None;
    }
    let mut patterns = intent.patterns.iter();
    patterns.find_map(|pattern| {
        Some(Found {
            pattern,
            captures: pattern.captures(text)?,
        })
    })
}
