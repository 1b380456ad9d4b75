//! What several runs of one scenario come to: k of k, and how fast the bot was.

use super::{
    expect::Miss,
    model::Scenario,
    run::{RunReport, Verdict},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What came of all runs of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many runs there were.
    pub runs: usize,
    /// How many passed.
    pub passed: usize,
    /// How many had to.
    pub at_least: usize,
    /// The median time to the first answer to a message, in milliseconds.
    pub p50_ms: Option<u64>,
    /// The 95th percentile of that.
    pub p95_ms: Option<u64>,
    /// The longest time to the first answer of a conversation, in milliseconds.
    pub first_answer_ms: Option<u64>,
    /// Promises of the scenario's `slo` that were broken.
    pub slo_misses: Vec<Miss>,
    /// How the scenario came out.
    pub verdict: Verdict,
}

/// The tally of a scenario's runs, of which `at_least` must have passed.
pub fn tally(scenario: &Scenario, at_least: usize, reports: &[&RunReport]) -> Tally {
    let mut times: Vec<u64> = reports
        .iter()
        .flat_map(|report| report.response_times())
        .collect();
    times.sort_unstable();
    let first_answer_ms = reports.iter().filter_map(|report| report.first_answer_ms).max();
    let p95_ms = percentile(&times, 95);
    let passed = reports
        .iter()
        .filter(|report| report.verdict == Verdict::Passed)
        .count();
    let slow = |limit: Option<Duration>, got: Option<u64>, what: &str| {
        let (limit, got) = (limit?.as_millis(), got?);
        let expected = format!("{what} within {limit} ms");
        (u128::from(got) > limit).then(|| Miss::new(expected, format!("{got} ms")))
    };
    let slo_misses: Vec<Miss> = [
        slow(
            scenario.slo.p95_turn,
            p95_ms,
            "95 % of the first answers to a message",
        ),
        slow(scenario.slo.first_answer, first_answer_ms, "the first answer"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let is_good = passed >= at_least && slo_misses.is_empty();
    Tally {
        runs: reports.len(),
        passed,
        at_least,
        p50_ms: percentile(&times, 50),
        p95_ms,
        first_answer_ms,
        slo_misses,
        verdict: if is_good { Verdict::Passed } else { Verdict::Failed },
    }
}

/// The percentile of sorted numbers by nearest rank; `None` of nothing.
///
/// ```
/// use flow::scenario::stats::percentile;
///
/// let sorted: Vec<u64> = (1..=20).collect();
/// assert_eq!((percentile(&sorted, 50), percentile(&sorted, 95)), (Some(10), Some(19)));
/// assert_eq!(percentile(&[], 95), None);
/// ```
pub fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}
