//! What of a bot the scenarios reached.

use super::run::RunReport;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often each intent and step of a bot was reached.
///
/// ```
/// use flow::scenario::{Coverage, Heard};
///
/// let mut coverage = Coverage::new(["intent:track_order", "intent:refund", "step:ask_number"].map(String::from));
/// coverage.heard(&Heard { intent: Some("track_order".into()), steps: vec!["ask_number".into()], ..Heard::default() });
/// assert_eq!(coverage.missed().collect::<Vec<_>>(), ["intent:refund"]);
/// assert_eq!((coverage.reached(), coverage.total()), (2, 3));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage(BTreeMap<String, u64>);

impl Coverage {
    /// Nothing is reached yet of these items, such as `intent:track_order`, `step:ask_number`.
    pub fn new(items: impl IntoIterator<Item = String>) -> Self {
        Self(items.into_iter().map(|item| (item, 0)).collect())
    }

    /// Counts what a run reached.
    pub fn note(&mut self, report: &RunReport) {
        report.answers().for_each(|heard| self.heard(heard));
    }

    /// Counts what an answer tells. Items that the bot's file does not have are left aside: it may be another bot.
    pub fn heard(&mut self, heard: &super::Heard) {
        let intent = heard.intent.iter().map(|intent| format!("intent:{intent}"));
        let steps = heard.steps.iter().map(|step| format!("step:{step}"));
        // What is no step, such as the fallback, is told among them by its whole name.
        let others = heard.steps.iter().cloned();
        for item in intent.chain(steps).chain(others) {
            if let Some(count) = self.0.get_mut(&item) {
                *count += 1;
            }
        }
    }

    /// Every item and how often it was reached.
    pub fn items(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(item, count)| (item.as_str(), *count))
    }

    /// The items that nothing reached.
    pub fn missed(&self) -> impl Iterator<Item = &str> {
        self.items()
            .filter(|(_, count)| *count == 0)
            .map(|(item, _)| item)
    }

    /// How many items were reached.
    pub fn reached(&self) -> usize {
        self.0.values().filter(|count| **count > 0).count()
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.0.len()
    }
}
