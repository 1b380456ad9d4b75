//! How fast the bot answered, as a picture: a histogram with a logarithmic axis, since answers take from a millisecond to a minute.

use super::numbers::{count, time};
use crate::page::{Canvas, round_top};
use flow::scenario::stats::percentile;

/// The scale ends so much above the tallest bar, for what stands there, and holds at least so many answers.
const HEADROOM: f64 = 1.4;
const LEAST: usize = 2;
/// The room of a label, in CSS pixels: `< 500 ms`.
const LABEL: f64 = 60.0;
/// The ends of the bins, in milliseconds: 1, 2, 5, 10, ... 60 s; what is slower is in the last one.
const ENDS: [u64; 16] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    20_000,
    60_000,
    u64::MAX,
];

/// The histogram of sorted times in milliseconds; nothing of none.
pub(super) fn histogram(sorted: &[u64]) -> String {
    let (Some(median), Some(p95), Some(slowest)) =
        (percentile(sorted, 50), percentile(sorted, 95), sorted.last())
    else {
        return String::new();
    };
    let mut bins = [0usize; ENDS.len()];
    for ms in sorted {
        if let Some(bin) = bins.get_mut(bin_of(*ms)) {
            *bin += 1;
        }
    }
    // Only the bins in use, and one more at both sides.
    let first = bins
        .iter()
        .position(|bin| *bin > 0)
        .unwrap_or_default()
        .saturating_sub(1);
    let last = bins.iter().rposition(|bin| *bin > 0).unwrap_or_default();
    let last = (last + 1).min(ENDS.len() - 1);
    let tallest = bins.iter().max().copied().unwrap_or_default().max(LEAST);
    let about = "role=\"img\" aria-labelledby=\"chart-title chart-text\"";
    let top = round_top(tallest as f64 * HEADROOM);
    let mut canvas = Canvas::new(last - first + 1, top, LABEL, about);
    canvas.put(format_args!(
        "<title id=\"chart-title\">Times to the first answer</title>\
         <desc id=\"chart-text\">{}: half within {}, 95 % within {}, the slowest after {}.</desc>",
        count(sorted.len(), "answer"),
        time(median),
        time(p95),
        time(*slowest)
    ));
    canvas.grid(|number| format!("{number:.0}"));
    for (column, bin) in (first..=last).enumerate() {
        let number = bins.get(bin).copied().unwrap_or_default();
        if number > 0 {
            canvas.bar(column, number as f64, "accent");
            canvas.above(column, number as f64, 0, "number", &number.to_string());
        }
        canvas.label(column, &label(bin));
        let points = [("median", median), ("95 %", p95)].into_iter();
        let points = points.filter(|(_, ms)| bin_of(*ms) == bin);
        for (lines, (what, _)) in (1..).zip(points) {
            canvas.above(column, number as f64, lines, "point", what);
        }
    }
    canvas.finish()
}

fn bin_of(ms: u64) -> usize {
    ENDS.iter().position(|end| ms < *end).unwrap_or(ENDS.len() - 1)
}

/// What a bin holds: all below its end.
fn label(bin: usize) -> String {
    let short = |ms: u64| {
        if ms < 1000 {
            format!("{ms} ms")
        } else {
            format!("{} s", ms / 1000)
        }
    };
    match ENDS.get(bin) {
        Some(&u64::MAX) | None => "≥ 60 s".into(),
        Some(end) => format!("< {}", short(*end)),
    }
}
