//! JUnit XML, which every CI reads.

use super::{numbers::seconds, transcript::whole};
use crate::{
    conversations::{CaseResult, Fuzzed, Tested, fuzzing::Found},
    page::escaped,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The suite of made-up dialogues.
const FUZZ: &str = "fuzz";

/// The test as JUnit XML: a suite per file with a test case per scenario, and one for made-up dialogues, with a case per dialogue in
/// which the bot fails.
pub fn junit(tested: &Tested) -> String {
    let mut suites: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for result in &tested.results {
        suites.entry(&result.file).or_default().push(result);
    }
    let fuzz = tested.fuzzed.as_ref().map(Counts::of).unwrap_or_default();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"trunkline bot test\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\">\n",
        tested.results.len() + fuzz.tests,
        tested.failed() + fuzz.failures,
        fuzz.errors,
        seconds(tested.took_ms)
    );
    for (file, results) in suites {
        let failures = results.iter().filter(|result| !result.has_passed()).count();
        let took: u64 = results.iter().map(|result| took(result)).sum();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" time=\"{:.3}\" timestamp=\"{}\">",
            escaped(file),
            results.len(),
            seconds(took),
            tested.started_at
        );
        results.iter().for_each(|result| case(&mut xml, file, result));
        xml.push_str("  </testsuite>\n");
    }
    if let Some(fuzzed) = &tested.fuzzed {
        fuzz_suite(&mut xml, fuzzed, tested);
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// How many cases the suite of made-up dialogues has.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
}

impl Counts {
    fn of(fuzzed: &Fuzzed) -> Self {
        let (failures, errors) = (fuzzed.found.len(), usize::from(fuzzed.broken.is_some()));
        Self {
            tests: (failures + errors).max(1),
            failures,
            errors,
        }
    }
}

fn fuzz_suite(xml: &mut String, fuzzed: &Fuzzed, tested: &Tested) {
    let counts = Counts::of(fuzzed);
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{FUZZ}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" timestamp=\"{}\">",
        counts.tests, counts.failures, counts.errors, tested.started_at
    );
    let held = format!("{} made-up dialogues, seed {}", fuzzed.dialogues, fuzzed.seed);
    if fuzzed.is_well() {
        let _ = writeln!(xml, "    <testcase name=\"{held}\" classname=\"{FUZZ}\"/>");
    }
    for found in &fuzzed.found {
        dialogue(xml, found);
    }
    if let Some(cause) = &fuzzed.broken {
        let _ = writeln!(
            xml,
            "    <testcase name=\"{held}\" classname=\"{FUZZ}\">\n      <error message=\"{}\"/>\n    </testcase>",
            escaped(cause)
        );
    }
    xml.push_str("  </testsuite>\n");
}

/// A dialogue in which the bot fails, at its shortest.
fn dialogue(xml: &mut String, found: &Found) {
    let said: Vec<String> = found.messages.iter().map(|text| format!("say: {text}")).collect();
    let _ = writeln!(
        xml,
        "    <testcase name=\"dialogue {}\" classname=\"{FUZZ}\" time=\"{:.3}\">\n      <failure message=\"{}\">{}</failure>\n      \
         <system-out>{}</system-out>\n    </testcase>",
        found.dialogue,
        seconds(found.run.report.took_ms),
        escaped(&found.finding.told),
        escaped(&said.join("\n")),
        escaped(&whole(&found.run.report))
    );
}

fn took(result: &CaseResult) -> u64 {
    result.runs.iter().map(|run| run.report.took_ms).sum()
}

fn case(xml: &mut String, file: &str, result: &CaseResult) {
    let _ = writeln!(
        xml,
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3}\">",
        escaped(&result.name),
        escaped(file),
        escaped(file),
        result.line,
        seconds(took(result))
    );
    if !result.has_passed() {
        let _ = writeln!(
            xml,
            "      <failure message=\"{}\">{}</failure>",
            escaped(&message(result)),
            escaped(&details(result))
        );
    }
    if let Some(run) = result.telling() {
        let _ = writeln!(
            xml,
            "      <system-out>{}</system-out>",
            escaped(&whole(&run.report))
        );
    }
    xml.push_str("    </testcase>\n");
}

fn message(result: &CaseResult) -> String {
    let tally = &result.tally;
    let first = result.runs.iter().find_map(|run| {
        let turn = run.report.first_failure()?;
        let miss = turn.misses.first()?;
        Some(format!(
            "{}: expected {}, got {}",
            turn.deed, miss.expected, miss.got
        ))
    });
    let broken = || result.runs.iter().find_map(|run| run.report.broken.clone());
    let slow = || {
        let miss = tally.slo_misses.first()?;
        Some(format!("expected {}, got {}", miss.expected, miss.got))
    };
    let few = || {
        format!(
            "{} of {} runs passed, at least {} must",
            tally.passed, tally.runs, tally.at_least
        )
    };
    first.or_else(broken).or_else(slow).unwrap_or_else(few)
}

fn details(result: &CaseResult) -> String {
    let mut lines = Vec::new();
    for run in &result.runs {
        for turn in &run.report.turns {
            for miss in &turn.misses {
                lines.push(format!("line {}, {}", turn.line, turn.deed));
                lines.push(format!("  expected: {}", miss.expected));
                lines.push(format!("  got:      {}", miss.got));
            }
        }
    }
    for miss in &result.tally.slo_misses {
        lines.push(format!("expected: {}\ngot:      {}", miss.expected, miss.got));
    }
    lines.join("\n")
}
