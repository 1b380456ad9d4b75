//! Reading steps.

use super::{
    model::{Branch, Does, Setting, SlotId, Step},
    parse::Reader,
    parse_intent::NAMES,
};
use crate::{
    condition::Condition,
    file::{Table, Value, kind, suggest},
};
use toml::de::DeValue;

/// Most branches of a step.
const MAX_BRANCHES: usize = 50;
/// What a step does is one of these.
const DEEDS: [&str; 5] = ["ask", "call", "escalate", "close", "repeat"];

impl Reader<'_> {
    pub(super) fn step(&mut self, name: &str, value: &Value<'_>) -> Option<Step> {
        const FIELDS: [&str; 11] = [
            "say", "set", "forget", "resolve", "ask", "again", "call", "escalate", "close", "repeat", "next",
        ];
        let table = Table::of(value, format!("[step.{name}]"), &FIELDS, &mut self.faults)?;
        if table.fields.is_empty() {
            self.faults
                .wrong(table.at, format!("{} is empty", table.name), "add say = \"...\"");
        }
        let say = self.optional_messages(&table, "say");
        let set = self.settings_of_slots(&table);
        let forget = self.slot_list(&table, "forget");
        let resolve = table.truth("resolve", &mut self.faults);
        let does = self.does(&table);
        let next = self.next(&table);
        Some(Step {
            name: name.to_owned(),
            forget,
            set,
            say: say?,
            resolve,
            does: does?,
            next: next?,
        })
    }

    fn settings_of_slots(&mut self, table: &Table<'_>) -> Vec<(SlotId, Setting)> {
        let Some(value) = table.get("set") else {
            return Vec::new();
        };
        let DeValue::Table(fields) = value.get_ref() else {
            let message = format!("set must be a table, not {}", kind(value));
            self.faults.wrong(
                value.span().start,
                message,
                "write set = { status = \"shipped\" }",
            );
            return Vec::new();
        };
        let mut set = Vec::new();
        for (name, value) in fields {
            let slot = self.slot_called(name.get_ref(), name.span().start);
            let setting = match value.get_ref() {
                DeValue::Boolean(truth) => Some(Setting::Value((*truth).into())),
                DeValue::String(_) => self.template(value, "the value").map(Setting::Text),
                _ => self
                    .number(value, "the value")
                    .map(|number| Setting::Value(number.into())),
            };
            set.extend(slot.zip(setting));
        }
        set
    }

    fn does(&mut self, table: &Table<'_>) -> Option<Does> {
        let deeds: Vec<&str> = DEEDS
            .into_iter()
            .filter(|deed| table.get(deed).is_some())
            .collect();
        let (deed, value) = match deeds[..] {
            [] => ("", None),
            [deed] => (deed, table.get(deed)),
            [deed, other, ..] => {
                let at = table.get(other).map_or(table.at, |value| value.span().start);
                let message = format!("{} has both `{deed}` and `{other}`", table.name);
                self.faults.wrong(
                    at,
                    message,
                    "make two steps of it, and lead from one to the other by next",
                );
                return None;
            }
        };
        let again = table.truth("again", &mut self.faults).unwrap_or(false);
        if let (Some(value), true) = (table.get("again"), deed != "ask") {
            self.faults
                .wrong(value.span().start, "again is for steps that `ask`", "remove it");
        }
        let Some(value) = value else {
            return Some(Does::Nothing);
        };
        match deed {
            "ask" => self.slot_id(value, "ask").map(|slot| Does::Ask { slot, again }),
            "call" => self.call(value, &table.name).map(Does::Call),
            "escalate" => {
                self.last(table, deed);
                let reason = self.template(value, "escalate")?;
                if reason.is_blank() {
                    self.faults.wrong(
                        value.span().start,
                        "escalate must say why",
                        "write escalate = \"asked for an agent\"",
                    );
                }
                Some(Does::Escalate(reason))
            }
            _ => {
                self.last(table, deed);
                let truth = table.truth(deed, &mut self.faults)?;
                Some(match (deed, truth) {
                    ("close", true) => Does::Close,
                    ("repeat", true) => Does::Repeat,
                    _ => Does::Nothing,
                })
            }
        }
    }

    fn last(&mut self, table: &Table<'_>, deed: &str) {
        if let Some(next) = table.get("next") {
            let message = format!("nothing comes after `{deed}`");
            self.faults.wrong(next.span().start, message, "remove next");
        }
    }

    /// A step, or a list of steps with conditions.
    fn next(&mut self, table: &Table<'_>) -> Option<Vec<Branch>> {
        let Some(value) = table.get("next") else {
            return Some(Vec::new());
        };
        let DeValue::Array(items) = value.get_ref() else {
            let to = self.step_id(value, "next")?;
            return Some(vec![Branch { when: None, to }]);
        };
        self.at_most(MAX_BRANCHES, items, "branches");
        let mut branches: Vec<Branch> = Vec::new();
        for item in items.iter().take(MAX_BRANCHES) {
            let branch = Table::of(item, "a branch".into(), &["when", "step"], &mut self.faults)?;
            if branches.last().is_some_and(|before| before.when.is_none()) {
                let hint = "the one before has no `when` and is always taken";
                self.faults.wrong(branch.at, "this branch is never taken", hint);
            }
            let when = self.condition(&branch);
            let to = branch.required("step", "step = \"...\"", &mut self.faults);
            if let Some(to) = to.and_then(|value| self.step_id(value, "step")) {
                branches.push(Branch { when, to });
            }
        }
        Some(branches)
    }

    /// The condition in the field `when`; slots that it names exist.
    pub(super) fn condition(&mut self, table: &Table<'_>) -> Option<Condition> {
        let condition = self.faults.condition(table, &NAMES)?;
        let value = table.get("when")?;
        for (name, at) in condition.members("slots") {
            if !self.slots.contains(&name) {
                let at = self.faults.in_condition(value, condition.source(), at);
                let hint = suggest(&name, self.slots.iter().map(String::as_str));
                self.faults.wrong(
                    at,
                    format!("there is no slot `{}`", crate::file::shorten(&name)),
                    hint,
                );
            }
        }
        Some(condition)
    }
}
