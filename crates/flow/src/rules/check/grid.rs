//! All combinations of the values that matter, or as many as there is time for, and which rule holds for which.

use super::{
    axis::{Axis, axes, is_exact, shapes},
    cells::Cells,
};
use crate::{
    condition::{Condition, EvaluationError, Facts},
    rules::model::{Rule, RuleSet},
};
use serde_json::Value;

/// Most combinations that are tried.
const MAX_CELLS: usize = 50_000;
/// Most parts of conditions that are reckoned: some tenths of a second.
const MAX_WORK: usize = 2_000_000;
/// Most answers that are looked up.
const MAX_LOOKUPS: usize = 20_000_000;

/// The combinations that were tried, numbered, and what came of them.
pub(super) struct Grid<'a> {
    rules: &'a RuleSet,
    axes: Vec<Axis>,
    plan: Plan,
    /// The cells where each rule holds.
    pub(super) holds: Vec<Cells>,
    /// The first cell where a rule's condition has no answer.
    pub(super) errors: Vec<Option<(usize, EvaluationError)>>,
    /// For each rule, whether its cells stand for all values.
    pub(super) exact: Vec<bool>,
    /// When not all combinations were tried: how many there are, if they can be counted.
    pub(super) sampled_of: Option<Option<usize>>,
}

/// Which combinations are tried.
#[derive(Clone, Copy)]
struct Plan {
    count: usize,
    all: bool,
}

impl<'a> Grid<'a> {
    pub(super) fn try_all(rules: &'a RuleSet) -> Self {
        let shapes = shapes(rules);
        let axes = axes(rules, &shapes);
        let total = product(axes.iter().map(|axis| axis.values.len()));
        let plan = plan(rules, &axes, total);
        let mut grid = Self {
            rules,
            axes,
            plan,
            holds: Vec::new(),
            errors: Vec::new(),
            exact: shapes
                .iter()
                .map(|shape| is_exact(shape, &rules.fields))
                .collect(),
            sampled_of: (!plan.all).then_some(total),
        };
        for rule in &rules.rules {
            let (holds, error) = grid.ask(rule);
            grid.holds.push(holds);
            grid.errors.push(error);
        }
        grid
    }

    /// How many cells there are.
    pub(super) fn count(&self) -> usize {
        self.plan.count
    }

    /// The cells where a rule certainly holds.
    pub(super) fn surely_holds(&self, row: usize) -> Cells {
        let always = self.rules.rules.get(row).is_some_and(|rule| rule.when.is_none());
        match self.holds.get(row) {
            Some(holds) if always || self.is_certain(row) => holds.clone(),
            _ => Cells::none(self.count()),
        }
    }

    /// The cells where a rule holds, or might for values that were not tried.
    pub(super) fn may_hold(&self, row: usize) -> Cells {
        match self.holds.get(row) {
            Some(holds) if self.is_certain(row) => holds.clone(),
            _ => Cells::all(self.count()),
        }
    }

    fn is_certain(&self, row: usize) -> bool {
        self.plan.all && self.exact.get(row).copied().unwrap_or_default()
    }

    /// The values of a cell by the names of their fields: those that some of the rows look at.
    pub(super) fn example(&self, cell: usize, rows: &[usize]) -> Vec<(&str, &Value)> {
        let rules: Vec<&Rule> = rows.iter().filter_map(|row| self.rules.rules.get(*row)).collect();
        let axes = self.axes.iter().enumerate();
        let shown = axes.filter(|(_, axis)| rules.iter().any(|rule| rule.looks_at.contains(&axis.field)));
        shown.filter_map(|(at, _)| self.named(cell, at)).collect()
    }

    fn named(&self, cell: usize, axis: usize) -> Option<(&str, &Value)> {
        let value = self.axes.get(axis)?.values.get(self.pick(cell, axis))?;
        let field = self.rules.fields.get(self.axes.get(axis)?.field)?;
        Some((field.name.as_str(), value))
    }

    /// Which value of an axis a cell has.
    fn pick(&self, cell: usize, axis: usize) -> usize {
        let length = |axis: &Axis| axis.values.len().max(1);
        let Some(own) = self.axes.get(axis) else { return 0 };
        match self.plan.all {
            true => cell / self.axes.iter().take(axis).map(length).product::<usize>() % length(own),
            false => scatter(cell, axis) % length(own),
        }
    }

