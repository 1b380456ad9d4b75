//! Texts of tasks, with values put in: `Call back: score {score}`.

use super::model::Field;
use crate::file::suggest;
use serde_json::Value;

/// Names that every text may use, beside the fields.
pub(super) const NAMES: [&str; 3] = ["interaction_id", "agent_id", "rule"];
/// What stands in a text for a field that was not given.
const NOTHING: &str = "-";

/// A text with places for values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Interaction,
    Agent,
    Rule,
    Field(usize),
}

/// What is put into a text.
pub(super) struct Values<'a> {
    pub(super) interaction_id: &'a str,
    pub(super) agent_id: &'a str,
    pub(super) rule: &'a str,
    /// In the order of the rule set's fields.
    pub(super) fields: &'a [Value],
}

/// How long a text and what is put into it may be, in characters, and whether it may have several lines.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) text: usize,
    pub(super) value: usize,
    pub(super) lines: bool,
}

/// Why a text is no template: at which byte, what, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TemplateFault {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Template {
    /// Reads a text; all faults at once.
    pub(super) fn parse(text: &str, fields: &[Field]) -> Result<Self, Vec<TemplateFault>> {
        let (mut pieces, mut faults) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            push(&mut pieces, before);
            let offset = text.len() - brace.len();
            rest = if let Some(after) = brace.strip_prefix("{{") {
                push(&mut pieces, "{");
                after
            } else if let Some(after) = brace.strip_prefix("}}") {
                push(&mut pieces, "}");
                after
            } else if let Some((name, after)) = brace.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            {
                match Piece::named(name, fields) {
                    Some(piece) => pieces.push(piece),
                    None => faults.push(unknown(name, offset, fields)),
                }
                after
            } else {
                faults.push(TemplateFault {
                    at: offset,
                    message: format!("a single `{}` in a text", &brace[..1]),
                    hint: "write {name} for a value, {{ and }} for braces".into(),
                });
                &brace[1..]
            };
        }
        push(&mut pieces, rest);
        if faults.is_empty() {
            Ok(Self(pieces))
        } else {
            Err(faults)
        }
    }

    /// Whether there is nothing in it to read, whatever the values.
    pub(super) fn is_blank(&self) -> bool {
        self.0
            .iter()
            .all(|piece| matches!(piece, Piece::Text(text) if text.trim().is_empty()))
    }

    /// The fields it shows.
    pub(super) fn fields(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(at) => Some(*at),
            _ => None,
        })
    }

    /// The text with its values, within bounds.
    pub(super) fn fill(&self, values: &Values<'_>, bounds: Bounds) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(written) if bounds.lines => text.push_str(written),
                Piece::Text(written) => text.push_str(&one_line(written)),
                Piece::Interaction => text.push_str(values.interaction_id),
                Piece::Agent => text.push_str(values.agent_id),
                Piece::Rule => text.push_str(values.rule),
                Piece::Field(at) => text.push_str(&shown(values.fields.get(*at), bounds.value)),
            }
        }
        shorten(text, bounds.text)
    }
}

impl Piece {
    fn named(name: &str, fields: &[Field]) -> Option<Self> {
        match name {
            "interaction_id" => Some(Self::Interaction),
            "agent_id" => Some(Self::Agent),
            "rule" => Some(Self::Rule),
            name => fields
                .iter()
                .position(|field| field.name == name)
                .map(Self::Field),
        }
    }
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn unknown(name: &str, at: usize, fields: &[Field]) -> TemplateFault {
    let known = NAMES
        .into_iter()
        .chain(fields.iter().map(|field| field.name.as_str()));
    TemplateFault {
        at,
        message: format!("unknown name `{{{}}}` in a text", shorten(name.to_owned(), 60)),
        hint: suggest(name, known),
    }
}

fn shown(value: Option<&Value>, most: usize) -> String {
    match value {
        None | Some(Value::Null) => NOTHING.into(),
        Some(Value::String(text)) => shorten(one_line(text), most),
        Some(other) => shorten(other.to_string(), most),
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// At most so many characters; what is cut off leaves its mark.
fn shorten(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
