//! What came of scenarios that were run.

use super::Fuzzed;
use flow::scenario::{Coverage, RunReport, Scenario, Verdict, stats::Tally};
use serde::Serialize;
use std::sync::Arc;
use wire::UtcTime;

/// A scenario, and the file that it stands in.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file, for people.
    pub file: String,
    /// The scenario.
    pub scenario: Arc<Scenario>,
}

impl Case {
    /// A scenario of a file.
    pub fn new(file: impl Into<String>, scenario: Scenario) -> Self {
        Self {
            file: file.into(),
            scenario: Arc::new(scenario),
        }
    }
}

/// What came of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunOutcome {
    /// The conversation's id, unless it could not even be tried.
    pub conversation: Option<String>,
    /// What the bot chose its words by, where the platform lets it be told.
    pub seed: u64,
    /// What came of it.
    #[serde(flatten)]
    pub report: RunReport,
}

/// What came of a scenario: all its runs, and what they come to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseResult {
    /// The scenario.
    #[serde(skip)]
    pub scenario: Arc<Scenario>,
    /// The file.
    pub file: String,
    /// The line in it where the scenario begins.
    pub line: usize,
    /// The scenario's name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The seed of its perturbations.
    pub seed: u64,
    /// The runs, in order; of one that was retried the last attempt.
    pub runs: Vec<RunOutcome>,
    /// Attempts that failed and were made again.
    pub retried: Vec<RunOutcome>,
    /// What they come to.
    pub tally: Tally,
}

impl CaseResult {
    /// Whether enough runs passed, and the promises were kept.
    pub fn has_passed(&self) -> bool {
        self.tally.verdict == Verdict::Passed
    }

    /// The run that shows what is wrong: the first that failed, else the first.
    pub fn telling(&self) -> Option<&RunOutcome> {
        let failed = self.runs.iter().find(|run| run.report.verdict == Verdict::Failed);
        failed.or(self.runs.first())
    }
}

/// What came of a test: everything that reports tell.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// When it began.
    pub started_at: UtcTime,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Where the conversations were held, for people.
    pub platform: String,
    /// What was done to sentences.
    pub perturbed: Vec<String>,
    /// The scenarios, in the order of the files.
    pub results: Vec<CaseResult>,
    /// What of the bot was reached, if its file was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// What came of made-up dialogues, if there were some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuzzed: Option<Fuzzed>,
    /// Somebody ended it early.
    pub was_interrupted: bool,
}

impl Tested {
    /// How many scenarios passed.
    pub fn passed(&self) -> usize {
        self.results.iter().filter(|result| result.has_passed()).count()
    }

    /// How many did not.
    pub fn failed(&self) -> usize {
        self.results.len() - self.passed()
    }

    /// Whether everything is well.
    pub fn is_well(&self) -> bool {
        let is_fuzzed_well = self.fuzzed.as_ref().is_none_or(Fuzzed::is_well);
        self.failed() == 0 && is_fuzzed_well && !self.was_interrupted
    }

    /// Every run's times to the first answer, sorted, in milliseconds.
    pub fn response_times(&self) -> Vec<u64> {
        let runs = self.results.iter().flat_map(|result| &result.runs);
        let mut times: Vec<u64> = runs.flat_map(|run| run.report.response_times()).collect();
        times.sort_unstable();
        times
    }
}
