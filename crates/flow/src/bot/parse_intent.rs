//! Reading intents.

use super::{model::Intent, parse::Reader, words::words};
use crate::file::{Table, Value};

/// What conditions of a bot may look at.
pub(super) const NAMES: [&str; 3] = ["slots", "context", "intent"];
/// Most examples of an intent.
pub const MAX_EXAMPLES: usize = 200;
/// The longest example, in characters.
const LONGEST_EXAMPLE: usize = 300;
/// Most patterns of an intent.
const MAX_PATTERNS: usize = 20;

/// An example and where it stands.
pub(super) struct Example {
    pub(super) at: usize,
    pub(super) words: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn intent(&mut self, name: &str, value: &Value<'_>) -> Option<(Intent, Vec<Example>)> {
        const FIELDS: [&str; 8] = [
            "examples",
            "patterns",
            "when",
            "interrupts",
            "abandons",
            "forget",
            "say",
            "step",
        ];
        let table = Table::of(value, format!("[intent.{name}]"), &FIELDS, &mut self.faults)?;
        let examples = self.examples(&table);
        let patterns = self.patterns(&table);
        if table.get("examples").is_none() && table.get("patterns").is_none() {
            let message = format!("{} has neither `examples` nor `patterns`", table.name);
            self.faults
                .absent(table.at, message, "add examples = [\"where is my order\"]");
        }
        let when = self.condition(&table);
        let interrupts = table.truth("interrupts", &mut self.faults).unwrap_or(false);
        let abandons = table.truth("abandons", &mut self.faults).unwrap_or(false);
        let forget = self.slot_list(&table, "forget");
        let say = self.optional_messages(&table, "say");
        let step = table.get("step").map(|value| self.step_id(value, "step"));
        if table.get("say").is_none() && step.is_none() {
            let message = format!("{} leads to nothing", table.name);
            self.faults
                .absent(table.at, message, "add say = \"...\" or step = \"...\"");
        }
        let intent = Intent {
            name: name.to_owned(),
            patterns,
            when,
            interrupts,
            abandons,
            forget,
            say: say?,
            step: match step {
                Some(step) => Some(step?),
                None => None,
            },
            is_strict: false,
        };
        Some((intent, examples))
    }

    fn examples(&mut self, table: &Table<'_>) -> Vec<Example> {
        let items = table.list("examples", &mut self.faults).unwrap_or_default();
        self.at_most(MAX_EXAMPLES, items, "examples");
        let mut examples = Vec::new();
        for item in items.iter().take(MAX_EXAMPLES) {
            let Some(text) = self.short(item, "an example", LONGEST_EXAMPLE) else {
                continue;
            };
            let (at, words) = (item.span().start, words(text));
            if words.is_empty() {
                self.faults.wrong(at, "an example must have a word", "");
            }
            examples.push(Example { at, words });
        }
        examples
    }

    fn patterns(&mut self, table: &Table<'_>) -> Vec<regex::Regex> {
        let items = table.list("patterns", &mut self.faults).unwrap_or_default();
        self.at_most(MAX_PATTERNS, items, "patterns");
        let slots = self.slots.clone();
        let groups: Vec<&str> = slots.iter().map(String::as_str).collect();
        let items = items.iter().take(MAX_PATTERNS);
        items
            .filter_map(|item| self.pattern(item, "a pattern", &groups))
            .collect()
    }
}
