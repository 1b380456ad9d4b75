//! What came of a test, for people and for programs.

use crate::output::Output;
use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use flow::scenario::stats::percentile;
use jobs::conversations::{
    CaseResult, Tested,
    report::{Line, around},
};
use std::fmt::Write as _;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
/// Most scenarios whose failure is shown at length.
const MOST_SHOWN: usize = 20;
/// Most items that are named as not reached.
const MOST_MISSED: usize = 40;

pub(super) fn tell(tested: &Tested, output: &Output) {
    output.json(tested);
    if !tested.results.is_empty() {
        output.line(table(tested));
    }
    let failed: Vec<&CaseResult> = tested
        .results
        .iter()
        .filter(|result| !result.has_passed())
        .collect();
    for result in failed.iter().take(MOST_SHOWN) {
        output.line(failure(result));
    }
    if failed.len() > MOST_SHOWN {
        output.line(format!(
            "{} more failed; --html FILE or --json shows them all",
            failed.len() - MOST_SHOWN
        ));
    }
    tell_fuzzed(tested, output);
    tell_coverage(tested, output);
    output.line(summary(tested));
}

fn table(tested: &Tested) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(["scenario", "result", "runs", "turns", "median", "95 %", "took"]);
    let or_dash = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    for result in &tested.results {
        let turns = result.telling().map_or(0, |run| run.report.turns.len());
        let took: u64 = result.runs.iter().map(|run| run.report.took_ms).sum();
        table.add_row([
            result.name.clone(),
            verdict(result),
            format!("{}/{}", result.tally.passed, result.tally.runs),
            turns.to_string(),
            or_dash(result.tally.p50_ms),
            or_dash(result.tally.p95_ms),
            format!("{:.1} s", std::time::Duration::from_millis(took).as_secs_f64()),
        ]);
    }
    table
}

fn verdict(result: &CaseResult) -> String {
    let word = if result.has_passed() { "passed" } else { "failed" };
    match result.retried.len() {
        0 => word.into(),
        1 => format!("{word}, retried once"),
        times => format!("{word}, retried {times} times"),
    }
}

/// What is wrong with a scenario, with the transcript around it.
fn failure(result: &CaseResult) -> String {
    let mut text = format!(
        "\n{RED}✗{RED:#} {BOLD}{}{BOLD:#}  {DIM}{}:{}{DIM:#}\n",
        result.name, result.file, result.line
    );
    if result.runs.is_empty() {
        text.push_str("  it was not run\n");
    }
    if let Some(run) = result.telling() {
        for line in around(&run.report) {
            let plain = line.plain();
            let _ = match line {
                Line::Got(_) => writeln!(text, "  {RED}{plain}{RED:#}"),
                Line::Expected(_) => writeln!(text, "  {GREEN}{plain}{GREEN:#}"),
                Line::Note(_) | Line::Deed(_) => writeln!(text, "  {DIM}{plain}{DIM:#}"),
                Line::Customer(..) | Line::Bot(..) => writeln!(text, "  {plain}"),
            };
        }
        let is_silent = run.report.turns.iter().all(|turn| turn.answers.is_empty());
        let is_spoken_to = run.report.turns.iter().any(|turn| !turn.sent.is_empty());
        if is_silent && is_spoken_to {
            text.push_str("  nothing was ever answered: if the conversation has no bot, name its instance with --instance\n");
        }
        if !run.report.is_closed {
            let id = run.conversation.as_deref().unwrap_or("-");
            let _ = writeln!(text, "  {RED}the conversation {id} may still be open{RED:#}");
        }
    }
    for miss in &result.tally.slo_misses {
        let _ = writeln!(
            text,
            "  {GREEN}expected: {}{GREEN:#}\n  {RED}     got: {}{RED:#}",
            miss.expected, miss.got
        );
    }
    if result.tally.runs > 1 {
        let tally = &result.tally;
        let _ = writeln!(
            text,
            "  {} of {} runs passed, at least {} must",
            tally.passed, tally.runs, tally.at_least
        );
    }
    text.trim_end().to_owned()
}

fn tell_fuzzed(tested: &Tested, output: &Output) {
    let Some(fuzzed) = &tested.fuzzed else { return };
    output.line(format!(
        "\n{} made-up dialogues (seed {}): the bot failed in {}",
        fuzzed.dialogues, fuzzed.seed, fuzzed.failed
    ));
    if let Some(cause) = &fuzzed.broken {
        let told = cause.replace(char::is_control, " ");
        output.fault(format!("made-up dialogues could not be held: {told}"));
    }
    for found in &fuzzed.found {
        // What a bot says must not steer the terminal.
        let told = found.finding.told.replace(char::is_control, " ");
        output.line(format!("{RED}✗{RED:#} {told}"));
        for message in &found.messages {
            output.line(format!("    say: {message}"));
        }
    }
}

fn tell_coverage(tested: &Tested, output: &Output) {
    let Some(coverage) = &tested.coverage else { return };
    output.line(format!(
        "\n{} of {} intents and steps of the bot were reached",
        coverage.reached(),
        coverage.total()
    ));
    let missed: Vec<&str> = coverage.missed().take(MOST_MISSED).collect();
    if !missed.is_empty() {
        output.line(format!("{DIM}not reached: {}{DIM:#}", missed.join(", ")));
    }
}

fn summary(tested: &Tested) -> String {
    let times = tested.response_times();
    let fast = match (percentile(&times, 50), percentile(&times, 95)) {
        (Some(median), Some(p95)) => format!(", answers: median {median} ms, 95 % within {p95} ms"),
        _ => String::new(),
    };
    let style = if tested.is_well() { GREEN } else { RED };
    let interrupted = if tested.was_interrupted {
        " (interrupted)"
    } else {
        ""
    };
    let seconds = std::time::Duration::from_millis(tested.took_ms).as_secs_f64();
    let verdict = verdict_in_words(tested);
    format!("\n{style}{verdict}{style:#}{interrupted} in {seconds:.1} s{fast}")
}

fn verdict_in_words(tested: &Tested) -> String {
    let scenarios = format!("{} passed, {} failed", tested.passed(), tested.failed());
    let Some(fuzzed) = &tested.fuzzed else {
        return scenarios;
    };
    let held = match &fuzzed.broken {
        Some(_) => "made-up dialogues could not be held".to_owned(),
        None => format!(
            "the bot failed in {} of {} made-up dialogues",
            fuzzed.failed, fuzzed.dialogues
        ),
    };
    match tested.results.is_empty() {
        true => held,
        false => format!("{scenarios}; {held}"),
    }
}
