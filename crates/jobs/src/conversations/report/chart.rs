//! How fast the bot answered, as a picture: a histogram with a logarithmic axis, since answers take from a millisecond to a minute.

use super::markup::{count, time};
use flow::scenario::stats::percentile;
use std::fmt::Write as _;

/// The picture's size, in its own units.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 200;
/// Where the bars stand.
const FLOOR: u32 = 160;
const TALLEST: u32 = 128;
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
    let tallest = bins.iter().max().copied().unwrap_or(1).max(1);
    let shown = u32::try_from(last - first + 1).unwrap_or(1);
    let step = WIDTH / shown;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart-title chart-text\">\
         <title id=\"chart-title\">Times to the first answer</title>\
         <desc id=\"chart-text\">{}: half within {}, 95 % within {}, the slowest after {}.</desc>",
        count(sorted.len(), "answer"),
        time(median),
        time(p95),
        time(*slowest)
    );
    for (place, bin) in (0u32..).zip(first..=last) {
        let number = bins.get(bin).copied().unwrap_or_default();
        let x = place * step;
        bar(&mut svg, x, step, number, tallest);
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{}\" y=\"{}\">{}</text>",
            x + step / 2,
            FLOOR + 22,
            label(bin)
        );
        for (what, ms) in [("median", median), ("95 %", p95)] {
            if bin_of(ms) == bin {
                let _ = write!(
                    svg,
                    "<text class=\"mark\" x=\"{}\" y=\"{}\">{what}</text>",
                    x + step / 2,
                    FLOOR
                        + if what == "median" || bin_of(median) != bin {
                            38
                        } else {
                            52
                        }
                        - 2
                );
            }
        }
    }
    let _ = write!(svg, "<path class=\"axis\" d=\"M0 {FLOOR}.5H{WIDTH}\"/></svg>");
    svg
}

fn bar(svg: &mut String, x: u32, step: u32, number: usize, tallest: usize) {
    if number == 0 {
        return;
    }
    let height = number * TALLEST as usize / tallest;
    let height = u32::try_from(height).unwrap_or(TALLEST).max(3);
    let _ = write!(
        svg,
        "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\" rx=\"3\"/><text class=\"number\" x=\"{}\" y=\"{}\">{number}</text>",
        x + 4,
        FLOOR - height,
        step.saturating_sub(8),
        x + step / 2,
        FLOOR - height - 7
    );
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
        Some(end) => format!("&lt; {}", short(*end)),
    }
}
