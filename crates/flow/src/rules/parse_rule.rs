//! Reading the rows and their tasks.

use super::{
    assignee::Assignee,
    model::{Field, Kind, Rule, TaskPlan},
    parse::{MAX_RULES, MAX_TASKS, Place, Reader},
    template::Template,
};
use crate::{
    calendar::{Calendar, Due},
    condition::{Condition, Constant},
    file::{self, Table, Value, shorten, suggest},
};
use wire::task::{LONGEST_DESCRIPTION, LONGEST_SUBJECT, Priority};

/// The longest name of a rule, in bytes.
const LONGEST_NAME: usize = 64;

impl Reader<'_> {
    pub(super) fn rules(
        &mut self,
        top: &Table<'_>,
        calendar: Option<&Calendar>,
        fallback: Option<&Assignee>,
    ) -> Vec<Rule> {
        const HINT: &str = "a rule: [[rule]] with name = \"unhappy\" and when = \"score < 3\"";
        let items = top
            .required("rule", HINT, &mut self.faults)
            .and_then(|value| file::items(value, "rule", &mut self.faults))
            .unwrap_or_default();
        self.at_most(
            MAX_RULES,
            items,
            "rules",
            "join those that lead to the same tasks with ||",
        );
        let (mut rules, mut names) = (Vec::new(), Vec::new());
        for item in items.iter().take(MAX_RULES) {
            const FIELDS: [&str; 3] = ["name", "when", "task"];
            let Some(table) = Table::of(item, "the rule".into(), &FIELDS, &mut self.faults) else {
                continue;
            };
            let name = self.rule_name(&table, &mut names);
            rules.extend(self.rule(&table, name, calendar, fallback));
        }
        rules
    }

    fn rule_name(&mut self, table: &Table<'_>, names: &mut Vec<(String, usize)>) -> Option<String> {
        let value = table.required("name", "name = \"unhappy\"", &mut self.faults)?;
        let (name, at) = (self.faults.text(value, "name")?, value.span().start);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
            let message = format!("{:?} is no name for a rule", shorten(name));
            let hint = format!("use a-z, 0-9, - and _, at most {LONGEST_NAME} of them");
            self.faults.wrong(at, message, hint);
            return None;
        }
        if let Some((_, first)) = names.iter().find(|(known, _)| known == name) {
            let message = format!(
                "the rule {name:?} is there already, in line {}",
                self.faults.line(*first)
            );
            let hint = "name it otherwise: tasks are told apart by the names of their rules";
            self.faults.wrong(at, message, hint);
        }
        names.push((name.to_owned(), at));
        Some(name.to_owned())
    }

    fn rule(
        &mut self,
        table: &Table<'_>,
        name: Option<String>,
        calendar: Option<&Calendar>,
        fallback: Option<&Assignee>,
    ) -> Option<Rule> {
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let when = self.faults.condition(table, &names);
        if let (Some(condition), Some(value)) = (&when, table.get("when")) {
            self.check_kinds(condition, value);
        }
        let written = table.list("task", &mut self.faults).unwrap_or_default();
        self.at_most(MAX_TASKS, written, "tasks in one rule", "join them");
        let plans = written
            .iter()
            .take(MAX_TASKS)
            .map(|task| self.task(task, calendar, fallback));
        let plans: Vec<Option<TaskPlan>> = plans.collect();
        if table.get("when").is_some() && when.is_none() {
            return None;
        }
        let name = name?;
        self.places.push(Place {
            rule: table.at,
            when: table.get("when").map_or(table.at, |value| value.span().start),
        });
        let used = when.as_ref().map(Condition::names).unwrap_or_default();
        let looks_at = |name: &String| self.fields.iter().position(|field| field.name == *name);
        Some(Rule {
            name,
            line: self.faults.line(table.at),
            looks_at: used.iter().filter_map(looks_at).collect(),
            when,
            tasks: plans.into_iter().flatten().collect(),
        })
    }

    /// Notes constants that a field can never be compared with.
    fn check_kinds(&mut self, condition: &Condition, written: &Value<'_>) {
        for comparison in condition.shape().comparisons {
            let sound = |field: &&Field| !self.doubtful.contains(&field.name);
            let named = |field: &&Field| field.name == comparison.name;
            let Some(field) = self.fields.iter().find(named).filter(sound) else {
                continue;
            };
            let name = &field.name;
            let (message, hint) = match (&field.kind, &comparison.with) {
                (_, Constant::Null) if !field.optional => (
                    format!("{name} is never null"),
                    format!("add optional = true to [field.{name}] if it may be absent"),
                ),
                (Kind::Text { values: Some(values) }, Constant::Text(text)) if !values.contains(text) => (
                    format!("{name} is never {:?}", shorten(text)),
                    suggest(text, values.iter().map(String::as_str)),
                ),
                (Kind::Number { .. }, Constant::Number(_))
                | (Kind::Text { .. }, Constant::Text(_))
                | (Kind::Truth, Constant::Truth(_))
                | (_, Constant::Null) => continue,
                (kind, _) => (
                    format!(
                        "{name} is {}, and is compared with {}",
                        kind.as_str(),
                        kind_of(&comparison.with)
                    ),
                    match kind {
                        Kind::Number { .. } => format!("write {name} < 3, or {name} == 3"),
                        Kind::Text { .. } => format!("write {name} == \"...\""),
                        Kind::Truth => format!("write {name} or !{name}"),
                    },
                ),
            };
            let at = self
                .faults
                .in_condition(written, condition.source(), comparison.at);
            self.faults.wrong(at, message, hint);
        }
    }

    fn task(
        &mut self,
        value: &Value<'_>,
        calendar: Option<&Calendar>,
        default: Option<&Assignee>,
    ) -> Option<TaskPlan> {
        const FIELDS: [&str; 6] = [
            "priority",
            "due",
            "assignee",
            "fallback",
            "subject",
            "description",
        ];
        let table = Table::of(value, "the task".into(), &FIELDS, &mut self.faults)?;
        let priority = match table.get("priority") {
            Some(value) => self.faults.parsed(value, "priority"),
            None => Some(Priority::Normal),
        };
        let due = table.required("due", "due = \"1 day\"", &mut self.faults);
        let due = due.and_then(|value| self.due(value, calendar));
        let assignee = match table.get("assignee") {
            Some(value) => self.assignee(value, "assignee"),
            None => Some(Assignee::Leader),
        };
        let fallback = match table.get("fallback") {
            Some(value) => self.assignee(value, "fallback"),
            None => default.cloned(),
        };
        let subject = table.required(
            "subject",
            "subject = \"Call the customer back\"",
            &mut self.faults,
        );
        let subject = subject.and_then(|value| self.subject(value));
        let description = match table.get("description") {
            Some(value) => self.template(value, "description", LONGEST_DESCRIPTION),
            None => Some(Template::default()),
        };
        Some(TaskPlan {
            priority: priority?,
            due: due?,
            assignee: assignee?,
            fallback,
            subject: subject?,
            description: description?,
        })
    }

    fn due(&mut self, value: &Value<'_>, calendar: Option<&Calendar>) -> Option<Due> {
        let due: Due = self.faults.parsed(value, "due")?;
        let calendar = calendar?;
        let at = value.span().start;
        if !calendar.reaches(&due) {
            let message = format!("{due} can take longer than {} days", crate::calendar::MAX_DAYS);
            self.faults
                .wrong(at, message, "choose less, or more business hours");
        }
        let (from, to) = calendar.working().hours();
        if let Some(time) = due.business_time().filter(|time| !(from..=to).contains(time)) {
            let message = format!("{time} is not within the business hours, {from} to {to}");
            self.faults.wrong(
                at,
                message,
                "name a time within them, or count days instead of business days",
            );
        }
        Some(due)
    }

    fn subject(&mut self, value: &Value<'_>) -> Option<Template> {
        let subject = self.template(value, "subject", LONGEST_SUBJECT)?;
        if subject.is_blank() {
            self.faults
                .wrong(value.span().start, "subject must not be empty", "");
        }
        Some(subject)
    }

    fn template(&mut self, value: &Value<'_>, name: &str, most: usize) -> Option<Template> {
        let text = self.faults.text(value, name)?;
        let length = text.chars().count();
        if length > most {
            let message = format!("{name} must be at most {most} characters long, not {length}");
            self.faults.wrong(value.span().start, message, "");
            return None;
        }
        match Template::parse(text, &self.fields) {
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
}

fn kind_of(constant: &Constant) -> &'static str {
    match constant {
        Constant::Number(_) => "a number",
        Constant::Text(_) => "a text",
        Constant::Truth(_) => "true or false",
        Constant::Null => "null",
    }
}
