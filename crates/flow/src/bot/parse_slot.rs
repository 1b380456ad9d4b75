//! Reading slots.

use super::{
    model::{Message, Slot},
    parse::Reader,
    slot::{Bounds, Choice, Kind},
    words::words,
};
use crate::file::{Table, Value, shorten, suggest};
use regex::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use wire::conversation::Button;

/// Most choices of a slot, and most ways to say one.
const MAX_CHOICES: usize = 20;
const MAX_SAYINGS: usize = 50;
/// The longest pattern, in characters.
const LONGEST_PATTERN: usize = 500;
/// Most patterns of a file.
const MAX_PATTERNS: usize = 300;
/// How large a pattern may become when it is compiled, in bytes.
const MAX_COMPILED: usize = 256 * 1024;
/// Most invalid answers that are forgiven.
const MAX_RETRIES: u64 = 10;
const DEFAULT_RETRIES: u64 = 2;
/// Most names on the way to a value.
const MAX_PATH: usize = 8;

const KINDS: [&str; 8] = [
    "text", "number", "integer", "date", "email", "phone", "choice", "pattern",
];

impl Reader<'_> {
    pub(super) fn slot(&mut self, name: &str, value: &Value<'_>) -> Option<Slot> {
        const FIELDS: [&str; 11] = [
            "type", "prompt", "invalid", "retries", "failed", "context", "least", "most", "choices",
            "pattern", "upper",
        ];
        let table = Table::of(value, format!("[slot.{name}]"), &FIELDS, &mut self.faults)?;
        let kind = self.kind(&table);
        let prompt = self.optional_messages(&table, "prompt");
        let invalid = self.optional_messages(&table, "invalid");
        let retries = table
            .whole("retries", 0..=MAX_RETRIES, &mut self.faults)
            .unwrap_or(DEFAULT_RETRIES);
        let failed = table.get("failed").map(|value| self.step_id(value, "failed"));
        let context = table.get("context").map(|value| self.path(value, "context"));
        let kind = kind?;
        Some(Slot {
            name: name.to_owned(),
            prompt: with_choices(prompt?, &kind),
            invalid: with_choices(invalid?, &kind),
            kind,
            retries: u32::try_from(retries).unwrap_or(u32::MAX),
            failed: match failed {
                Some(step) => Some(step?),
                None => None,
            },
            context: match context {
                Some(path) => Some(path?),
                None => None,
            },
        })
    }

    fn kind(&mut self, table: &Table<'_>) -> Option<Kind> {
        let value = table.required("type", "type = \"text\"", &mut self.faults)?;
        let found = self.faults.text(value, "type")?;
        self.only_for(table, found, &["number", "integer"], &["least", "most"]);
        self.only_for(table, found, &["choice"], &["choices"]);
        self.only_for(table, found, &["pattern"], &["pattern", "upper"]);
        match found {
            "text" => Some(Kind::Text),
            "number" => self.bounds(table).map(Kind::Number),
            "integer" => self.bounds(table).map(Kind::Integer),
            "date" => Some(Kind::Date),
            "email" => Some(Kind::Email),
            "phone" => Some(Kind::Phone),
            "choice" => self.choices(table).map(Kind::Choice),
            "pattern" => {
                let upper = table.truth("upper", &mut self.faults).unwrap_or(false);
                let value = table.required("pattern", "pattern = '[A-Z]{2}-[0-9]{5}'", &mut self.faults)?;
                let pattern = self.pattern(value, "pattern", &["value"])?;
                Some(Kind::Pattern { pattern, upper })
            }
            other => {
                let message = format!("there is no type {:?}", shorten(other));
                self.faults
                    .wrong(value.span().start, message, suggest(other, KINDS));
                None
            }
        }
    }

    fn only_for(&mut self, table: &Table<'_>, found: &str, kinds: &[&str], fields: &[&str]) {
        if kinds.contains(&found) || !KINDS.contains(&found) {
            return;
        }
        for field in fields {
            if let Some(value) = table.get(field) {
                let message = format!("{field} is for slots of the type {:?}", kinds[0]);
                self.faults.wrong(value.span().start, message, "remove it");
            }
        }
    }

    fn bounds(&mut self, table: &Table<'_>) -> Option<Bounds> {
        let mut bound = |field| match table.get(field) {
            Some(value) => self.number(value, field).map(Some),
            None => Some(None),
        };
        let (least, most) = (bound("least")?, bound("most")?);
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            let at = table.get("most").map_or(table.at, |value| value.span().start);
            self.faults.wrong(at, "most must not be less than least", "");
        }
        Some(Bounds { least, most })
    }

    fn choices(&mut self, table: &Table<'_>) -> Option<Vec<Choice>> {
        const EXAMPLE: &str = "choices = [{ value = \"yes\", label = \"Yes\", said = [\"yeah\"] }, \"no\"]";
        let value = table.required("choices", EXAMPLE, &mut self.faults)?;
        let items = crate::file::items(value, "choices", &mut self.faults)?;
        if items.is_empty() {
            self.faults
                .wrong(value.span().start, "choices is empty", format!("write {EXAMPLE}"));
        }
        self.at_most(MAX_CHOICES, items, "choices");
        let read: Vec<_> = items
            .iter()
            .take(MAX_CHOICES)
            .map(|item| self.choice(item))
            .collect();
        let choices = read.into_iter().collect::<Option<Vec<_>>>()?;
        let mut said = BTreeSet::new();
        for (choice, item) in choices.iter().zip(items) {
            if let Some(twice) = choice.said.iter().find(|words| said.contains(*words)) {
                let message = format!("{:?} says two of the choices", twice.join(" "));
                self.faults
                    .wrong(item.span().start, message, "leave it out of one of them");
            }
            said.extend(&choice.said);
        }
        Some(choices)
    }

    fn choice(&mut self, item: &Value<'_>) -> Option<Choice> {
        if item.get_ref().is_str() {
            let value = self.filled(item, "a choice")?;
            return Some(Choice {
                said: vec![words(&value)],
                label: value.clone(),
                value,
            });
        }
        let table = Table::of(
            item,
            "a choice".into(),
            &["value", "label", "said"],
            &mut self.faults,
        )?;
        let value = table.required("value", "value = \"yes\"", &mut self.faults);
        let value = value.and_then(|value| self.filled(value, "value"));
        let label = match table.get("label") {
            Some(label) => self.filled(label, "label"),
            None => value.clone(),
        };
        let others = table.list("said", &mut self.faults).unwrap_or_default();
        self.at_most(MAX_SAYINGS, others, "ways to say it");
        let others: Vec<_> = others
            .iter()
            .take(MAX_SAYINGS)
            .filter_map(|item| self.filled(item, "said"))
            .collect();
        let (value, label) = (value?, label?);
        let mut said: Vec<_> = [&value, &label]
            .into_iter()
            .chain(&others)
            .map(|text| words(text))
            .collect();
        said.sort();
        said.dedup();
        said.retain(|words| !words.is_empty());
        Some(Choice { value, label, said })
    }

    /// A regular expression of bounded size, whose groups have no names but these.
    pub(super) fn pattern(&mut self, value: &Value<'_>, field: &str, groups: &[&str]) -> Option<Regex> {
        let text = self.short(value, field, LONGEST_PATTERN)?;
        let at = value.span().start;
        self.patterns += 1;
        if self.patterns == MAX_PATTERNS + 1 {
            let message = format!("the file has more than {MAX_PATTERNS} patterns");
            self.faults.wrong(at, message, "join some with |");
        }
        if self.patterns > MAX_PATTERNS {
            return None;
        }
        let compiled = RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(MAX_COMPILED)
            .build();
        let pattern = match compiled {
            Ok(pattern) => pattern,
            Err(error) => {
                let message = format!("{field} is no regular expression: {}", reason(&error));
                self.faults
                    .wrong(at, message, "put it in single quotes, so that \\ stays as it is");
                return None;
            }
        };
        if pattern.is_match("") {
            self.faults.wrong(
                at,
                format!("{field} is found in every text"),
                "have it match something",
            );
        }
        for name in pattern
            .capture_names()
            .flatten()
            .filter(|name| !groups.contains(name))
        {
            let message = format!(
                "{field} has a group `{}`, and there is nothing to put it into",
                shorten(name)
            );
            self.faults
                .wrong(at, message, suggest(name, groups.iter().copied()));
        }
        Some(pattern)
    }

    /// Names from the outside in, with dots between them.
    pub(super) fn path(&mut self, value: &Value<'_>, field: &str) -> Option<Vec<String>> {
        let text = self.short(value, field, super::parse_message::LONGEST_TEXT)?;
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) || names.len() > MAX_PATH {
            let message = format!("{field} must be 1 to {MAX_PATH} names with dots between them");
            self.faults
                .wrong(value.span().start, message, "write it like \"order.status\"");
            return None;
        }
        Some(names)
    }
}

/// A question with choices has them as buttons on its last message, unless it has its own.
fn with_choices(mut messages: Vec<Message>, kind: &Kind) -> Vec<Message> {
    if let (Kind::Choice(choices), Some(last)) = (kind, messages.last_mut())
        && last.buttons.is_empty()
    {
        let buttons = choices.iter().map(|choice| Button {
            label: choice.label.clone(),
            value: choice.value.clone(),
        });
        last.buttons = buttons.collect();
    }
    messages
}

/// The last line of an error: what is before it draws the place in the pattern.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large; repeat less".to_owned(),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            shorten(last.trim_start_matches("error: "))
        }
    }
}
