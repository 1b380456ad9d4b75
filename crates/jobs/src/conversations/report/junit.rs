//! JUnit XML, which every CI reads.

use super::{numbers::seconds, transcript::whole};
use crate::{
    conversations::{CaseResult, Tested},
    page::escaped,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The test as JUnit XML: a suite per file, a test case per scenario.
pub fn junit(tested: &Tested) -> String {
    let mut suites: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for result in &tested.results {
        suites.entry(&result.file).or_default().push(result);
    }
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"trunkline bot test\" tests=\"{}\" failures=\"{}\" time=\"{:.3}\">\n",
        tested.results.len(),
        tested.failed(),
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
    xml.push_str("</testsuites>\n");
    xml
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
