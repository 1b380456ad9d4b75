//! Rules that hold for the same values.

use super::{Check, MAX_NOTES, told};
use crate::{file::Faults, rules::model::Note};

impl Check<'_> {
    /// With `hit = "unique"`: the first rule that holds together with each.
    pub(super) fn overlapping(&self, faults: &mut Faults<'_>) {
        for (row, holds) in self.grid.holds.iter().enumerate() {
            let before = self.grid.holds.iter().take(row).enumerate();
            let mut both = before.filter_map(|(other, taken)| Some((other, taken.first_in_both(holds)?)));
            if let Some((other, cell)) = both.next() {
                let told = told(self.grid.example(cell, &[other, row]).into_iter());
                let (other, name) = (self.name(other), self.name(row));
                let message = format!("rules `{other}` and `{name}` both hold{told}");
                let hint = "have one exclude the other, or set hit = \"first\": then the upper one decides";
                faults.wrong(self.place(row).when, message, hint);
            }
        }
    }

    /// With `hit = "first"`: rules that cross each other and lead to different tasks. One that widens another from above, as
    /// `score < 4` does after `score < 3`, is how such tables are written, and no news.
    pub(super) fn crossing(&self) -> Vec<Note> {
        let rules = &self.rules.rules;
        let crossing = (0..rules.len()).filter_map(|later| {
            let mut before = (0..later).filter_map(|first| Some((first, self.cross(first, later)?)));
            let (first, cell) = before.next()?;
            let told = told(self.grid.example(cell, &[first, later]).into_iter());
            let (one, other) = (self.name(first), self.name(later));
            Some(Note {
                line: rules.get(later)?.line,
                message: format!("rules `{one}` and `{other}` both hold{told}; the first decides"),
            })
        });
        crossing.take(MAX_NOTES).collect()
    }

    /// A cell where two rules hold that lead to different tasks, when neither holds wherever the other does.
    fn cross(&self, first: usize, later: usize) -> Option<usize> {
        let (one, other) = (self.rules.rules.get(first)?, self.rules.rules.get(later)?);
        let (holds, also) = (self.grid.holds.get(first)?, self.grid.holds.get(later)?);
        let nested = holds.is_within(also) || also.is_within(holds);
        holds
            .first_in_both(also)
            .filter(|_| !nested && one.tasks != other.tasks)
    }
}
