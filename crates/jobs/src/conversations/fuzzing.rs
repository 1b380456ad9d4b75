//! Made-up dialogues against a bot, and the shortest ones in which it fails.

use super::{Platform, RunOutcome, run};
use flow::scenario::{
    Break, Coverage, Perturber, RunReport,
    fuzz::{Finding, Fuzzer, Meanings, Message, Shrink, finding, scenario},
};
use serde::Serialize;
use std::{num::NonZeroUsize, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Most failing dialogues that are made shorter: they are often the same fault.
const MOST_SHRUNK: usize = 5;
/// How long a bot may take to answer in a made-up dialogue.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be made up.
#[derive(Debug, Clone)]
pub struct FuzzAsked {
    /// How many dialogues.
    pub dialogues: u32,
    /// What they are made of.
    pub sentences: Vec<String>,
    /// The same seed, the same dialogues.
    pub seed: u64,
    /// How many at once.
    pub parallel: NonZeroUsize,
    /// The bot instance, if not the usual one.
    pub bot: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fuzzed {
    /// How many dialogues there were.
    pub dialogues: u32,
    /// Their seed.
    pub seed: u64,
    /// In how many the bot failed.
    pub failed: u32,
    /// Why there were no more of them: a dialogue could not be begun, so nothing is known of the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// The first of those, made as short as they get; what is the same then is there once.
    pub found: Vec<Found>,
}

/// A dialogue in which a bot fails.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The number of the dialogue it was found in.
    pub dialogue: u32,
    /// The shortest messages that show it.
    pub messages: Vec<String>,
    /// What is wrong.
    pub finding: Finding,
    /// How that dialogue went.
    pub run: RunOutcome,
}

impl Found {
    /// Whether the same messages show the same fault.
    fn is_same(&self, other: &Self) -> bool {
        (self.finding.fault, &self.messages) == (other.finding.fault, &other.messages)
    }
}

impl Fuzzed {
    /// Whether dialogues were held, and the bot failed in none.
    pub fn is_well(&self) -> bool {
        self.broken.is_none() && self.failed == 0
    }
}

/// Runs made-up dialogues and shrinks the first ones that fail. What of the bot they reach is counted. The first one
/// that can't be begun is the last one.
pub async fn fuzz(
    platform: &Platform,
    asked: &FuzzAsked,
    stop: &CancellationToken,
    coverage: &mut Option<Coverage>,
    mut progress: impl FnMut(u32),
) -> Fuzzed {
    let fuzzer = Fuzzer::new(asked.sentences.clone(), asked.seed);
    let mut fuzzed = Fuzzed {
        dialogues: 0,
        seed: asked.seed,
        failed: 0,
        broken: None,
        found: Vec::new(),
    };
    let mut failing = Vec::new();
    let mut under_way = JoinSet::new();
    let mut next = 0;
    loop {
        while under_way.len() < asked.parallel.get()
            && next < asked.dialogues
            && fuzzed.broken.is_none()
            && !stop.is_cancelled()
        {
            let (number, made) = (next, fuzzer.dialogue(u64::from(next)));
            let (platform, stop, bot) = (platform.clone(), stop.clone(), asked.bot.clone());
            under_way.spawn(async move {
                let messages = texts(&made);
                let outcome = Box::pin(one(&messages, bot, &platform, &stop)).await;
                (number, made, outcome)
            });
            next += 1;
        }
        let Some(done) = under_way.join_next().await else {
            break;
        };
        let Ok((number, made, outcome)) = done else {
            continue;
        };
        if let Some(cause) = not_begun(&outcome.report) {
            fuzzed.broken.get_or_insert(cause);
            continue;
        }
        fuzzed.dialogues += 1;
        progress(fuzzed.dialogues);
        if let Some(coverage) = coverage {
            coverage.note(&outcome.report);
        }
        let meanings = Meanings::of(&made);
        if let Some(finding) = finding(&outcome.report, &meanings).filter(|_| !stop.is_cancelled()) {
            fuzzed.failed += 1;
            let found = Found {
                dialogue: number,
                messages: texts(&made),
                finding,
                run: outcome,
            };
            failing.push((found, meanings));
        }
    }
    // The same ones every time, whichever was over first.
    failing.sort_by_key(|(found, _)| found.dialogue);
    for (first, meanings) in failing.into_iter().take(MOST_SHRUNK) {
        let found = shrink(first, &meanings, asked, platform, stop).await;
        if !fuzzed.found.iter().any(|known| known.is_same(&found)) {
            fuzzed.found.push(found);
        }
    }
    fuzzed
}

fn texts(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.text.clone()).collect()
}

/// Why a dialogue was not begun, if it was not.
fn not_begun(report: &RunReport) -> Option<String> {
    let is_so = report.broken_by == Some(Break::NotMade);
    report.broken.clone().filter(|_| is_so)
}

async fn one(
    messages: &[String],
    bot: Option<String>,
    platform: &Platform,
    stop: &CancellationToken,
) -> RunOutcome {
    let mut scenario = scenario("a made-up dialogue", messages);
    scenario.bot = bot;
    scenario.patience = PATIENCE;
    run(Arc::new(scenario), Perturber::none(), platform, stop).await
}

async fn shrink(
    mut found: Found,
    meanings: &Meanings,
    asked: &FuzzAsked,
    platform: &Platform,
    stop: &CancellationToken,
) -> Found {
    // What comes after the fault does not matter.
    found.messages.truncate(found.finding.turn);
    let mut shrink = Shrink::new(found.messages.clone());
    while let Some(messages) = shrink.next_try().filter(|_| !stop.is_cancelled()) {
        let outcome = Box::pin(one(&messages, asked.bot.clone(), platform, stop)).await;
        let same = finding(&outcome.report, meanings).filter(|other| other.fault == found.finding.fault);
        shrink.told(same.is_some());
        if let Some(finding) = same {
            found = Found {
                messages: shrink.shortest().to_vec(),
                finding,
                run: outcome,
                ..found
            };
        }
    }
    found
}
