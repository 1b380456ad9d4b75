//! Charts of a report as SVG: a column for each row, drawn by a scale, and a sentence for those who hear or point at it.

use super::Row;
use crate::page::{Canvas, escaped, round_top, time};
use flow::share::Share;

/// The room of a label, in CSS pixels: `11-21 22:00`, or twelve signs of a bot's id.
const LABEL: f64 = 84.0;

/// What a chart shows of a row.
pub(super) enum Picture {
    /// The shares of resolved and contained conversations, with their intervals.
    Shares,
    /// How many conversations, and how many of them were resolved.
    Numbers,
    /// The median and the 95th percentile of answer times.
    Times,
}

/// A chart of the rows.
pub(super) fn chart(rows: &[Row], picture: &Picture) -> String {
    let mut canvas = Canvas::new(rows.len(), top(rows, picture), LABEL, "role=\"group\"");
    canvas.grid(|value| match picture {
        Picture::Shares => format!("{:.0} %", value * 100.0),
        Picture::Numbers => format!("{value:.0}"),
        Picture::Times => time(value),
    });
    if matches!(picture, Picture::Shares) {
        line(&mut canvas, rows, "resolved", |row| row.resolution);
        line(&mut canvas, rows, "contained", |row| row.containment);
    }
    for (number, row) in rows.iter().enumerate() {
        canvas.put(format_args!(
            "<g class=\"column\" tabindex=\"0\" role=\"img\" aria-label=\"{}\">",
            escaped(&sentence(row))
        ));
        canvas.hit(number);
        draw(&mut canvas, number, row, picture);
        canvas.put(format_args!("</g>"));
        canvas.label(number, &short(&row.label));
    }
    canvas.finish()
}

/// The line through the shares of neighbours.
fn line(canvas: &mut Canvas, rows: &[Row], class: &str, share: impl Fn(&Row) -> Option<Share>) {
    let places = rows.iter().enumerate().filter_map(|(number, row)| {
        let share = share(row)?;
        Some(format!("{:.1},{:.1}", canvas.x(number), canvas.y(share.rate)))
    });
    let places = places.collect::<Vec<String>>().join(" ");
    canvas.put(format_args!(
        "<polyline class=\"line {class}\" points=\"{places}\"/>"
    ));
}

fn draw(canvas: &mut Canvas, number: usize, row: &Row, picture: &Picture) {
    let (x, aside) = (canvas.x(number), canvas.aside());
    match picture {
        Picture::Shares => {
            share_mark(canvas, x - aside, row.resolution, "resolved");
            share_mark(canvas, x + aside, row.containment, "contained");
        }
        Picture::Numbers => {
            canvas.bar(number, row.conversations as f64, "all");
            canvas.bar(number, row.resolved as f64, "resolved");
        }
        Picture::Times => {
            if let (Some(median), Some(p95)) = (row.median_response_ms, row.p95_response_ms) {
                let (low, high) = (canvas.y(median), canvas.y(p95));
                canvas.put(format_args!(
                    "<line class=\"reach\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>\
                     <circle class=\"resolved\" cx=\"{x:.1}\" cy=\"{low:.1}\" r=\"4.5\"/>\
                     <rect class=\"contained\" x=\"{:.1}\" y=\"{:.1}\" width=\"9\" height=\"4\" rx=\"2\"/>",
                    x - 4.5,
                    high - 2.0
                ));
            }
        }
    }
}

fn share_mark(canvas: &mut Canvas, x: f64, share: Option<Share>, class: &str) {
    let Some(share) = share else { return };
    let (y, low, high) = (canvas.y(share.rate), canvas.y(share.low), canvas.y(share.high));
    canvas.put(format_args!(
        "<line class=\"interval {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>"
    ));
    // Shapes, too: not everybody can tell the colours apart.
    match class {
        "resolved" => canvas.put(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"
        )),
        _ => canvas.put(format_args!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" rx=\"1.5\"/>",
            x - 4.0,
            y - 4.0
        )),
    }
}

/// The end of the scale.
fn top(rows: &[Row], picture: &Picture) -> f64 {
    let most = |of: fn(&Row) -> f64| rows.iter().map(of).fold(1.0, f64::max);
    match picture {
        Picture::Shares => 1.0,
        // Quarters of the scale are whole conversations.
        Picture::Numbers => round_top(most(|row| row.conversations as f64).max(4.0)),
        Picture::Times => round_top(most(|row| row.p95_response_ms.unwrap_or_default())),
    }
}

/// All that is known of a row.
pub(super) fn sentence(row: &Row) -> String {
    let share = |share: Option<Share>| share.map_or_else(|| "unknown".into(), |share| share.to_string());
    let times = match (row.median_response_ms, row.p95_response_ms) {
        (Some(median), Some(p95)) => format!("answered in {} (median), {} (p95)", time(median), time(p95)),
        _ => "nothing answered".into(),
    };
    format!(
        "{}: {} conversations, resolved {}, contained {}, {times}",
        row.label,
        row.conversations,
        share(row.resolution),
        share(row.containment)
    )
}

/// A label that fits below its column; of days and hours the end says most.
fn short(label: &str) -> String {
    let signs: Vec<char> = label.chars().collect();
    match signs.len() {
        0..=12 => label.to_owned(),
        16 if label.ends_with(":00") => signs.iter().skip(5).collect(),
        _ => signs.iter().take(11).collect::<String>() + "…",
    }
}
