//! From the text of a bot file to a [`Bot`], or to every fault in it.

use super::{
    check,
    matcher::Matcher,
    model::{Bot, Fallback, Idle, Settings, SlotId, StepId},
    words::{Negations, SmallWords, words},
};
use crate::{
    condition::RESERVED_WORDS,
    file::{self, Faults, FileFault, Table, Value, kind, shorten, suggest},
};
use std::{collections::HashMap, time::Duration};
use toml::de::DeValue;

/// Largest bot file, in bytes.
pub const MAX_FILE_BYTES: usize = 512 * 1024;
/// Most intents of a file.
pub const MAX_INTENTS: usize = 200;
/// Most slots of a file.
pub const MAX_SLOTS: usize = 100;
/// Most steps of a file.
pub const MAX_STEPS: usize = 500;
/// Most entries of `[[idle]]`.
const MAX_IDLE: usize = 8;
/// Most words of a list of the settings.
const MAX_LISTED_WORDS: usize = 500;
/// The longest silence that something happens after, in seconds.
const LONGEST_SILENCE_S: u64 = 24 * 60 * 60;
const LONGEST_NAME: usize = 64;

const DEFAULT_THRESHOLD: f64 = 0.45;
const DEFAULT_MARGIN: f64 = 0.05;
const DEFAULT_FALLBACKS: u64 = 2;

/// Reads a bot file. All faults come at once, in the order of the file.
pub fn parse(source: &str) -> Result<Bot, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let Some(document) = file::document(source, MAX_FILE_BYTES, &mut faults) else {
        return Err(faults.into_sorted());
    };
    let top = Table {
        fields: document.get_ref(),
        at: 0,
        name: "the file".into(),
    };
    let mut reader = Reader {
        faults,
        slots: Vec::new(),
        steps: Vec::new(),
        patterns: 0,
    };
    let bot = reader.file(&top);
    match bot {
        Some(bot) if reader.faults.is_empty() => Ok(bot),
        _ => Err(reader.faults.into_sorted()),
    }
}

pub(super) struct Reader<'s> {
    pub(super) faults: Faults<'s>,
    /// The names of all slots, also of those with faults.
    pub(super) slots: Vec<String>,
    pub(super) steps: Vec<String>,
    /// How many patterns there are so far.
    pub(super) patterns: usize,
}

