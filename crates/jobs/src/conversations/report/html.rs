//! One page with everything: no network, no mouse needed, light and dark, and good on paper.

use super::{
    chart::histogram,
    html_case,
    numbers::{count, time},
};
use crate::{
    conversations::{Tested, fuzzing::Found},
    page::{Page, brand, escaped, minute},
};
use flow::scenario::{Coverage, stats::percentile};
use std::{collections::BTreeSet, fmt::Write as _};

/// Most transcripts on the page; those that failed come first. What is left out stands in the JSON report.
const MOST_TRANSCRIPTS: usize = 500;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The test as one page of HTML.
pub fn html(tested: &Tested) -> String {
    let title = headline(tested);
    let mut page = String::new();
    header(&mut page, tested, &title);
    page.push_str("<main>\n");
    figures(&mut page, tested);
    chart(&mut page, tested);
    cases(&mut page, tested);
    if let Some(coverage) = &tested.coverage {
        covered(&mut page, coverage);
    }
    if let Some(fuzzed) = &tested.fuzzed {
        let told = format!(
            "{} made-up dialogues with seed {}, {} failed.",
            fuzzed.dialogues, fuzzed.seed, fuzzed.failed
        );
        let _ = write!(
            page,
            "<section aria-labelledby=\"fuzzed\"><h2 id=\"fuzzed\">Made-up dialogues</h2><p class=\"soft\">{told}</p>"
        );
        if let Some(cause) = &fuzzed.broken {
            let _ = write!(page, "<p>Nothing is known of the bot: {}</p>", escaped(cause));
        }
        fuzzed.found.iter().for_each(|found| dialogue(&mut page, found));
        page.push_str("</section>\n");
    }
    page.push_str("</main>\n");
    Page {
        title: &format!("{title} · bot test"),
        style: STYLE,
        script: SCRIPT,
        body: &page,
    }
    .html()
}

fn headline(tested: &Tested) -> String {
    let all = tested.results.len();
    let failed = tested.failed();
    let found = tested.fuzzed.as_ref().map_or(0, |fuzzed| fuzzed.failed);
    let is_broken = tested
        .fuzzed
        .as_ref()
        .is_some_and(|fuzzed| fuzzed.broken.is_some());
    match failed {
        _ if tested.was_interrupted => format!(
            "Interrupted: {} of {} passed",
            tested.passed(),
            count(all, "scenario")
        ),
        0 if is_broken => "Made-up dialogues could not be held".into(),
        0 if all == 0 && found == 0 => "Nothing failed".into(),
        0 if found > 0 => format!("The bot fails in {}", count(found as usize, "made-up dialogue")),
        1 if all == 1 => "The scenario failed".into(),
        0 if all == 1 => "The scenario passed".into(),
        0 => format!("All {all} scenarios passed"),
        failed => format!("{failed} of {} failed", count(all, "scenario")),
    }
}

fn header(page: &mut String, tested: &Tested, title: &str) {
    let state = if tested.is_well() { "passed" } else { "failed" };
    let perturbed = match tested.perturbed.as_slice() {
        [] => String::new(),
        kinds => format!(
            "<div><dt>Sentences changed by</dt><dd>{}</dd></div>",
            escaped(&kinds.join(", "))
        ),
    };
    let _ = writeln!(
        page,
        "<header data-state=\"{state}\">{}<h1>{title}</h1>\
         <dl class=\"about\"><div><dt>Held on</dt><dd>{}</dd></div><div><dt>Began</dt><dd>{}</dd></div>\
         <div><dt>Took</dt><dd>{}</dd></div>{perturbed}</dl></header>",
        brand("bot test"),
        escaped(&tested.platform),
        minute(tested.started_at),
        time(tested.took_ms),
    );
}

