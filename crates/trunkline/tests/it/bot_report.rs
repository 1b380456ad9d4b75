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
    assert_eq!(
        town.report(&["--from", "2h", "--to", "1h"])["total"]["conversations"],
        0
    );
}

#[test]
fn each_bot_has_a_row_and_so_has_what_no_bot_answers() {
    let town = Town::of(2);
    for number in 10..13 {
        town.begin_with_bot(number, "asleep");
        town.say(number, "hello?");
    }
    let mut words = vec![
        "--json",
        "bot",
        "test",
        "--data-dir",
        "tested",
        "--instance",
        "your-bot-instance-id",
    ];
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/scenarios");
    let files = ["track-order.yaml", "agent.yaml"].map(|name| format!("{scenarios}/{name}"));
    words.extend(files.iter().map(String::as_str));
    let tested = town.client(&words).output().unwrap();
    assert!(tested.status.success(), "{}{}", stdout(&tested), stderr(&tested));

    let report = town.report(&["--by", "bot", "--csv", "r.csv", "--html", "r.html"]);
    let rows = report["rows"].as_array().unwrap();
    let labels: Vec<&str> = rows.iter().map(|row| row["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["asleep", "your-bot-instance-id", "(others)"]);
    let number = |row: usize, name: &str| rows[row][name].as_u64().unwrap();
    assert_eq!(
        (
            number(0, "conversations"),
            number(0, "resolved"),
            number(0, "turns")
        ),
        (3, 0, 3)
    );
    assert!(
        rows[0]["medianResponseMs"].is_null(),
        "nothing is answered: {}",
        rows[0]
    );
    assert!(
        number(1, "resolved") >= 1 && number(1, "escalated") >= 1,
        "{}",
        rows[1]
    );
    assert!(number(1, "conversations") > number(1, "escalated"), "{}", rows[1]);
    assert!(rows[1]["p95ResponseMs"].as_f64() > Some(0.0), "{}", rows[1]);
    assert_eq!((number(2, "conversations"), number(2, "turns")), (2, 0));
    for name in ["conversations", "resolved", "contained", "escalated", "turns"] {
        let sum: u64 = (0..3).map(|row| number(row, name)).sum();
        assert_eq!(report["total"][name], sum, "{name}");
    }
    let read = |name| fs::read_to_string(town.file(name)).unwrap();
    let cells: Vec<String> = read("r.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().to_owned())
        .collect();
    assert_eq!(cells, [labels, vec!["all"]].concat());
    assert!(
        read("r.html").contains("your-bot-in…"),
        "the label fits below its column"
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
            let is_seen = page.eval(
                "return [...document.querySelectorAll('.column')].every(column => {
                    const { left, right } = column.getBoundingClientRect(); return left >= 0 && right <= innerWidth; })",
            );
            assert_eq!(
                is_seen, true,
                "{scheme} {width}: small data is seen without scrolling"
            );
        }
    }
    // A chart that is scrolled keeps its scale in sight.
    page.eval(
        "document.querySelector('.chart svg').style.minWidth = '2000px'; document.querySelector('.chart').scrollLeft = 500",
    );
    page.wait(
        "(() => { const tick = document.querySelector('.tick').getBoundingClientRect();
            return document.querySelector('.chart').scrollLeft === 500 && tick.left >= 0 && tick.right <= innerWidth; })()",
    );
    page.eval("document.querySelector('.chart svg').style.minWidth = ''");
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