impl Reader<'_> {
    fn file(&mut self, top: &Table<'_>) -> Option<Bot> {
        const FIELDS: [&str; 8] = [
            "name", "begin", "settings", "intent", "slot", "step", "fallback", "idle",
        ];
        top.only(&FIELDS, &mut self.faults);
        let name = top.required("name", "name = \"Support bot\"", &mut self.faults);
        let name = name
            .and_then(|value| self.faults.text(value, "name"))
            .map(str::to_owned);
        let slot_tables = self.named_tables(top, "slot", MAX_SLOTS);
        let step_tables = self.named_tables(top, "step", MAX_STEPS);
        let intent_tables = self.named_tables(top, "intent", MAX_INTENTS);
        self.slots = slot_tables.iter().map(|table| table.0.clone()).collect();
        self.steps = step_tables.iter().map(|table| table.0.clone()).collect();
        if intent_tables.is_empty() && top.get("intent").is_none() {
            let hint = "add [intent.order] with examples = [\"where is my order\"] and say = \"...\"";
            self.faults.absent(0, "the file has no `intent`", hint);
        }
        let begin = top.get("begin").map(|value| self.step_id(value, "begin"));
        let settings = self.settings(top);
        let fallback = self.fallback(top);
        let idle = self.idle(top);
        let slots: Vec<_> = slot_tables
            .iter()
            .map(|(name, _, value)| self.slot(name, value))
            .collect();
        let steps: Vec<_> = step_tables
            .iter()
            .map(|(name, _, value)| self.step(name, value))
            .collect();
        let intents: Vec<_> = intent_tables
            .iter()
            .map(|(name, _, value)| self.intent(name, value))
            .collect();
        let begin = match begin {
            Some(begin) => Some(begin?),
            None => None,
        };
        let (intents, examples): (Vec<_>, Vec<_>) = intents
            .into_iter()
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .unzip();
        let settings = settings?;
        let mut bot = Bot {
            name: name?,
            begin,
            slots: slots.into_iter().collect::<Option<_>>()?,
            steps: steps.into_iter().collect::<Option<_>>()?,
            intents,
            fallback: fallback?,
            idle: idle?,
            matcher: Matcher::default(),
            slot_names: named(&self.slots, SlotId),
            step_names: named(&self.steps, StepId),
            settings,
        };
        let places = check::Places {
            steps: step_tables.iter().map(|table| table.1).collect(),
            examples: &examples,
        };
        check::bot(&bot, &places, &mut self.faults);
        check::mark_strict(&mut bot);
        let examples = examples.iter().enumerate();
        let examples: Vec<_> = examples
            .flat_map(|(owner, examples)| examples.iter().map(move |example| (owner, example.words.clone())))
            .collect();
        bot.matcher = Matcher::new(&examples, &bot.settings.negations, &bot.settings.small_words);
        Some(bot)
    }

    /// The tables `[kind.name]`, whose names can be used in conditions.
    fn named_tables<'a>(
        &mut self,
        top: &Table<'a>,
        kind: &str,
        most: usize,
    ) -> Vec<(String, usize, &'a Value<'a>)> {
        let tables = self.faults.tables(top, kind, most);
        for (name, at, _) in &tables {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins || !name.chars().all(word) || name.len() > LONGEST_NAME {
                let message = format!("{:?} is no name for [{kind}.name]", shorten(name));
                let hint = "use letters, digits and _, and begin with a letter, like order_number";
                self.faults.wrong(*at, message, hint);
            } else if kind == "slot" && RESERVED_WORDS.contains(&name.as_str()) {
                let message = format!("the name {name:?} has a meaning of its own in conditions");
                self.faults.wrong(
                    *at,
                    message,
                    format!("name the slot otherwise, like {name}_value"),
                );
            }
        }
        tables
    }

    fn settings(&mut self, top: &Table<'_>) -> Option<Settings> {
        const FIELDS: [&str; 4] = ["threshold", "margin", "negations", "small_words"];
        let usual = Settings {
            threshold: DEFAULT_THRESHOLD,
            margin: DEFAULT_MARGIN,
            negations: Negations::default(),
            small_words: SmallWords::usual(),
        };
        let Some(value) = top.get("settings") else {
            return Some(usual);
        };
        let table = Table::of(value, "[settings]".into(), &FIELDS, &mut self.faults)?;
        let negations = self.words(&table, "negations");
        let small_words = self.words(&table, "small_words");
        Some(Settings {
            threshold: self.fraction(&table, "threshold").unwrap_or(usual.threshold),
            margin: self.fraction(&table, "margin").unwrap_or(usual.margin),
            negations: negations.map_or(usual.negations, Negations::new),
            small_words: small_words.map_or(usual.small_words, SmallWords::new),
        })
    }

    /// A list of words.
    fn words(&mut self, table: &Table<'_>, field: &str) -> Option<Vec<String>> {
        let items = table.list(field, &mut self.faults)?;
        self.at_most(MAX_LISTED_WORDS, items, field);
        let texts = items
            .iter()
            .take(MAX_LISTED_WORDS)
            .filter_map(|item| self.faults.text(item, &format!("each of {field}")));
        Some(texts.flat_map(words).collect())
    }

    fn fraction(&mut self, table: &Table<'_>, field: &str) -> Option<f64> {
        let value = table.get(field)?;
        let number = self.number(value, field)?;
        if !(0.0..=1.0).contains(&number) {
            self.faults.wrong(
                value.span().start,
                format!("{field} must be 0.0 to 1.0, not {number}"),
                "",
            );
        }
        Some(number)
    }

    /// A number that need not be whole.
    pub(super) fn number(&mut self, value: &Value<'_>, field: &str) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(written) => i64::from_str_radix(written.as_str(), written.radix())
                .ok()
                .map(|n| n as f64),
            DeValue::Float(written) => written.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            let message = match kind(value) {
                "a number" => format!("{field} must be a number that can be reckoned with"),
                other => format!("{field} must be a number, not {other}"),
            };
            self.faults.wrong(value.span().start, message, "");
        }
        number
    }

    fn fallback(&mut self, top: &Table<'_>) -> Option<Fallback> {
        const FIELDS: [&str; 3] = ["say", "after", "step"];
        let example = "[fallback] with say = \"I did not understand that.\"";
        let value = top.required("fallback", example, &mut self.faults)?;
        let table = Table::of(value, "[fallback]".into(), &FIELDS, &mut self.faults)?;
        let say = table.required("say", "say = \"I did not understand that.\"", &mut self.faults);
        let say = say.and_then(|value| self.messages(value, "say"));
        let after = table
            .whole("after", 1..=20, &mut self.faults)
            .unwrap_or(DEFAULT_FALLBACKS);
        if let (Some(after), None) = (table.get("after"), table.get("step")) {
            let hint = "add step = \"to_agent\", or remove `after`";
            self.faults.wrong(
                after.span().start,
                "after so many fallbacks nothing happens",
                hint,
            );
        }
        let step = table.get("step").map(|value| self.step_id(value, "step"));
        Some(Fallback {
            say: say?,
            after: u32::try_from(after).unwrap_or(u32::MAX),
            step: match step {
                Some(step) => Some(step?),
                None => None,
            },
        })
    }

    fn idle(&mut self, top: &Table<'_>) -> Option<Vec<Idle>> {
        let Some(items) = top.list("idle", &mut self.faults) else {
            return Some(Vec::new());
        };
        self.at_most(MAX_IDLE, items, "entries of [[idle]]");
        let mut found: Vec<Idle> = Vec::new();
        for item in items.iter().take(MAX_IDLE) {
            let table = Table::of(item, "[[idle]]".into(), &["after_s", "step"], &mut self.faults)?;
            table.required("after_s", "after_s = 300", &mut self.faults);
            let after = table.whole("after_s", 1..=LONGEST_SILENCE_S, &mut self.faults);
            let step = table.required("step", "step = \"still_there\"", &mut self.faults);
            let step = step.and_then(|value| self.step_id(value, "step"));
            let (Some(after), Some(step)) = (after.map(Duration::from_secs), step) else {
                continue;
            };
            if found.last().is_some_and(|before| before.after >= after) {
                let hint = "order them by after_s: each counts from the customer's last message";
                self.faults
                    .wrong(table.at, "this silence is not longer than the one before", hint);
            }
            found.push(Idle { after, step });
        }
        Some(found)
    }

    /// The step that `value` names.
    pub(super) fn step_id(&mut self, value: &Value<'_>, field: &str) -> Option<StepId> {
        let name = self.faults.text(value, field)?;
        self.id_of(&self.steps.clone(), "step", name, value.span().start)
            .map(StepId)
    }

    /// The slot that `value` names.
    pub(super) fn slot_id(&mut self, value: &Value<'_>, field: &str) -> Option<SlotId> {
        let name = self.faults.text(value, field)?;
        self.slot_called(name, value.span().start)
    }

    pub(super) fn slot_called(&mut self, name: &str, at: usize) -> Option<SlotId> {
        self.id_of(&self.slots.clone(), "slot", name, at).map(SlotId)
    }

    fn id_of(&mut self, known: &[String], kind: &str, name: &str, at: usize) -> Option<usize> {
        let found = known.iter().position(|known| known == name);
        if found.is_none() {
            let hint = match known.is_empty() {
                true => format!("add [{kind}.{}]", shorten(name)),
                false => suggest(name, known.iter().map(String::as_str)),
            };
            // A table that could not be read may have been it.
            self.faults
                .absent(at, format!("there is no {kind} `{}`", shorten(name)), hint);
        }
        found
    }

    /// The slots that a list names.
    pub(super) fn slot_list(&mut self, table: &Table<'_>, field: &str) -> Vec<SlotId> {
        let items = table.list(field, &mut self.faults).unwrap_or_default();
        self.at_most(MAX_SLOTS, items, "slots");
        items
            .iter()
            .take(MAX_SLOTS)
            .filter_map(|item| self.slot_id(item, "a slot"))
            .collect()
    }

    pub(super) fn at_most(&mut self, most: usize, written: &[Value<'_>], what: &str) {
        if let Some(first) = written.get(most) {
            let message = format!("there are {} {what}, at most {most} are allowed", written.len());
            self.faults.wrong(first.span().start, message, "leave some out");
        }
    }
}

fn named<T>(names: &[String], id: impl Fn(usize) -> T) -> HashMap<String, T> {
    let names = names.iter().enumerate();
    names.map(|(nth, name)| (name.clone(), id(nth))).collect()
}
