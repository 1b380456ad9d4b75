//! A rule set: what [`parse`](super::parse()) makes of a file, and cannot be wrong.

use super::{assignee::Assignee, template::Template};
use crate::{
    calendar::{Calendar, Due},
    condition::Condition,
};
use std::fmt;
use wire::{UtcTime, task::Priority};

/// A table of rules.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(super) name: String,
    pub(super) calendar: Calendar,
    pub(super) hit: Hit,
    pub(super) fields: Vec<Field>,
    pub(super) rules: Vec<Rule>,
    pub(super) notes: Vec<Note>,
}

impl RuleSet {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rows, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What conditions and templates may name, in the order of the file.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What is no fault, but good to know.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The zone whose days and hours are meant.
    pub fn time_zone(&self) -> &str {
        self.calendar.zone_name()
    }

    /// A point in time on the clock of that zone: `Tue 2026-11-24 17:00`.
    pub fn wall_clock(&self, at: UtcTime) -> String {
        self.calendar.wall_clock(at).strftime("%a %F %H:%M").to_string()
    }
}

/// How many rows may hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// Any number: the first decides.
    First,
    /// One.
    Unique,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) when: Option<Condition>,
    /// The fields that the condition looks at, by their place in the rule set.
    pub(super) looks_at: Vec<usize>,
    pub(super) tasks: Vec<TaskPlan>,
}

impl Rule {
    /// Its name, unique in its set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins in its file.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Its condition as it was written; None when it always holds.
    pub fn when(&self) -> Option<&str> {
        self.when.as_ref().map(Condition::source)
    }

    /// How many tasks it leads to.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }
}

/// A task that a rule leads to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskPlan {
    pub(super) priority: Priority,
    pub(super) due: Due,
    pub(super) assignee: Assignee,
    pub(super) fallback: Option<Assignee>,
    pub(super) subject: Template,
    pub(super) description: Template,
}

/// What conditions and templates may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) kind: Kind,
    pub(super) optional: bool,
}

impl Field {
    /// The name in conditions and templates.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The answer to this field of the form.
    Form(String),
    /// This member of the completion.
    Event(String),
}

/// What a field may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number {
        least: Option<f64>,
        most: Option<f64>,
    },
    /// Any text, or one of a list.
    Text {
        values: Option<Vec<String>>,
    },
    Truth,
}

impl Kind {
    /// Whether it is one of few values, which can all be tried.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Truth | Self::Text { values: Some(_) })
    }

    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Number { .. } => "a number",
            Self::Text { .. } => "a text",
            Self::Truth => "true or false",
        }
    }
}

/// Something about a rule set that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Note {
    /// The line, from 1.
    pub line: usize,
    /// What is to be known.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: note: {}", self.line, self.message)
    }
}
