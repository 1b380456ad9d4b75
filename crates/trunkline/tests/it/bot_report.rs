//! `trunkline bot report`.

use crate::{
    bot_sync::Town,
    browser::{Browser, is_wanted},
    desktop::assert_readable,
    support::{json, run, stderr, stdout},
};
use std::fs;

/// The key that leads to the right.
const RIGHT: &str = "\u{e014}";

#[test]
fn a_center_without_conversations_has_a_report_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(
        folder.path(),
        &["bot", "report", "--csv", "r.csv", "--html", "r.html"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("no conversations were created"),
        "{}",
        stdout(&output)
    );
    assert!(
        fs::read_to_string(folder.path().join("r.html"))
            .unwrap()
            .contains("no conversations in this time")
    );
    let report = json(folder.path(), &["bot", "report", "--by", "none"]);
    assert_eq!(report["total"]["conversations"], 0);
    assert!(report["total"]["resolution"].is_null());
}

#[test]
fn a_span_that_ends_before_it_begins_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["bot", "report", "--from", "1h", "--to", "2h"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("--from must be before --to"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn conversations_are_counted_where_they_were_created() {
    let town = Town::new();
    let report = town.report(&["--by", "hour", "--csv", "r.csv"]);
    let hours: u64 = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["conversations"].as_u64().unwrap())
        .sum();
    assert_eq!((report["total"]["conversations"].as_u64(), hours), (Some(40), 40));
    let by_bot = town.report(&["--by", "bot"]);
    assert_eq!(by_bot["rows"][0]["label"], "(others)");
    assert_eq!(
        town.report(&["--from", "2h", "--to", "1h"])["total"]["conversations"],
        0
    );
}

#[test]
fn the_page_is_read_in_a_browser_by_pointer_keyboard_and_in_both_themes() {
    if !is_wanted() {
        return;
    }
    let town = Town::new();
    town.report(&["--by", "hour", "--html", "r.html"]);
    let page = Browser::at(&format!("file://{}", town.file("r.html").display()));
    assert_eq!(page.text("document.querySelector('.tiles dd').textContent"), "40");
    // Every chart has a column for each hour: one, or two when an hour ended meanwhile.
    let columns = page.eval(
        "return [...document.querySelectorAll('figure')].map(chart => chart.querySelectorAll('.column').length)",
    );
    let columns: Vec<u64> = columns
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_u64)
        .collect();
    assert!(columns.len() >= 2 && matches!(columns[0], 1 | 2), "{columns:?}");
    assert!(columns.iter().all(|count| *count == columns[0]), "{columns:?}");
    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        for width in [1280, 390] {
            page.size(width, 900);
            assert_readable(&page, &format!("{scheme} {width}"));
            let is_wide = page.eval("return document.documentElement.scrollWidth > innerWidth");
            assert_eq!(
                is_wide, false,
                "{scheme} {width}: the page does not scroll sideways"
            );
        }
    }
    page.eval("document.querySelector('.column').focus()");
    page.wait("document.querySelector('.readout').textContent.includes('40 conversations')");
    page.press(RIGHT);
    page.wait("document.activeElement.closest('figure') === document.querySelector('figure')");
    assert_eq!(
        page.faults().as_array().map(Vec::len),
        Some(0),
        "{}",
        page.faults()
    );
}
