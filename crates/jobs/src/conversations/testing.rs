//! Many scenarios, many at a time.

use super::{Case, CaseResult, Platform, RunOutcome, run};
use flow::scenario::{Perturbation, Perturber, Scenario, Verdict, stats::tally};
use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Most conversations at once.
pub const MOST_AT_ONCE: NonZeroUsize = match NonZeroUsize::new(2000) {
    Some(most) => most,
    None => NonZeroUsize::MIN,
};

/// How scenarios are run.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How many conversations at once, up to [`MOST_AT_ONCE`].
    pub parallel: NonZeroUsize,
    /// How often each is run; all of those must pass. What the scenario says, when there is none.
    pub repeat: Option<u32>,
    /// How often a run that failed is made again. What the scenario says, when there is none.
    pub retries: Option<u32>,
    /// What is done to the sentences.
    pub perturb: Vec<Perturbation>,
    /// The seed of that; the scenario's, when there is none.
    pub seed: Option<u64>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            parallel: NonZeroUsize::MIN,
            repeat: None,
            retries: None,
            perturb: Vec::new(),
            seed: None,
        }
    }
}

impl Asked {
    fn runs(&self, scenario: &Scenario) -> u32 {
        self.repeat.unwrap_or(scenario.repeat.runs)
    }

    /// How many of the runs must pass: what the scenario says counts for its own number of runs only.
    fn at_least(&self, scenario: &Scenario) -> u32 {
        self.repeat.unwrap_or(scenario.repeat.at_least)
    }

    fn seed(&self, scenario: &Scenario) -> u64 {
        self.seed.unwrap_or(scenario.seed)
    }

    /// Each run has its own slips, the same every time.
    fn perturber(&self, scenario: &Scenario, run: u32) -> Perturber {
        Perturber::new(
            self.perturb.clone(),
            self.seed(scenario).wrapping_add(u64::from(run)),
        )
    }
}

/// One run that is due: of which scenario, and which of its runs.
struct Due {
    case: usize,
    number: u32,
}

/// What is known of a scenario so far.
struct Open {
    runs: Vec<Option<RunOutcome>>,
    retried: Vec<RunOutcome>,
}

/// Runs scenarios, tells of each as soon as it is decided, and gives all in order. When it is stopped, what is under way is closed, and
/// what did not begin has no runs and has failed.
pub async fn test(
    platform: &Platform,
    cases: Vec<Case>,
    asked: &Asked,
    stop: &CancellationToken,
    mut decided: impl FnMut(&CaseResult),
) -> Vec<CaseResult> {
    let mut due: VecDeque<Due> = cases
        .iter()
        .enumerate()
        .flat_map(|(case, of)| (0..asked.runs(&of.scenario)).map(move |number| Due { case, number }))
        .collect();
    let mut open: Vec<Open> = cases
        .iter()
        .map(|case| Open {
            runs: vec![None; asked.runs(&case.scenario) as usize],
            retried: Vec::new(),
        })
        .collect();
    let mut results: Vec<Option<CaseResult>> = vec![None; cases.len()];
    let mut under_way = JoinSet::new();
    let most = asked.parallel.min(MOST_AT_ONCE).get();
    loop {
        while under_way.len() < most && !stop.is_cancelled() {
            let Some(next) = due.pop_front() else { break };
            let Some(case) = cases.get(next.case) else {
                continue;
            };
            under_way.spawn(attempts(
                platform.clone(),
                case.scenario.clone(),
                asked.clone(),
                next,
                stop.clone(),
            ));
        }
        let Some(done) = under_way.join_next().await else {
            break;
        };
        // A run that panicked would be a fault of ours; it counts as one that is missing, and so as failed.
        let Ok((due, mut attempts)) = done else { continue };
        let (Some(case), Some(open)) = (cases.get(due.case), open.get_mut(due.case)) else {
            continue;
        };
        if let Some(place) = open.runs.get_mut(due.number as usize) {
            *place = attempts.pop();
        }
        open.retried.extend(attempts);
        if open.runs.iter().all(Option::is_some)
            && let Some(place) = results.get_mut(due.case)
        {
            let result = conclude(case, asked, open);
            decided(&result);
            *place = Some(result);
        }
    }
    let all = cases.iter().zip(&mut open).zip(results);
    all.map(|((case, open), result)| result.unwrap_or_else(|| conclude(case, asked, open)))
        .collect()
}

async fn attempts(
    platform: Platform,
    scenario: Arc<Scenario>,
    asked: Asked,
    due: Due,
    stop: CancellationToken,
) -> (Due, Vec<RunOutcome>) {
    let retries = asked.retries.unwrap_or(scenario.retries);
    let mut attempts = Vec::new();
    for _ in 0..=retries {
        let perturber = asked.perturber(&scenario, due.number);
        let outcome = Box::pin(run(scenario.clone(), perturber, &platform, &stop)).await;
        let is_good = outcome.report.verdict == Verdict::Passed;
        attempts.push(outcome);
        if is_good || stop.is_cancelled() {
            break;
        }
    }
    (due, attempts)
}

fn conclude(case: &Case, asked: &Asked, open: &mut Open) -> CaseResult {
    let scenario = &case.scenario;
    let runs: Vec<RunOutcome> = open.runs.drain(..).flatten().collect();
    let reports: Vec<_> = runs.iter().map(|run| &run.report).collect();
    CaseResult {
        scenario: scenario.clone(),
        file: case.file.clone(),
        line: scenario.line,
        name: scenario.name.clone(),
        tags: scenario.tags.clone(),
        seed: asked.seed(scenario),
        tally: tally(scenario, asked.at_least(scenario) as usize, &reports),
        runs,
        retried: std::mem::take(&mut open.retried),
    }
}