fn figures(page: &mut String, tested: &Tested) {
    let times = tested.response_times();
    let runs = tested.results.iter().flat_map(|result| &result.runs);
    let (mut total, mut resolved, mut escalated) = (0usize, 0usize, 0usize);
    for run in runs {
        total += 1;
        resolved += usize::from(run.report.resolved);
        escalated += usize::from(run.report.escalated);
    }
    let or_dash = |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), time);
    let figure = |value: String, name: &str| format!("<div><dt>{name}</dt><dd>{value}</dd></div>");
    let all = [
        figure(tested.passed().to_string(), "passed"),
        figure(tested.failed().to_string(), "failed"),
        figure(total.to_string(), "conversations"),
        figure(resolved.to_string(), "resolved"),
        figure(escalated.to_string(), "escalated"),
        figure(or_dash(percentile(&times, 50)), "median answer"),
        figure(or_dash(percentile(&times, 95)), "95 % of answers"),
    ];
    let _ = writeln!(page, "<dl class=\"figures\">{}</dl>", all.concat());
}

fn chart(page: &mut String, tested: &Tested) {
    let picture = histogram(&tested.response_times());
    if !picture.is_empty() {
        let _ = writeln!(
            page,
            "<section aria-labelledby=\"speed\"><h2 id=\"speed\">How fast the bot answered</h2>\
             <p class=\"soft\">Number of messages by the time to their first answer</p><figure class=\"chart\">{picture}</figure></section>"
        );
    }
}

fn cases(page: &mut String, tested: &Tested) {
    let tags: BTreeSet<&str> = tested
        .results
        .iter()
        .flat_map(|result| result.tags.iter().map(String::as_str))
        .collect();
    page.push_str("<section aria-labelledby=\"scenarios\"><h2 id=\"scenarios\">Scenarios</h2>\n");
    filters(page, &tags);
    page.push_str(
        "<p class=\"none soft\" role=\"status\" hidden>No scenario is like that.</p>\n<ol class=\"cases\">\n",
    );
    let mut results: Vec<_> = tested.results.iter().collect();
    // Stable: within both halves the order of the files.
    results.sort_by_key(|result| result.has_passed());
    for (place, result) in results.into_iter().enumerate() {
        html_case::write(page, result, place < MOST_TRANSCRIPTS);
    }
    page.push_str("</ol></section>\n");
}

/// Only a page that runs scripts can filter; the form is shown by its script.
fn filters(page: &mut String, tags: &BTreeSet<&str>) {
    page.push_str(
        "<form class=\"filters\" hidden><fieldset><legend class=\"hidden\">State</legend>\
         <label><input type=\"radio\" name=\"state\" value=\"\" checked> All</label>\
         <label><input type=\"radio\" name=\"state\" value=\"failed\"> Failed</label>\
         <label><input type=\"radio\" name=\"state\" value=\"passed\"> Passed</label></fieldset>",
    );
    if !tags.is_empty() {
        page.push_str("<label>Tag <select name=\"tag\"><option value=\"\">any</option>");
        for tag in tags {
            let _ = write!(page, "<option>{}</option>", escaped(tag));
        }
        page.push_str("</select></label>");
    }
    page.push_str(
        "<label>Contains <input type=\"search\" name=\"text\" autocomplete=\"off\"></label>\
         <button type=\"button\" name=\"open\" aria-pressed=\"false\">Open all</button></form>\n",
    );
}

fn covered(page: &mut String, coverage: &Coverage) {
    let missed: Vec<String> = coverage
        .missed()
        .map(|item| format!("<li><code>{}</code></li>", escaped(item)))
        .collect();
    let _ = write!(
        page,
        "<section aria-labelledby=\"coverage\"><h2 id=\"coverage\">What of the bot was reached</h2>\
         <p>{reached} of {total} intents and steps</p><meter min=\"0\" max=\"{total}\" value=\"{reached}\">{reached} of {total}</meter>",
        reached = coverage.reached(),
        total = coverage.total().max(1),
    );
    if !missed.is_empty() {
        let _ = write!(
            page,
            "<p class=\"soft\">Nothing reached</p><ul class=\"missed\">{}</ul>",
            missed.concat()
        );
    }
    page.push_str("</section>\n");
}

fn dialogue(page: &mut String, found: &Found) {
    let messages: Vec<String> = found
        .messages
        .iter()
        .map(|text| format!("<li>{}</li>", escaped(text)))
        .collect();
    let _ = write!(
        page,
        "<article class=\"found\"><h3>{}</h3><p class=\"soft\">The shortest dialogue that shows it (found in number {}):</p><ol>{}</ol></article>",
        escaped(&found.finding.told),
        found.dialogue,
        messages.concat()
    );
}
