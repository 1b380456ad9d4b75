//! Reading call-outs.

use super::{
    call::{BodyPlan, CallPlan},
    model::SlotId,
    parse::Reader,
};
use crate::file::{Table, Value, kind, shorten};
use std::time::Duration;
use toml::de::DeValue;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const DEFAULT_TIMEOUT_MS: u64 = 3000;
const LONGEST_TIMEOUT_MS: u64 = 30_000;
/// Deepest nesting of a body, and most values in it.
const MAX_BODY_DEPTH: usize = 8;
const MAX_BODY_ITEMS: usize = 100;

impl Reader<'_> {
    pub(super) fn call(&mut self, value: &Value<'_>, step: &str) -> Option<CallPlan> {
        const FIELDS: [&str; 6] = ["method", "url", "body", "timeout_ms", "set", "on_error"];
        let table = Table::of(value, format!("call of {step}"), &FIELDS, &mut self.faults)?;
        let method = self.method(&table);
        let url = table.required(
            "url",
            "url = \"https://api.example.com/orders/{order_number}\"",
            &mut self.faults,
        );
        let url = url.and_then(|value| self.url(value));
        let body = table.get("body").map(|value| self.body(value, 0));
        if let (Some("GET" | "DELETE"), Some(body)) = (method, table.get("body")) {
            self.faults.wrong(
                body.span().start,
                "a request that gets or deletes has no body",
                "use method = \"POST\", or remove it",
            );
        }
        let timeout = table.whole("timeout_ms", 1..=LONGEST_TIMEOUT_MS, &mut self.faults);
        let set = self.taken(&table);
        let on_error = table.required(
            "on_error",
            "on_error = \"to_agent\", the step for when there is no answer",
            &mut self.faults,
        );
        let on_error = on_error.and_then(|value| self.step_id(value, "on_error"));
        Some(CallPlan {
            method: method?,
            url: url?,
            body: match body {
                Some(body) => Some(body?),
                None => None,
            },
            timeout: Duration::from_millis(timeout.unwrap_or(DEFAULT_TIMEOUT_MS)),
            set,
            on_error: on_error?,
        })
    }

    fn method(&mut self, table: &Table<'_>) -> Option<&'static str> {
        let Some(value) = table.get("method") else {
            return Some("GET");
        };
        let text = self.faults.text(value, "method")?;
        let found = METHODS.into_iter().find(|method| *method == text);
        if found.is_none() {
            let message = format!(
                "method must be one of {}, not {:?}",
                METHODS.join(", "),
                shorten(text)
            );
            self.faults.wrong(value.span().start, message, "");
        }
        found
    }

    /// An address whose host is no slot's to choose.
    fn url(&mut self, value: &Value<'_>) -> Option<super::template::Template> {
        let text = self.faults.text(value, "url")?;
        let rest = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"))
            .unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(plain) {
            let hint =
                "write url = \"https://api.example.com/orders/{order_number}\"; slots come after the host";
            self.faults.wrong(
                value.span().start,
                "url must begin with http:// or https:// and a host",
                hint,
            );
            return None;
        }
        self.template(value, "url")
    }

    /// JSON as TOML, whose texts may show slots.
    fn body(&mut self, value: &Value<'_>, depth: usize) -> Option<BodyPlan> {
        if depth > MAX_BODY_DEPTH {
            let message = format!("body is nested over {MAX_BODY_DEPTH} deep");
            self.faults.wrong(value.span().start, message, "");
            return None;
        }
        match value.get_ref() {
            DeValue::String(_) => self.template(value, "body").map(BodyPlan::Text),
            DeValue::Boolean(truth) => Some(BodyPlan::Fixed((*truth).into())),
            DeValue::Integer(written) if written.as_str().parse::<i64>().is_ok() => written
                .as_str()
                .parse::<i64>()
                .ok()
                .map(|number| BodyPlan::Fixed(number.into())),
            DeValue::Integer(_) | DeValue::Float(_) => self
                .number(value, "body")
                .map(|number| BodyPlan::Fixed(number.into())),
            DeValue::Array(items) => {
                self.at_most(MAX_BODY_ITEMS, items, "items in one list of the body");
                let items: Vec<_> = items
                    .iter()
                    .take(MAX_BODY_ITEMS)
                    .map(|item| self.body(item, depth + 1))
                    .collect();
                items.into_iter().collect::<Option<_>>().map(BodyPlan::List)
            }
            DeValue::Table(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, item)| Some((name.get_ref().to_string(), self.body(item, depth + 1)?)))
                    .collect();
                fields.into_iter().collect::<Option<_>>().map(BodyPlan::Table)
            }
            DeValue::Datetime(_) => {
                self.faults
                    .wrong(value.span().start, "body has a date", "put it in quotes");
                None
            }
        }
    }

    /// Which slots take what from the answer.
    fn taken(&mut self, table: &Table<'_>) -> Vec<(SlotId, Vec<String>)> {
        let Some(value) = table.get("set") else {
            return Vec::new();
        };
        let DeValue::Table(fields) = value.get_ref() else {
            let message = format!("set must be a table, not {}", kind(value));
            self.faults.wrong(
                value.span().start,
                message,
                "write set = { status = \"order.status\" }",
            );
            return Vec::new();
        };
        let mut taken = Vec::new();
        for (name, value) in fields {
            let slot = self.slot_called(name.get_ref(), name.span().start);
            let path = self.path(value, "the place in the answer");
            taken.extend(slot.zip(path));
        }
        taken
    }
}
