//! Texts of a bot, with slots put in: `Order {order_number} is on its way.`

use super::model::SlotId;
use crate::file::{shorten, suggest};
use serde_json::Value;

/// Most slots of one text.
const MAX_PLACES: usize = 16;

/// A text with places for slots.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Slot(SlotId),
}

/// Why a text is no template: at which byte, what, and what to do.
#[derive(Debug)]
pub(super) struct TemplateFault {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Template {
    /// Reads a text that may show the slots of these names; all faults at once.
    pub(super) fn parse(text: &str, slots: &[String]) -> Result<Self, Vec<TemplateFault>> {
        let (mut read, mut faults) = (Self::default(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            read.push(before);
            let offset = text.len() - brace.len();
            rest = if let Some(after) = brace.strip_prefix("{{").or(brace.strip_prefix("}}")) {
                read.push(&brace[..1]);
                after
            } else if let Some((name, after)) = brace.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            {
                match slots.iter().position(|known| known == name) {
                    Some(slot) => read.0.push(Piece::Slot(SlotId(slot))),
                    None => faults.push(unknown(name, offset, slots)),
                }
                after
            } else {
                faults.push(TemplateFault {
                    at: offset,
                    message: format!("a single `{}` in a text", &brace[..1]),
                    hint: "write {slot} for a slot's value, {{ and }} for braces".into(),
                });
                &brace[1..]
            };
        }
        read.push(rest);
        if read.slots().count() > MAX_PLACES {
            let message = format!("a text may show at most {MAX_PLACES} slots");
            faults.push(TemplateFault {
                at: 0,
                message,
                hint: "split it into several messages".into(),
            });
        }
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    /// The slots it shows.
    pub(super) fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(*slot),
            Piece::Text(_) => None,
        })
    }

    /// The slot whose value is the whole text.
    pub(super) fn only_slot(&self) -> Option<SlotId> {
        match self.0[..] {
            [Piece::Slot(slot)] => Some(slot),
            _ => None,
        }
    }

    /// Whether there is nothing in it to read, whatever the values.
    pub(super) fn is_blank(&self) -> bool {
        self.0
            .iter()
            .all(|piece| matches!(piece, Piece::Text(text) if text.trim().is_empty()))
    }

    /// The text with each slot's value as `show` gives it.
    pub(super) fn fill(&self, show: impl Fn(SlotId) -> String) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Slot(slot) => text.push_str(&show(*slot)),
            }
        }
        text
    }
}

fn unknown(name: &str, at: usize, slots: &[String]) -> TemplateFault {
    let hint = match slots.is_empty() {
        true => format!("add [slot.{}], or write {{{{ and }}}} for braces", shorten(name)),
        false => suggest(name, slots.iter().map(String::as_str)),
    };
    TemplateFault {
        at,
        message: format!("there is no slot `{}`", shorten(name)),
        hint,
    }
}

/// A value as people read it.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
