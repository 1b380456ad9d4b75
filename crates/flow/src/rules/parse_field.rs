//! Reading what conditions and templates may name.

use super::{
    model::{Field, Kind, Source},
    parse::{MAX_FIELDS, Reader},
    template,
};
use crate::{
    condition::RESERVED_WORDS,
    file::{self, Table, Value, kind, shorten},
};
use toml::de::DeValue;
use wire::form::LONGEST_FIELD;

/// The longest name of a field, in bytes.
const LONGEST_NAME: usize = 64;
/// Most values of a closed list.
const MAX_VALUES: usize = 100;
impl Reader<'_> {
    /// Notes the fields; one with faults is noted all the same, so that its name is known.
    pub(super) fn read_fields(&mut self, top: &Table<'_>) {
        for (name, at, value) in self.faults.tables(top, "field", MAX_FIELDS) {
            self.check_name(&name, at);
            let field = self.field(&name, value);
            if field.is_none() {
                self.doubtful.insert(name.clone());
            }
            self.fields.push(field.unwrap_or_else(|| Field {
                source: Source::Form(name.clone()),
                name,
                kind: Kind::Text { values: None },
                optional: true,
            }));
        }
    }

    fn check_name(&mut self, name: &str, at: usize) {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins || !name.chars().all(word) || name.len() > LONGEST_NAME {
            let message = format!("{:?} is no name for a field", shorten(name));
            let hint = "use letters, digits and _, and begin with a letter, like overall_score";
            self.faults.wrong(at, message, hint);
        } else if RESERVED_WORDS.contains(&name) || template::NAMES.contains(&name) {
            let message = format!("the name {name:?} has a meaning of its own");
            self.faults.wrong(
                at,
                message,
                format!("name the field otherwise, like {name}_answer"),
            );
        }
    }

    fn field(&mut self, name: &str, value: &Value<'_>) -> Option<Field> {
        const FIELDS: [&str; 7] = ["form", "event", "kind", "optional", "least", "most", "values"];
        let table = Table::of(value, format!("[field.{name}]"), &FIELDS, &mut self.faults)?;
        let source = self.source(&table);
        let kind = self.kind(&table);
        let optional = table.truth("optional", &mut self.faults).unwrap_or(false);
        Some(Field {
            name: name.to_owned(),
            source: source?,
            kind: kind?,
            optional,
        })
    }

    fn source(&mut self, table: &Table<'_>) -> Option<Source> {
        const HINT: &str = "add form = \"overall_satisfaction\", a field of the form, or event = \"queue\", a member of the completion";
        let (form, event) = (table.get("form"), table.get("event"));
        let (value, field) = match (form, event) {
            (Some(form), None) => (form, "form"),
            (None, Some(event)) => (event, "event"),
            (Some(_), Some(event)) => {
                let message = format!("{} comes either from the form or from the event", table.name);
                self.faults
                    .wrong(event.span().start, message, "remove one of form and event");
                return None;
            }
            (None, None) => {
                let message = format!("{} does not say where it comes from", table.name);
                self.faults.absent(table.at, message, HINT);
                return None;
            }
        };
        let text = self.faults.text(value, field)?;
        if text.is_empty() || text.len() > LONGEST_FIELD {
            let message = format!(
                "{field} must be 1 to {LONGEST_FIELD} bytes long, not {}",
                text.len()
            );
            self.faults.wrong(value.span().start, message, "");
            return None;
        }
        Some(match field {
            "form" => Source::Form(text.to_owned()),
            _ => Source::Event(text.to_owned()),
        })
    }

    fn kind(&mut self, table: &Table<'_>) -> Option<Kind> {
        const HINT: &str = "write \"number\", \"text\" or \"truth\"";
        let value = table.required(
            "kind",
            "kind = \"number\", \"text\" or \"truth\"",
            &mut self.faults,
        )?;
        let found = self.faults.text(value, "kind")?;
        match found {
            "number" => {
                self.only_for("text", table, &["values"]);
                let (least, most) = (self.bound(table, "least"), self.bound(table, "most"));
                if let (Some(least), Some(most)) = (least, most)
                    && least >= most
                {
                    let at = table.get("most").map_or(table.at, |value| value.span().start);
                    self.faults.wrong(at, "most must be more than least", "");
                }
                Some(Kind::Number { least, most })
            }
            "text" => {
                self.only_for("number", table, &["least", "most"]);
                let values = table.get("values").map(|value| self.closed_list(value));
                Some(Kind::Text {
                    values: match values {
                        Some(values) => Some(values?),
                        None => None,
                    },
                })
            }
            "truth" => {
                self.only_for("number", table, &["least", "most"]);
                self.only_for("text", table, &["values"]);
                Some(Kind::Truth)
            }
            other => {
                let message = format!("there is no kind {:?}", shorten(other));
                self.faults.wrong(value.span().start, message, HINT);
                None
            }
        }
    }

    fn only_for(&mut self, kind: &str, table: &Table<'_>, fields: &[&str]) {
        for field in fields {
            if let Some(value) = table.get(field) {
                let message = format!("{field} is for fields of the kind \"{kind}\"");
                self.faults.wrong(value.span().start, message, "remove it");
            }
        }
    }

    /// A number that need not be whole.
    fn bound(&mut self, table: &Table<'_>, field: &str) -> Option<f64> {
        let value = table.get(field)?;
        let number = match value.get_ref() {
            DeValue::Integer(written) => i64::from_str_radix(written.as_str(), written.radix())
                .ok()
                .map(|number| number as f64),
            DeValue::Float(written) => written.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let number = number
            .filter(|number| number.is_finite())
            .map(|number| number + 0.0);
        if number.is_none() {
            let message = match kind(value) {
                "a number" => format!("{field} must be a number that can be reckoned with"),
                other => format!("{field} must be a number, not {other}"),
            };
            self.faults.wrong(value.span().start, message, "");
        }
        number
    }

    fn closed_list(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let items = file::items(value, "values", &mut self.faults)?;
        if items.is_empty() {
            let hint = "name them, or leave `values` out to allow any text";
            self.faults.wrong(value.span().start, "values is empty", hint);
        }
        self.at_most(
            MAX_VALUES,
            items,
            "values",
            "leave `values` out to allow any text",
        );
        let mut values: Vec<String> = Vec::new();
        for item in items.iter().take(MAX_VALUES) {
            let text = self.faults.text(item, "a value")?;
            if text.trim() != text || text.is_empty() || values.iter().any(|known| known == text) {
                let message = format!(
                    "the value {:?} is empty, has spaces around it, or comes twice",
                    shorten(text)
                );
                self.faults.wrong(item.span().start, message, "");
            }
            values.push(text.to_owned());
        }
        (!values.is_empty()).then_some(values)
    }
}
