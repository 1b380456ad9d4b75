//! Texts with places: `Chat {conversation.id}`; `{{` and `}}` are braces.

use super::facts::{Facts, ROOTS};
use crate::file::suggest;
use serde_json::Value;
use std::fmt::{self, Write as _};

/// What stands for something that is not known.
const NOTHING: &str = "-";

/// A text with places for what is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Plain(String),
    Place { root: &'static str, path: Vec<String> },
}

/// Why a text can't be used: at which byte, what, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextFault {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Text {
    /// Reads a text, which may use places that begin with one of `known`; all faults at once.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, Vec<TextFault>> {
        let (mut pieces, mut faults) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            push(&mut pieces, before);
            let at = text.len() - brace.len();
            rest = match brace.get(..2) {
                Some("{{") | Some("}}") => {
                    push(&mut pieces, &brace[..1]);
                    &brace[2..]
                }
                _ => match brace.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                    Some((name, after)) => {
                        match place(name, known) {
                            Ok(place) => pieces.push(place),
                            Err((message, hint)) => faults.push(TextFault { at, message, hint }),
                        }
                        after
                    }
                    None => {
                        faults.push(TextFault {
                            at,
                            message: format!("a single `{}` in a text", &brace[..1]),
                            hint: "write {conversation.id} for a value, {{ and }} for braces".into(),
                        });
                        &brace[1..]
                    }
                },
            };
        }
        push(&mut pieces, rest);
        if faults.is_empty() {
            Ok(Self(pieces))
        } else {
            Err(faults)
        }
    }

    /// The text with what is known put in, each value as `write` writes it.
    pub(super) fn fill(&self, facts: &Facts<'_>, write: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(text) => filled.push_str(text),
                Piece::Place { root, path } => {
                    let value = facts.find(root, path).map_or_else(|| NOTHING.into(), shown);
                    filled.push_str(&write(&value));
                }
            }
        }
        filled
    }

    /// The value as it is when the text is nothing but its place, or else the text.
    pub(super) fn value(&self, facts: &Facts<'_>) -> Value {
        match self.0.as_slice() {
            [Piece::Place { root, path }] => facts.find(root, path).unwrap_or(Value::Null),
            _ => self.fill(facts, str::to_owned).into(),
        }
    }

    /// Whether a place begins like this.
    pub(super) fn uses(&self, wanted: &str) -> bool {
        let is_wanted = |piece: &Piece| matches!(piece, Piece::Place { root, .. } if *root == wanted);
        self.0.iter().any(is_wanted)
    }
}

/// As it stands in a file.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Plain(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Piece::Place { root, path } => {
                    let path: String = path.iter().map(|part| format!(".{part}")).collect();
                    write!(f, "{{{root}{path}}}")?;
                }
            }
        }
        Ok(())
    }
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Plain(before)) => before.push_str(text),
        _ => pieces.push(Piece::Plain(text.to_owned())),
    }
}

fn place(name: &str, known: &[&str]) -> Result<Piece, (String, String)> {
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    let root = ROOTS.iter().find(|root| **root == first);
    let Some(root) = root.filter(|root| known.contains(root)) else {
        let message = format!("`{{{first}}}` is not known here");
        return Err((message, suggest(first, known.iter().copied())));
    };
    let path: Vec<String> = parts.map(str::to_owned).collect();
    let is_object = matches!(*root, "conversation" | "customer" | "interaction");
    match (is_object, path.is_empty()) {
        (true, true) => Err((
            format!("`{{{first}}}` is more than one value"),
            format!("name one of them, such as {{{first}.id}}"),
        )),
        (false, false) => Err((
            format!("`{{{first}}}` has no parts"),
            format!("write {{{first}}}"),
        )),
        _ => Ok(Piece::Place { root, path }),
    }
}

fn shown(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// All but unreserved characters as `%XX` (RFC 3986, 2).
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => {
                // Writing to a text can't fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
