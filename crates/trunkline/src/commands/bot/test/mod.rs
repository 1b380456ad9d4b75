//! `trunkline bot test`: scripted conversations as tests.

mod bot_file;
mod found;
mod told;

use super::place::Place;
use crate::{
    Done,
    cli::BotTestArgs,
    commands::signals::{asked_to_end, end_at_once_when_asked_again},
    config::Config,
    output::Output,
};
use anyhow::{Context as _, Result};
use bot_file::BotFile;
use flow::scenario::{Coverage, Scenario};
use found::Found;
use indicatif::{ProgressBar, ProgressStyle};
use jobs::conversations::{Asked, Case, FuzzAsked, Fuzzed, Recording, Tested, fuzz, report, test};
use serde_json::json;
use std::{collections::BTreeSet, fs, time::Instant};
use tokio_util::sync::CancellationToken;

pub(super) async fn run(args: BotTestArgs, config: &Config, output: &Output) -> Result<Done> {
    let found = Found::read(&args.files);
    let bot = args.bot.as_deref().map(bot_file::read).transpose();
    let mut faults = found.faults;
    faults.extend(bot.as_ref().err().into_iter().flatten().cloned());
    if !faults.is_empty() {
        return Ok(misused("the files have faults", &faults, output));
    }
    let cases = chosen(found.cases, &args.tags);
    if cases.is_empty() && args.fuzz.is_none() {
        output.json(&json!({"error": "no scenario has one of these tags"}));
        output.fault(
            "no scenario has one of these tags\nhint: leave --tags away, or look at `tags:` in the files",
        );
        return Ok(Done::Misused);
    }
    let mut place = Box::pin(Place::open(&args.place, config)).await?;
    place.platform.skips_typing = args.skip_typing;
    let unanswered = unanswered(&cases, args.fuzz.is_some(), &place);
    if !unanswered.is_empty() {
        place.close().await?;
        return Ok(misused("some conversations have no bot", &unanswered, output));
    }
    let tested = Box::pin(tested(&args, cases, bot.unwrap_or_default(), &place, output)).await;
    place.close().await?;
    told::tell(&tested, output);
    write_reports(&args, &tested, output)?;
    Ok(if tested.is_well() {
        Done::Well
    } else {
        Done::Failed
    })
}

/// Tells all that is wrong with what was typed, and with the files.
fn misused(error: &str, faults: &[String], output: &Output) -> Done {
    output.json(&json!({"error": error, "causes": faults}));
    faults.iter().for_each(|fault| output.fault(fault));
    Done::Misused
}

/// The scenarios that nobody would answer, and why; the same reason is told once.
fn unanswered(cases: &[Case], is_fuzzed: bool, place: &Place) -> Vec<String> {
    let mut why_not = Vec::new();
    if is_fuzzed || cases.iter().any(|case| case.scenario.bot.is_none()) {
        why_not.extend(place.nobody(None));
    }
    let named = cases.iter().filter(|case| case.scenario.bot.is_some());
    why_not.extend(named.filter_map(|case| {
        let why = place.nobody(case.scenario.bot.as_deref())?;
        Some(format!("{}:{}: {why}", case.file, case.scenario.line))
    }));
    why_not
}

fn chosen(cases: Vec<Case>, tags: &[String]) -> Vec<Case> {
    cases
        .into_iter()
        .filter(|case| case.scenario.is_tagged(tags))
        .collect()
}

async fn tested(
    args: &BotTestArgs,
    cases: Vec<Case>,
    bot: Option<BotFile>,
    place: &Place,
    output: &Output,
) -> Tested {
    let started_at = jiff::Timestamp::now().into();
    let began = Instant::now();
    let stop = stopped_when_asked();
    let mut coverage = bot.as_ref().map(|bot| Coverage::new(bot.bot.coverage_items()));
    let made_of = sentences(&cases, bot.as_ref());
    let asked = Asked {
        parallel: args.parallel,
        repeat: args.repeat,
        retries: args.retries,
        perturb: args.perturb.clone(),
        seed: args.seed,
    };
    let bar = bar(cases.len(), "scenarios", output);
    let results = test(&place.platform, cases, &asked, &stop, |result| {
        bar.inc(1);
        if !result.has_passed() {
            bar.set_message(result.name.clone());
        }
    })
    .await;
    bar.finish_and_clear();
    for run in results.iter().flat_map(|result| &result.runs) {
        coverage
            .iter_mut()
            .for_each(|coverage| coverage.note(&run.report));
    }
    let fuzzed = match args.fuzz {
        Some(dialogues) => Some(fuzzed(dialogues, made_of, args, place, &stop, &mut coverage, output).await),
        None => None,
    };
    Tested {
        started_at,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        platform: place.name.clone(),
        perturbed: args.perturb.iter().map(ToString::to_string).collect(),
        results,
        coverage,
        fuzzed,
        was_interrupted: stop.is_cancelled(),
    }
}

async fn fuzzed(
    dialogues: u32,
    sentences: Vec<String>,
    args: &BotTestArgs,
    place: &Place,
    stop: &CancellationToken,
    coverage: &mut Option<Coverage>,
    output: &Output,
) -> Fuzzed {
    let asked = FuzzAsked {
        dialogues,
        sentences,
        seed: args.seed.unwrap_or_default(),
        parallel: args.parallel,
        bot: None,
    };
    let bar = bar(dialogues as usize, "made-up dialogues", output);
    let fuzzed = fuzz(&place.platform, &asked, stop, coverage, |done| {
        bar.set_position(u64::from(done))
    })
    .await;
    bar.finish_and_clear();
    fuzzed
}

/// What made-up dialogues are made of: what scenarios say, and what the bot's file has as examples.
fn sentences(cases: &[Case], bot: Option<&BotFile>) -> Vec<String> {
    let of_scenarios = cases
        .iter()
        .flat_map(|case| Scenario::sentences(&case.scenario))
        .map(str::to_owned);
    let of_bot = bot.iter().flat_map(|bot| bot.examples.iter().cloned());
    of_scenarios
        .chain(of_bot)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Ctrl-C closes what is open; the second one ends the process.
fn stopped_when_asked() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        asked_to_end().await;
        end_at_once_when_asked_again();
        asked.cancel();
    });
    stop
}

fn bar(length: usize, what: &str, output: &Output) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(&format!(
        "{{wide_bar}} {{pos}}/{{len}} {what}  {{msg}}  {{elapsed}}"
    ));
    ProgressBar::new(length as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn write_reports(args: &BotTestArgs, tested: &Tested, output: &Output) -> Result<()> {
    let reports = [
        (&args.junit, report::junit as fn(&Tested) -> String),
        (&args.html, report::html),
        (&args.record, recorded),
    ];
    for (file, make) in reports {
        if let Some(file) = file {
            fs::write(file, make(tested)).with_context(|| format!("{} can't be written", file.display()))?;
            output.note(format!("written to {}", file.display()));
        }
    }
    Ok(())
}

/// The scenarios as they went.
fn recorded(tested: &Tested) -> String {
    let telling = tested
        .results
        .iter()
        .filter_map(|result| Some((result, result.telling()?)));
    let texts: Vec<String> = telling
        .map(|(result, run)| Recording::of(&result.scenario, run).to_yaml())
        .collect();
    texts.join("---\n")
}
