//! What reading a file carries along: its faults so far, and the variables that a text may use.

use super::{
    model::Pattern,
    template::{Template, TemplateFault},
};
use crate::file::{
    Faults, suggest,
    yaml::{self, Node},
};
use serde_json::Value;
use std::time::Duration;

/// The longest text, in characters: more than a message may have.
const LONGEST_TEXT: usize = 10_000;
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(31 * 24 * 3600);

pub(super) struct Reader<'r, 's> {
    pub(super) faults: &'r mut Faults<'s>,
    /// Variables that have a value at this place.
    pub(super) vars: Vec<String>,
}

impl<'r, 's> Reader<'r, 's> {
    pub(super) fn new(faults: &'r mut Faults<'s>, vars: impl Iterator<Item = String>) -> Self {
        Self {
            faults,
            vars: vars.collect(),
        }
    }

    /// A text with variables.
    pub(super) fn template(&mut self, node: &Node, name: &str) -> Option<Template> {
        self.template_by(node, name, Template::parse)
    }

    fn template_by(
        &mut self,
        node: &Node,
        name: &str,
        parse: fn(&str) -> Result<Template, TemplateFault>,
    ) -> Option<Template> {
        let text = yaml::text(node, name, self.faults)?;
        if text.chars().count() > LONGEST_TEXT {
            let message = format!("{name} is longer than {LONGEST_TEXT} characters");
            self.faults.wrong(node.at, message, "");
            return None;
        }
        match parse(text) {
            Ok(template) => {
                self.check(node.at, &template);
                Some(template)
            }
            Err(fault) => {
                // Within quotes and blocks the place is near, not exact.
                let hint = "write {{name}} for a variable, \\{{ for braces";
                self.faults
                    .wrong(node.at.saturating_add(fault.at), fault.message, hint);
                None
            }
        }
    }

    /// A text of a sentence: there must be something in it.
    pub(super) fn sentence(&mut self, node: &Node, name: &str) -> Option<Template> {
        let template = self.template(node, name)?;
        if template.source().trim().is_empty() {
            self.faults
                .wrong(node.at, format!("{name} must not be empty"), "");
            return None;
        }
        Some(template)
    }

    fn check(&mut self, at: usize, template: &Template) {
        for name in template.variables() {
            if !self.vars.iter().any(|known| known == name) {
                let message = format!("nothing gives the variable `{name}` a value before this turn");
                let near = suggest(name, self.vars.iter().map(String::as_str));
                let hint = format!("add it to `vars`, or capture it earlier; {near}");
                self.faults.wrong(at, message, hint);
            }
        }
    }

    /// Every text of a JSON value is a template that can be filled.
    pub(super) fn value(&mut self, node: &Node) -> Value {
        let value = node.value();
        self.check_value(node.at, &value);
        value
    }

    fn check_value(&mut self, at: usize, value: &Value) {
        match value {
            Value::String(text) => match Template::parse(text) {
                Ok(template) => self.check(at, &template),
                Err(fault) => self
                    .faults
                    .wrong(at, fault.message, "write {{name}} for a variable"),
            },
            Value::Array(items) => items.iter().for_each(|item| self.check_value(at, item)),
            Value::Object(fields) => fields.values().for_each(|field| self.check_value(at, field)),
            _ => {}
        }
    }

    /// A regular expression.
    pub(super) fn pattern(&mut self, node: &Node, name: &str, ignores_case: bool) -> Option<Pattern> {
        let template = self.template_by(node, name, Template::parse_pattern)?;
        let compiled = Pattern::compile(template, ignores_case);
        compiled
            .map_err(|reason| {
                let hint = "the syntax is that of https://docs.rs/regex; put it in single quotes";
                self.faults.wrong(node.at, format!("{name} {reason}"), hint);
            })
            .ok()
    }

    /// A duration such as `10m`.
    pub(super) fn duration(&mut self, node: &Node, name: &str) -> Option<Duration> {
        let text = yaml::text(node, name, self.faults)?;
        let duration = duration(text).filter(|duration| *duration <= LONGEST_WAIT);
        if duration.is_none() {
            let message = format!(
                "{name} must be a duration up to 31 days, not {}",
                crate::file::shorten(text)
            );
            self.faults
                .wrong(node.at, message, "write it like 500ms, 30s, 10m or 1h30m");
        }
        duration
    }
}

/// Reads `1h30m`, `90s`, `500ms`; at most 31 days in a scenario.
///
/// ```
/// assert_eq!(flow::scenario::duration("1h30m"), Some(std::time::Duration::from_secs(5400)));
/// assert_eq!(flow::scenario::duration("soon"), None);
/// ```
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let ms = match &unit[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(Duration::from_millis(number.checked_mul(ms)?))?;
        rest = &unit[end..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("10m"), Some(Duration::from_secs(600)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "10", "m", "10 m", "-1s", "99999999999999999999s", "1.5s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
