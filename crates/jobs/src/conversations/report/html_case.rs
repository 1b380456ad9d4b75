//! One scenario on the page: its line in the list, and behind it what was said.

use super::numbers::{count, time};
use crate::{
    conversations::{CaseResult, RunOutcome},
    page::escaped,
};
use flow::scenario::{Came, TurnOutcome, Verdict};
use std::fmt::Write as _;

pub(super) fn write(page: &mut String, result: &CaseResult, with_transcript: bool) {
    let has_passed = result.has_passed();
    let (state, open) = if has_passed {
        ("passed", "")
    } else {
        ("failed", " open")
    };
    let _ = writeln!(
        page,
        "<li data-state=\"{state}\" data-tags=\"{}\"><details{open}><summary>{}<span class=\"name\">{}</span>\
         <span class=\"facts\">{}</span></summary>",
        escaped(&result.tags.join(" ")),
        mark(has_passed),
        escaped(&result.name),
        facts(result)
    );
    page.push_str("<div class=\"case\">");
    for miss in &result.tally.slo_misses {
        let _ = write!(page, "{}", miss_of(&miss.expected, &miss.got));
    }
    match result.telling().filter(|_| with_transcript) {
        Some(run) => transcript(page, result, run),
        None => page.push_str("<p class=\"soft\">The transcript is in the JSON report.</p>"),
    }
    page.push_str("</div></details></li>\n");
}

fn mark(has_passed: bool) -> &'static str {
    match has_passed {
        true => {
            "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M3 8.5l3.2 3.2L13 4.8\"/></svg><span class=\"hidden\">Passed:</span>"
        }
        false => {
            "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M4 4l8 8M12 4l-8 8\"/></svg><span class=\"hidden\">Failed:</span>"
        }
    }
}

fn facts(result: &CaseResult) -> String {
    let tally = &result.tally;
    let mut facts = Vec::new();
    if tally.runs != 1 || tally.at_least != 1 {
        facts.push(format!("{} of {} passed", tally.passed, count(tally.runs, "run")));
    }
    if !result.retried.is_empty() {
        facts.push(format!("retried {}", count(result.retried.len(), "time")));
    }
    facts.extend(tally.p95_ms.map(|ms| format!("95 % within {}", time(ms))));
    facts.extend(result.tags.iter().map(|tag| format!("#{}", escaped(tag))));
    facts.push(format!("<code>{}:{}</code>", escaped(&result.file), result.line));
    let facts: Vec<String> = facts.iter().map(|fact| format!("<span>{fact}</span>")).collect();
    facts.concat()
}

fn transcript(page: &mut String, result: &CaseResult, run: &RunOutcome) {
    let report = &run.report;
    if let Some(reason) = &report.broken {
        let _ = write!(page, "<p class=\"broken\">{}</p>", escaped(reason));
    }
    page.push_str("<ol class=\"turns\">");
    if !report.opening.is_empty() {
        page.push_str("<li class=\"turn\">");
        report.opening.iter().for_each(|came| answer(page, came));
        page.push_str("</li>");
    }
    report.turns.iter().for_each(|turn| self::turn(page, turn));
    page.push_str("</ol>");
    let mut about = vec![format!("took {}", time(report.took_ms))];
    about.extend(
        run.conversation
            .iter()
            .map(|id| format!("conversation <code>{}</code>", escaped(id))),
    );
    about.extend(report.resolved.then(|| "resolved".to_owned()));
    about.extend(report.escalated.then(|| "escalated".to_owned()));
    about.extend((!report.is_closed).then(|| "<strong>it may still be open</strong>".to_owned()));
    about.extend(report.notes.iter().map(|note| escaped(note)));
    if result.runs.len() > 1 {
        about.push("one run of several".into());
    }
    let _ = write!(page, "<p class=\"soft about-run\">{}</p>", about.join(" · "));
}

fn turn(page: &mut String, turn: &TurnOutcome) {
    let state = match turn.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Skipped => "skipped",
    };
    let _ = write!(page, "<li class=\"turn\" data-state=\"{state}\">");
    if turn.sent.is_empty() {
        let skipped = if turn.verdict == Verdict::Skipped {
            " (not reached)"
        } else {
            ""
        };
        let _ = write!(page, "<p class=\"deed\">{}{skipped}</p>", escaped(&turn.deed));
    }
    for sent in &turn.sent {
        let _ = write!(
            page,
            "<div class=\"said customer\"><p><span class=\"hidden\">Customer: </span>{}</p><span class=\"at\">{}</span></div>",
            escaped(&sent.text),
            time(sent.at_ms)
        );
    }
    turn.answers.iter().for_each(|came| answer(page, came));
    for miss in &turn.misses {
        page.push_str(&miss_of(&miss.expected, &miss.got));
    }
    for note in &turn.notes {
        let _ = write!(page, "<p class=\"note\">{}</p>", escaped(note));
    }
    page.push_str("</li>");
}

fn answer(page: &mut String, came: &Came) {
    let heard = &came.heard;
    let late = if came.is_late { " late" } else { "" };
    let mut about = vec![format!("after {}", time(came.after_ms))];
    about.extend(
        heard
            .intent
            .iter()
            .map(|intent| format!("<code>{}</code>", escaped(intent))),
    );
    let _ = write!(
        page,
        "<div class=\"said bot{late}\"><p><span class=\"hidden\">Bot: </span>{}</p>",
        escaped(&heard.text)
    );
    if !heard.buttons.is_empty() {
        let labels: Vec<String> = heard
            .buttons
            .iter()
            .map(|button| format!("<li>{}</li>", escaped(&button.label)))
            .collect();
        let _ = write!(
            page,
            "<ul class=\"buttons\" aria-label=\"Buttons\">{}</ul>",
            labels.concat()
        );
    }
    let _ = write!(page, "<span class=\"at\">{}</span></div>", about.join(" "));
}

fn miss_of(expected: &str, got: &str) -> String {
    format!(
        "<dl class=\"miss\"><div><dt>Expected</dt><dd>{}</dd></div><div><dt>Got</dt><dd>{}</dd></div></dl>",
        escaped(expected),
        escaped(got)
    )
}
