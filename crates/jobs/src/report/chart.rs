//! Charts of a report as SVG: a column for each row, drawn by a scale, and a sentence for those who hear or point at it.

use super::Row;
use flow::share::Share;
use std::fmt::Write as _;

/// The height of a chart, and what is left of, above and below its columns, in CSS pixels.
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;
/// The width of a chart of few columns, and of one column of many.
const WIDTH: f64 = 960.0;
const NARROWEST: f64 = 22.0;
/// The room that a label needs.
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

/// Where things are.
struct Scale {
    column: f64,
    width: f64,
    top: f64,
}

impl Scale {
    fn new(rows: usize, most: f64) -> Self {
        let rows = rows.max(1) as f64;
        let column = ((WIDTH - LEFT - RIGHT) / rows).max(NARROWEST);
        Self {
            column,
            width: (LEFT + column * rows + RIGHT).max(WIDTH),
            top: nice(most),
        }
    }

    fn x(&self, number: usize) -> f64 {
        LEFT + self.column * (number as f64 + 0.5)
    }

    fn y(&self, value: f64) -> f64 {
        let room = HEIGHT - TOP - BOTTOM;
        TOP + room * (1.0 - (value / self.top).clamp(0.0, 1.0))
    }
}

/// A chart of the rows.
pub(super) fn chart(rows: &[Row], picture: &Picture) -> String {
    let scale = Scale::new(rows.len(), most(rows, picture));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {w:.0} {HEIGHT:.0}\" width=\"{w:.0}\" height=\"{HEIGHT:.0}\" role=\"group\">",
        w = scale.width
    );
    grid(&mut svg, &scale, picture);
    if matches!(picture, Picture::Shares) {
        line(&mut svg, &scale, rows, "resolved", |row| row.resolution);
        line(&mut svg, &scale, rows, "contained", |row| row.containment);
    }
    // Every so many columns have room for a label.
    let every = (LABEL / scale.column).ceil().max(1.0) as usize;
    for (number, row) in rows.iter().enumerate() {
        let x = scale.x(number);
        put(
            &mut svg,
            format_args!(
                "<g class=\"column\" tabindex=\"0\" role=\"img\" aria-label=\"{}\"><rect class=\"hit\" x=\"{:.1}\" y=\"{TOP}\" \
                 width=\"{:.1}\" height=\"{:.1}\"/>",
                escaped(&sentence(row)),
                x - scale.column / 2.0,
                scale.column,
                HEIGHT - TOP - BOTTOM
            ),
        );
        draw(&mut svg, &scale, x, row, picture);
        svg.push_str("</g>");
        if number % every == 0 {
            let label = short(&row.label);
            put(
                &mut svg,
                format_args!(
                    "<text class=\"label\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>",
                    HEIGHT - 10.0
                ),
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

fn grid(svg: &mut String, scale: &Scale, picture: &Picture) {
    for quarter in 0..=4 {
        let value = scale.top * f64::from(quarter) / 4.0;
        let y = scale.y(value);
        let shown = match picture {
            Picture::Shares => format!("{:.0} %", value * 100.0),
            Picture::Numbers => amount(value),
            Picture::Times => time(value),
        };
        put(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
                scale.width - RIGHT,
                LEFT - 8.0,
                y + 4.0
            ),
        );
    }
}

/// The line through the shares of neighbours.
fn line(svg: &mut String, scale: &Scale, rows: &[Row], class: &str, share: impl Fn(&Row) -> Option<Share>) {
    let places = rows.iter().enumerate().filter_map(|(number, row)| {
        let share = share(row)?;
        Some(format!("{:.1},{:.1}", scale.x(number), scale.y(share.rate)))
    });
    let places: Vec<String> = places.collect();
    put(
        svg,
        format_args!(
            "<polyline class=\"line {class}\" points=\"{}\"/>",
            places.join(" ")
        ),
    );
}

fn draw(svg: &mut String, scale: &Scale, x: f64, row: &Row, picture: &Picture) {
    // The two are beside each other, so that neither hides the other.
    let aside = (scale.column / 6.0).min(7.0);
    match picture {
        Picture::Shares => {
            share_mark(svg, scale, x - aside, row.resolution, "resolved");
            share_mark(svg, scale, x + aside, row.containment, "contained");
        }
        Picture::Numbers => {
            bar(svg, scale, x, row.conversations as f64, "all");
            bar(svg, scale, x, row.resolved as f64, "resolved");
        }
        Picture::Times => {
            if let (Some(median), Some(p95)) = (row.median_response_ms, row.p95_response_ms) {
                let (low, high) = (scale.y(median), scale.y(p95));
                put(
                    svg,
                    format_args!(
                        "<line class=\"reach\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>\
                         <circle class=\"resolved\" cx=\"{x:.1}\" cy=\"{low:.1}\" r=\"4.5\"/>\
                         <rect class=\"contained\" x=\"{:.1}\" y=\"{:.1}\" width=\"9\" height=\"4\" rx=\"2\"/>",
                        x - 4.5,
                        high - 2.0
                    ),
                );
            }
        }
    }
}

fn share_mark(svg: &mut String, scale: &Scale, x: f64, share: Option<Share>, class: &str) {
    let Some(share) = share else { return };
    put(
        svg,
        format_args!(
            "<line class=\"interval {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            scale.y(share.low),
            scale.y(share.high)
        ),
    );
    let y = scale.y(share.rate);
    // Shapes, too: not everybody can tell the colours apart.
    match class {
        "resolved" => put(
            svg,
            format_args!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"),
        ),
        _ => put(
            svg,
            format_args!(
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" rx=\"1.5\"/>",
                x - 4.0,
                y - 4.0
            ),
        ),
    }
}

fn bar(svg: &mut String, scale: &Scale, x: f64, value: f64, class: &str) {
    let wide = (scale.column * 0.62).min(46.0);
    let y = scale.y(value);
    put(
        svg,
        format_args!(
            "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" rx=\"2\"/>",
            x - wide / 2.0,
            (HEIGHT - BOTTOM - y).max(0.0)
        ),
    );
}

fn most(rows: &[Row], picture: &Picture) -> f64 {
    let of = |row: &Row| match picture {
        Picture::Shares => 1.0,
        Picture::Numbers => row.conversations as f64,
        Picture::Times => row.p95_response_ms.unwrap_or_default(),
    };
    rows.iter().map(of).fold(1.0, f64::max)
}

/// The next number that quarters of it are easy to read of: 1, 2, 4, 8 times a power of ten.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= most);
    step.unwrap_or(10.0) * power
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

/// A number of milliseconds for people.
pub(super) fn time(ms: f64) -> String {
    match ms {
        _ if ms < 10.0 && ms.fract() > 0.05 => format!("{ms:.1} ms"),
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        _ if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!("{:.1} min", ms / 60_000.0),
    }
}

fn amount(value: f64) -> String {
    match value.fract() > 0.001 {
        true => format!("{value:.1}"),
        false => format!("{value:.0}"),
    }
}

/// A label that fits below its column; of days and hours the end says most.
fn short(label: &str) -> String {
    let signs: Vec<char> = label.chars().collect();
    match signs.len() {
        0..=12 => escaped(label),
        16 if label.ends_with(":00") => escaped(&signs.iter().skip(5).collect::<String>()),
        _ => escaped(&(signs.iter().take(11).collect::<String>() + "…")),
    }
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text can't fail.
    let _ = svg.write_fmt(text);
}

/// As text and in attributes of HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
