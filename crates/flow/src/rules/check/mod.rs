//! What only shows when all rows are read: gaps, rows that are never reached, overlaps, conditions without an answer.
//!
//! Every condition is asked, really, about values that stand for all others: each constant that a field is compared with, one
//! between two neighbours, one beyond each end. Where conditions only compare fields with constants this is exact. Where they
//! do more, or where there are too many combinations, what is found is true all the same, but something may be missed; a note
//! says so.

mod axis;
mod cells;
mod grid;
mod overlap;
#[cfg(test)]
mod tests;

use super::{
    model::{Hit, Note, RuleSet},
    parse::Place,
};
use crate::{condition::EvaluationError, file::Faults};
use cells::Cells;
use grid::Grid;
use serde_json::Value;
use wire::fault::shorten;

/// Most notes of one kind.
const MAX_NOTES: usize = 20;
/// Most fields that an example names.
const MAX_TOLD: usize = 8;
/// Most rules that a fault names.
const MAX_NAMED: usize = 5;

/// Checks the table; `places` has one for each rule. Gives what is no fault, but good to know.
pub(super) fn rules(rules: &RuleSet, places: &[Place], faults: &mut Faults<'_>) -> Vec<Note> {
    let grid = Grid::try_all(rules);
    let check = Check {
        rules,
        places,
        grid: &grid,
    };
    check.unanswered(faults);
    if !faults.is_empty() {
        // What is missing or never reached would only follow from these.
        return Vec::new();
    }
    check.gaps(faults);
    check.unreachable(faults);
    let mut notes = check.limits();
    match rules.hit {
        Hit::Unique => check.overlapping(faults),
        Hit::First => notes.extend(check.crossing()),
    }
    notes.extend(check.unused());
    notes.sort();
    notes
}

struct Check<'a> {
    rules: &'a RuleSet,
    places: &'a [Place],
    grid: &'a Grid<'a>,
}

