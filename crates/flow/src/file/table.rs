//! Reading a TOML table field by field, noting every fault.

use super::fault::{Faults, suggest};
use crate::condition::{Condition, ConditionProblem, Position};
use std::{fmt::Display, ops::RangeInclusive, str::FromStr};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

/// A table and what the faults call it.
pub(crate) struct Table<'a> {
    pub(crate) fields: &'a DeTable<'a>,
    /// Where it begins.
    pub(crate) at: usize,
    /// Such as `menu "general"`.
    pub(crate) name: String,
}

impl<'a> Table<'a> {
    /// The table that `value` holds; unknown fields are faults.
    pub(crate) fn of(
        value: &'a Value<'a>,
        name: String,
        known: &[&str],
        faults: &mut Faults<'_>,
    ) -> Option<Self> {
        let at = value.span().start;
        let DeValue::Table(fields) = value.get_ref() else {
            faults.wrong(at, format!("{name} must be a table, not {}", kind(value)), "");
            return None;
        };
        let table = Self { fields, at, name };
        table.only(known, faults);
        Some(table)
    }

    /// Every field that is not known is a fault.
    pub(crate) fn only(&self, known: &[&str], faults: &mut Faults<'_>) {
        for key in self.fields.keys() {
            let field: &str = key.get_ref();
            if !known.contains(&field) {
                let message = format!("unknown field `{}` in {}", shorten(field), self.name);
                faults.wrong(key.span().start, message, suggest(field, known.iter().copied()));
            }
        }
    }

    pub(crate) fn get(&self, field: &str) -> Option<&'a Value<'a>> {
        self.fields.get(field)
    }

    /// A field that must be there.
    pub(crate) fn required(
        &self,
        field: &str,
        example: &str,
        faults: &mut Faults<'_>,
    ) -> Option<&'a Value<'a>> {
        let value = self.get(field);
        if value.is_none() {
            faults.absent(
                self.at,
                format!("{} has no `{field}`", self.name),
                format!("add {example}"),
            );
        }
        value
    }

    /// A truth value that may be absent.
    pub(crate) fn truth(&self, field: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let value = self.get(field)?;
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            faults.wrong(
                value.span().start,
                format!("{field} must be true or false, not {}", kind(value)),
                "",
            );
        }
        truth
    }

    /// A whole number within `range` that may be absent.
    pub(crate) fn whole(
        &self,
        field: &str,
        range: RangeInclusive<u64>,
        faults: &mut Faults<'_>,
    ) -> Option<u64> {
        let value = self.get(field)?;
        let (least, most, at) = (range.start(), range.end(), value.span().start);
        let DeValue::Integer(written) = value.get_ref() else {
            faults.wrong(
                at,
                format!("{field} must be a whole number, not {}", kind(value)),
                "",
            );
            return None;
        };
        let number = u64::from_str_radix(written.as_str(), written.radix()).ok();
        let within = number.filter(|number| range.contains(number));
        if within.is_none() {
            let written = shorten(written.as_str());
            faults.wrong(
                at,
                format!("{field} must be {least} to {most}, not {written}"),
                "",
            );
        }
        within
    }

    /// The items of a list that may be absent.
    pub(crate) fn list(&self, field: &str, faults: &mut Faults<'_>) -> Option<&'a [Value<'a>]> {
        self.get(field).and_then(|value| items(value, field, faults))
    }
}

/// The items of a list.
pub(crate) fn items<'a>(
    value: &'a Value<'a>,
    name: &str,
    faults: &mut Faults<'_>,
) -> Option<&'a [Value<'a>]> {
    let DeValue::Array(items) = value.get_ref() else {
        faults.wrong(
            value.span().start,
            format!("{name} must be a list, not {}", kind(value)),
            "",
        );
        return None;
    };
    Some(items)
}

impl Faults<'_> {
    /// The tables `[kind.name]` in the order of the file: names, their places, and what they hold.
    pub(crate) fn tables<'a>(
        &mut self,
        top: &Table<'a>,
        kind: &str,
        most: usize,
    ) -> Vec<(String, usize, &'a Value<'a>)> {
        let Some(value) = top.get(kind) else {
            return Vec::new();
        };
        let DeValue::Table(tables) = value.get_ref() else {
            let hint = format!("write [{kind}.name]");
            self.wrong(value.span().start, format!("{kind} must be tables"), hint);
            return Vec::new();
        };
        let mut found = in_order(tables);
        if let Some((_, at, _)) = found.get(most) {
            let message = format!(
                "the file has {} of [{kind}.name], at most {most} are allowed",
                found.len()
            );
            self.wrong(*at, message, "split it");
            found.truncate(most);
        }
        found
    }

    /// A text.
    pub(crate) fn text<'a>(&mut self, value: &'a Value<'a>, name: &str) -> Option<&'a str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let hint = if value.get_ref().is_integer() {
                "put it in quotes"
            } else {
                ""
            };
            self.wrong(
                value.span().start,
                format!("{name} must be a text, not {}", kind(value)),
                hint,
            );
        }
        text
    }

    /// A text that is more than a text.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, value: &Value<'_>, name: &str) -> Option<T> {
        let parsed = self.text(value, name)?.parse();
        parsed
            .map_err(|error| self.wrong(value.span().start, format!("{name} {error}"), ""))
            .ok()
    }

    /// The condition in the field `when`, if there is one; it may use `names`.
    pub(crate) fn condition(&mut self, table: &Table<'_>, names: &[&str]) -> Option<Condition> {
        let value = table.get("when")?;
        let source = self.text(value, "when")?;
        let error = match Condition::compile(source, names) {
            Ok(condition) => return Some(condition),
            Err(error) => error,
        };
        let at = self.in_condition(value, source, error.at);
        let near = match &error.problem {
            ConditionProblem::UnknownVariable { name, .. } => suggest(name, names.iter().copied()),
            _ => String::new(),
        };
        // What the names are is in the error itself.
        let hint = if near.starts_with("did you mean") {
            near
        } else {
            String::new()
        };
        self.wrong(at, error.to_string(), hint);
        None
    }

    /// Where a place of the condition `source`, written as `value`, stands in the file.
    pub(crate) fn in_condition(&self, value: &Value<'_>, source: &str, at: Option<Position>) -> usize {
        let offset = at.map_or(0, |at| {
            let line: usize = source.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
            line + source[line..]
                .chars()
                .take(at.column - 1)
                .map(char::len_utf8)
                .sum::<usize>()
        });
        self.inside(value.span(), source, offset)
    }
}

fn in_order<'a>(tables: &'a DeTable<'a>) -> Vec<(String, usize, &'a Value<'a>)> {
    let tables = tables
        .iter()
        .map(|(name, value)| (name.get_ref().to_string(), name.span().start, value));
    let mut found: Vec<_> = tables.collect();
    found.sort_by_key(|(_, at, _)| *at);
    found
}

pub(crate) fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
