//! Collecting every fault of an input, and reading JSON objects field by field while doing so.

use serde_json::{Map, Value};
use std::fmt;

/// What is wrong with an input: one sentence per fault, in the order of the input.
///
/// A `Faults` that is returned as an error holds at least one sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A single fault.
    pub fn one(sentence: impl Into<String>) -> Self {
        Self(vec![sentence.into()])
    }

    /// Notes one more fault.
    pub fn push(&mut self, sentence: impl Into<String>) {
        self.0.push(sentence.into());
    }

    /// Notes a fault unless `result` holds a value.
    pub fn keep<T>(&mut self, result: Result<T, impl Into<String>>) -> Option<T> {
        result.map_err(|sentence| self.push(sentence)).ok()
    }

    /// True while nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentences.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The sentences, owned.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }

    /// `value` when nothing is wrong and it could be made, otherwise the faults.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ if self.is_empty() => Err(Faults::one("the input is incomplete")),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Faults {}

/// A JSON object that is read field by field; `path` (such as `script[2].`) names it in the faults.
pub struct Object<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Object<'a> {
    /// The top object, when it is known to be one.
    pub fn of(fields: &'a Map<String, Value>) -> Self {
        Self {
            fields,
            path: String::new(),
        }
    }

    /// The top object of `value`; anything else is a fault.
    pub fn top(value: &'a Value, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self::of(fields)),
            other => {
                faults.push(format!("the body must be a JSON object, not {}", kind(other)));
                None
            }
        }
    }

    /// The object at `path`, which is written `name` or `name[3]`.
    pub fn at(value: &'a Value, path: &str, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self {
                fields,
                path: format!("{path}."),
            }),
            other => {
                faults.push(format!("{path} must be an object, not {}", kind(other)));
                None
            }
        }
    }

    /// `field` as the faults name it.
    pub fn name(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    /// The object as the faults name it.
    pub fn itself(&self) -> &str {
        match self.path.trim_end_matches('.') {
            "" => "the body",
            path => path,
        }
    }

    /// Every field that is not one of `known` is a fault: in a file that a person wrote it is a slip of the pen.
    pub fn only(&self, known: &[&str], faults: &mut Faults) {
        for unknown in self
            .fields
            .keys()
            .filter(|field| !known.contains(&field.as_str()))
        {
            faults.push(format!(
                "{} is unknown; known are {}",
                self.name(&shorten(unknown)),
                known.join(", ")
            ));
        }
    }

    /// Whether the field is there and not null.
    pub fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// The field, unless absent or null.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub fn text(&self, field: &str, faults: &mut Faults) -> Option<&'a str> {
        if !self.has(field) {
            faults.push(format!("{} is missing", self.name(field)));
        }
        self.optional_text(field, faults)
    }

    /// A text that may be absent.
    pub fn optional_text(&self, field: &str, faults: &mut Faults) -> Option<&'a str> {
        self.typed(field, "a text", Value::as_str, faults)
    }

    /// A text that may be absent, of at most so many characters, none of them control characters but line ends and tabs.
    pub fn short_text(&self, field: &str, most: usize, faults: &mut Faults) -> Option<&'a str> {
        let text = self.optional_text(field, faults)?;
        let length = text.chars().count();
        if length > most {
            faults.push(format!(
                "{} must be at most {most} characters long, not {length}",
                self.name(field)
            ));
            return None;
        }
        if text
            .chars()
            .any(|sign| sign.is_control() && !matches!(sign, '\n' | '\r' | '\t'))
        {
            faults.push(format!(
                "{} must not contain control characters",
                self.name(field)
            ));
            return None;
        }
        Some(text)
    }

    /// A text that must be there, of at most so many characters, and not only white space.
    pub fn filled_text(&self, field: &str, most: usize, faults: &mut Faults) -> Option<&'a str> {
        if !self.has(field) {
            faults.push(format!("{} is missing", self.name(field)));
        }
        let text = self.short_text(field, most, faults)?;
        if text.trim().is_empty() {
            faults.push(format!("{} must not be empty", self.name(field)));
            return None;
        }
        Some(text)
    }

    /// A truth value that may be absent.
    pub fn optional_bool(&self, field: &str, faults: &mut Faults) -> Option<bool> {
        self.typed(field, "true or false", Value::as_bool, faults)
    }

    /// A truth value that must be there.
    pub fn truth(&self, field: &str, faults: &mut Faults) -> Option<bool> {
        if !self.has(field) {
            faults.push(format!("{} is missing", self.name(field)));
        }
        self.optional_bool(field, faults)
    }

    /// A number that must be there.
    pub fn number(&self, field: &str, faults: &mut Faults) -> Option<f64> {
        if !self.has(field) {
            faults.push(format!("{} is missing", self.name(field)));
        }
        self.typed(field, "a number", Value::as_f64, faults)
    }

    /// An object that must be there.
    pub fn object(&self, field: &str, faults: &mut Faults) -> Option<Object<'a>> {
        let Some(value) = self.get(field) else {
            faults.push(format!("{} is missing", self.name(field)));
            return None;
        };
        Object::at(value, &self.name(field), faults)
    }

    /// A whole number within `range` that may be absent.
    pub fn optional_whole(
        &self,
        field: &str,
        range: std::ops::RangeInclusive<u64>,
        faults: &mut Faults,
    ) -> Option<u64> {
        let number = self.typed(field, "a whole number", Value::as_u64, faults)?;
        if !range.contains(&number) {
            faults.push(format!(
                "{} must be {} to {}, not {number}",
                self.name(field),
                range.start(),
                range.end()
            ));
            return None;
        }
        Some(number)
    }

    /// A list that may be absent.
    pub fn optional_list(&self, field: &str, faults: &mut Faults) -> Option<&'a [Value]> {
        self.typed(
            field,
            "a list",
            |value| value.as_array().map(Vec::as_slice),
            faults,
        )
    }

    /// A text that must be there and parse as `T`.
    pub fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &self,
        field: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        let text = self.text(field, faults)?;
        faults.keep(
            text.parse()
                .map_err(|error| format!("{} {error}", self.name(field))),
        )
    }

    /// A text that may be absent and otherwise must parse as `T`.
    pub fn optional_parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &self,
        field: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        self.has(field).then(|| self.parsed(field, faults)).flatten()
    }

    fn typed<T>(
        &self,
        field: &str,
        wanted: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        faults: &mut Faults,
    ) -> Option<T> {
        let value = self.get(field)?;
        let read = read(value);
        if read.is_none() {
            faults.push(format!(
                "{} must be {wanted}, not {}",
                self.name(field),
                kind(value)
            ));
        }
        read
    }
}

/// Parses JSON text, as a fault when it is none.
pub fn json(text: &str, faults: &mut Faults) -> Option<Value> {
    faults.keep(serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}")))
}

/// What a JSON value is, for a sentence.
pub fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a truth value".into(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("{:?}", shorten(text)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// At most 40 characters of a text that came from outside, for a message.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
