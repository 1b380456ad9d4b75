//! Reading what a bot says.

use super::{model::Message, parse::Reader, template::Template};
use crate::file::{self, Table, Value, kind};
use toml::de::DeValue;
use wire::conversation::Button;

/// The longest text of a file, in characters.
pub(super) const LONGEST_TEXT: usize = 2000;
/// Most messages that are said at once.
const MAX_MESSAGES: usize = 10;
/// Most variants of a message.
const MAX_VARIANTS: usize = 20;
/// Most buttons of a message.
pub(super) const MAX_BUTTONS: usize = 20;
/// The longest label or value of a button, in characters.
pub(super) const LONGEST_LABEL: usize = 100;
/// The longest pause before a message, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 30_000;

const HINT: &str = "write \"text\", { any = [\"text\", \"another\"] }, { text = \"...\", buttons = [\"Yes\", \"No\"] }, or a list of these";

impl Reader<'_> {
    /// One message, or a list of messages that are said one after the other.
    pub(super) fn messages(&mut self, value: &Value<'_>, field: &str) -> Option<Vec<Message>> {
        let DeValue::Array(items) = value.get_ref() else {
            return self.message(value, field).map(|message| vec![message]);
        };
        if items.is_empty() {
            self.faults
                .wrong(value.span().start, format!("{field} has no message"), HINT);
        }
        self.at_most(MAX_MESSAGES, items, "messages");
        let read: Vec<_> = items
            .iter()
            .take(MAX_MESSAGES)
            .map(|item| self.message(item, field))
            .collect();
        read.into_iter().collect()
    }

    /// The messages in a field that may be absent.
    pub(super) fn optional_messages(&mut self, table: &Table<'_>, field: &str) -> Option<Vec<Message>> {
        match table.get(field) {
            Some(value) => self.messages(value, field),
            None => Some(Vec::new()),
        }
    }

    fn message(&mut self, value: &Value<'_>, field: &str) -> Option<Message> {
        const FIELDS: [&str; 4] = ["text", "any", "buttons", "pause_ms"];
        match value.get_ref() {
            DeValue::String(_) => Some(Message {
                texts: vec![self.said(value, field)?],
                buttons: Vec::new(),
                pause_ms: 0,
            }),
            DeValue::Table(_) => {
                let table = Table::of(value, field.to_owned(), &FIELDS, &mut self.faults)?;
                let texts = self.variants(&table);
                let buttons = self.buttons(&table);
                let pause = table.whole("pause_ms", 0..=LONGEST_PAUSE_MS, &mut self.faults);
                Some(Message {
                    texts: texts?,
                    buttons: buttons?,
                    pause_ms: pause.unwrap_or(0),
                })
            }
            _ => {
                let message = format!("{field} must be a text, a table or a list, not {}", kind(value));
                self.faults.wrong(value.span().start, message, HINT);
                None
            }
        }
    }

    fn variants(&mut self, table: &Table<'_>) -> Option<Vec<Template>> {
        match (table.get("text"), table.get("any")) {
            (Some(text), None) => Some(vec![self.said(text, "text")?]),
            (None, Some(any)) => {
                let items = file::items(any, "any", &mut self.faults)?;
                if items.is_empty() {
                    self.faults.wrong(any.span().start, "any has no text", HINT);
                }
                self.at_most(MAX_VARIANTS, items, "variants");
                let read: Vec<_> = items
                    .iter()
                    .take(MAX_VARIANTS)
                    .map(|item| self.said(item, "a text"))
                    .collect();
                read.into_iter().collect()
            }
            (Some(_), Some(any)) => {
                self.faults
                    .wrong(any.span().start, "a message has either `text` or `any`", HINT);
                None
            }
            (None, None) => {
                self.faults
                    .absent(table.at, "a message has neither `text` nor `any`", HINT);
                None
            }
        }
    }

    fn said(&mut self, value: &Value<'_>, field: &str) -> Option<Template> {
        let said = self.template(value, field)?;
        if said.is_blank() {
            self.faults
                .wrong(value.span().start, format!("{field} must not be empty"), "");
        }
        Some(said)
    }

    /// A text that may show slots.
    pub(super) fn template(&mut self, value: &Value<'_>, field: &str) -> Option<Template> {
        let text = self.short(value, field, LONGEST_TEXT)?;
        match Template::parse(text, &self.slots) {
            Ok(template) => Some(template),
            Err(faults) => {
                for fault in faults {
                    let at = self.faults.inside(value.span(), text, fault.at);
                    self.faults.wrong(at, fault.message, fault.hint);
                }
                None
            }
        }
    }

    /// A text of at most so many characters.
    pub(super) fn short<'a>(&mut self, value: &'a Value<'a>, field: &str, most: usize) -> Option<&'a str> {
        let text = self.faults.text(value, field)?;
        let length = text.chars().count();
        if length > most {
            let message = format!("{field} must be at most {most} characters long, not {length}");
            self.faults.wrong(value.span().start, message, "");
            return None;
        }
        Some(text)
    }

    fn buttons(&mut self, table: &Table<'_>) -> Option<Vec<Button>> {
        let items = table.list("buttons", &mut self.faults).unwrap_or_default();
        self.at_most(MAX_BUTTONS, items, "buttons");
        let read: Vec<_> = items
            .iter()
            .take(MAX_BUTTONS)
            .map(|item| self.button(item))
            .collect();
        read.into_iter().collect()
    }

    /// A text, or a label and what the customer says by it.
    fn button(&mut self, value: &Value<'_>) -> Option<Button> {
        if value.get_ref().is_str() {
            let label = self.filled(value, "a button")?;
            return Some(Button {
                value: label.clone(),
                label,
            });
        }
        let table = Table::of(value, "a button".into(), &["label", "value"], &mut self.faults)?;
        let label = table.required("label", "label = \"Yes\"", &mut self.faults);
        let label = label.and_then(|value| self.filled(value, "label"));
        let sent = match table.get("value") {
            Some(value) => self.filled(value, "value"),
            None => label.clone(),
        };
        Some(Button {
            label: label?,
            value: sent?,
        })
    }

    /// A short text with something in it.
    pub(super) fn filled(&mut self, value: &Value<'_>, field: &str) -> Option<String> {
        let text = self.short(value, field, LONGEST_LABEL)?.trim();
        if text.is_empty() {
            self.faults
                .wrong(value.span().start, format!("{field} must not be empty"), "");
        }
        Some(text.to_owned())
    }
}