    /// Where a rule holds, and where its condition first has no answer.
    fn ask(&self, rule: &Rule) -> (Cells, Option<(usize, EvaluationError)>) {
        let Some(condition) = &rule.when else {
            return (Cells::all(self.count()), None);
        };
        let own: Vec<usize> = (0..self.axes.len())
            .filter(|axis| rule.looks_at.contains(&self.axes[*axis].field))
            .collect();
        let picks: Vec<Vec<usize>> = own.iter().map(|axis| self.picks(*axis)).collect();
        // Most conditions look at few fields: what they said for the same values is not asked again.
        let combinations = product(own.iter().map(|axis| self.axes[*axis].values.len()));
        let remembered = combinations
            .filter(|count| *count <= MAX_CELLS)
            .unwrap_or_default();
        let mut answers: Vec<Option<bool>> = vec![None; remembered];
        let (mut holds, mut error) = (Cells::none(self.count()), None);
        for cell in 0..self.count() {
            let (mut index, mut stride) = (0usize, 1usize);
            for (axis, picks) in own.iter().zip(&picks) {
                index = index.wrapping_add(picks[cell].wrapping_mul(stride));
                stride = stride.wrapping_mul(self.axes[*axis].values.len());
            }
            let known = answers.get(index).copied().flatten();
            let answer = known.unwrap_or_else(|| match self.answer(condition, &own, cell) {
                Ok(answer) => answer,
                Err(found) => {
                    error.get_or_insert((cell, found));
                    false
                }
            });
            if let Some(place) = answers.get_mut(index) {
                *place = Some(answer);
            }
            if answer {
                holds.insert(cell);
            }
        }
        (holds, error)
    }

    fn picks(&self, axis: usize) -> Vec<usize> {
        (0..self.count()).map(|cell| self.pick(cell, axis)).collect()
    }

    fn answer(&self, condition: &Condition, own: &[usize], cell: usize) -> Result<bool, EvaluationError> {
        let named = own.iter().filter_map(|axis| self.named(cell, *axis));
        let facts = Facts::named(named).map_err(|_| EvaluationError::Other("a value is too long"))?;
        condition.holds(&facts)
    }
}

/// How many combinations there are; None when they cannot be counted.
fn product(mut lengths: impl Iterator<Item = usize>) -> Option<usize> {
    lengths.try_fold(1usize, |product, length| product.checked_mul(length.max(1)))
}

/// All combinations if there is time for them, or else as many as there is time for.
fn plan(rules: &RuleSet, axes: &[Axis], total: Option<usize>) -> Plan {
    let of_rule = |rule: &Rule| {
        axes.iter()
            .filter(|axis| rule.looks_at.contains(&axis.field))
            .count()
            + 1
    };
    let lookups: usize = rules.rules.iter().map(of_rule).sum();
    let most = MAX_CELLS.min(MAX_LOOKUPS / lookups.max(1));
    let work = |cells: usize| -> usize {
        let conditions = rules
            .rules
            .iter()
            .filter_map(|rule| Some((rule, rule.when.as_ref()?)));
        let each = conditions.map(|(rule, condition)| {
            let own = axes.iter().filter(|axis| rule.looks_at.contains(&axis.field));
            let asked = product(own.map(|axis| axis.values.len()))
                .unwrap_or(cells)
                .min(cells);
            asked.saturating_mul(condition.parts())
        });
        each.fold(0, usize::saturating_add)
    };
    if let Some(total) = total.filter(|total| *total <= most && work(*total) <= MAX_WORK) {
        return Plan {
            count: total,
            all: true,
        };
    }
    let parts: usize = rules
        .rules
        .iter()
        .filter_map(|rule| Some(rule.when.as_ref()?.parts()))
        .sum();
    let count = match work(most) <= MAX_WORK {
        true => most,
        false => most.min(MAX_WORK / parts.max(1)),
    };
    Plan {
        count: count.max(1),
        all: false,
    }
}

/// A number that looks like chance, always the same for the same cell and axis.
fn scatter(cell: usize, axis: usize) -> usize {
    let mut mixed = (cell as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add((axis as u64).wrapping_mul(0xd1b5_4a32_d192_ed03));
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap_or_default()
}