impl Check<'_> {
    fn place(&self, row: usize) -> Place {
        self.places
            .get(row)
            .copied()
            .unwrap_or(Place { rule: 0, when: 0 })
    }

    fn name(&self, row: usize) -> &str {
        self.rules.rules.get(row).map_or("", |rule| &rule.name)
    }

    /// Conditions that have no answer for some values.
    fn unanswered(&self, faults: &mut Faults<'_>) {
        for (row, found) in self.grid.errors.iter().enumerate() {
            let Some((cell, error)) = found else { continue };
            let example = self.grid.example(*cell, &[row]);
            let absent = example
                .iter()
                .find(|(_, value)| value.is_null())
                .map(|(name, _)| *name);
            let told = told(example.iter().copied());
            let message = format!(
                "the condition of rule `{}` has no answer{told}: {error}",
                self.name(row)
            );
            faults.wrong(self.place(row).when, message, remedy(error, absent));
        }
    }

    /// Values for which no rule holds.
    fn gaps(&self, faults: &mut Faults<'_>) {
        let mut open = Cells::all(self.grid.count());
        self.grid.holds.iter().for_each(|holds| open.remove(holds));
        if let Some(cell) = open.first() {
            let all: Vec<usize> = (0..self.rules.rules.len()).collect();
            let message = format!(
                "no rule holds{}",
                told(self.grid.example(cell, &all).iter().copied())
            );
            let at = self.place(self.rules.rules.len().saturating_sub(1)).rule;
            faults.wrong(
                at,
                message,
                "add a last rule without `when`; without tasks, if nothing is to be done",
            );
        }
    }

    /// Rules that never fire, whatever the values.
    fn unreachable(&self, faults: &mut Faults<'_>) {
        let mut taken = Cells::none(self.grid.count());
        for row in 0..self.rules.rules.len() {
            let may = self.grid.may_hold(row);
            let mut left = may.clone();
            left.remove(&taken);
            if may.is_empty() {
                let message = format!("the condition of rule `{}` never holds", self.name(row));
                faults.wrong(
                    self.place(row).when,
                    message,
                    "no value fulfils it; correct it, or remove the rule",
                );
            } else if left.is_empty() && self.rules.hit == Hit::First {
                let takers = self.takers(row, &may);
                let message = format!("rule `{}` never fires: {takers} before it", self.name(row));
                faults.wrong(self.place(row).when, message, "move it up, or remove it");
            }
            taken.add(&self.grid.surely_holds(row));
        }
    }

    /// The rules before `row` that take its cells.
    fn takers(&self, row: usize, cells: &Cells) -> String {
        let mut left = cells.clone();
        let mut names = Vec::new();
        for before in 0..row {
            let takes = self.grid.surely_holds(before);
            if left.meets(&takes) {
                left.remove(&takes);
                names.push(format!("`{}`", self.name(before)));
            }
        }
        match names.as_slice() {
            [one] => format!("{one} takes everything"),
            [some @ .., last] if names.len() <= MAX_NAMED => {
                format!("{} and {last} take everything", some.join(", "))
            }
            many => {
                let shown = many.get(..MAX_NAMED).unwrap_or_default().join(", ");
                format!(
                    "{shown} and {} more take everything",
                    many.len().saturating_sub(MAX_NAMED)
                )
            }
        }
    }

    /// Where the check is not exact.
    fn limits(&self) -> Vec<Note> {
        let note = |row: usize, message| Note {
            line: self.rules.rules.get(row).map_or(1, |rule| rule.line),
            message,
        };
        let inexact = (0..self.rules.rules.len()).filter(|row| !self.grid.exact[*row]);
        let mut notes: Vec<Note> = inexact
            .take(MAX_NOTES)
            .map(|row| {
                let name = self.name(row);
                let message = format!(
                    "the condition of rule `{name}` does more than compare fields with constants; gaps and rules \
                     that never fire were looked for by examples only"
                );
                note(row, message)
            })
            .collect();
        if let Some(total) = self.grid.sampled_of {
            let tried = self.grid.count();
            let of = total.map_or_else(|| "very many".into(), |total| total.to_string());
            notes.push(note(
                0,
                format!("{tried} of {of} combinations of values were tried; a gap may be missed"),
            ));
        }
        notes
    }

    /// Fields that nothing looks at.
    fn unused(&self) -> Vec<Note> {
        let is_used = |at: usize| {
            self.rules.rules.iter().any(|rule| {
                let shown = rule
                    .tasks
                    .iter()
                    .flat_map(|task| task.subject.fields().chain(task.description.fields()));
                rule.looks_at.iter().copied().chain(shown).any(|used| used == at)
            })
        };
        let fields = self.rules.fields.iter().enumerate();
        let unused = fields.filter(|(at, _)| !is_used(*at)).map(|(_, field)| {
            let name = &field.name;
            let more = if field.optional {
                ""
            } else {
                "; a form without it is not judged all the same"
            };
            Note {
                line: self.rules.rules.first().map_or(1, |rule| rule.line),
                message: format!("no rule uses the field `{name}`{more}"),
            }
        });
        unused.take(MAX_NOTES).collect()
    }
}

fn remedy(error: &EvaluationError, absent: Option<&str>) -> String {
    match (error, absent) {
        (_, Some(name)) => format!("write `{name} != null && ...`, since it may be absent"),
        (EvaluationError::Types { types, .. }, _) if is_mixed(types) => {
            "fields are numbers with a point: write those to reckon with like 2.0".into()
        }
        _ => String::new(),
    }
}

/// Whether whole numbers meet others: comparing them is fine, reckoning is not.
fn is_mixed(types: &str) -> bool {
    types == "a number, a number" || types == "double, int" || types == "int, double"
}

/// Values as the end of a sentence: ` when score is 3.5 and channel is "chat"`.
pub(super) fn told<'a>(values: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let mut told: Vec<String> = values
        .take(MAX_TOLD)
        .map(|(name, value)| one(name, value))
        .collect();
    match (told.pop(), told.is_empty()) {
        (None, _) => String::new(),
        (Some(one), true) => format!(" when {one}"),
        (Some(last), false) => format!(" when {} and {last}", told.join(", ")),
    }
}

fn one(name: &str, value: &Value) -> String {
    match value {
        Value::Null => format!("{name} is absent"),
        Value::String(text) => format!("{name} is {:?}", shorten(text)),
        other => format!("{name} is {other}"),
    }
}
