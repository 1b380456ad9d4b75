//! A chart as SVG: columns of one width on a scale, with a grid behind them and labels below.

use super::escaped;
use std::fmt::{Arguments, Write as _};

/// The height of a chart, and what is left of, above and below its columns, in CSS pixels.
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;
/// The width that columns share as long as they can, and of one column of many.
const WIDTH: f64 = 960.0;
const NARROWEST: f64 = 22.0;
/// A bar's share of its column.
const FILLED: f64 = 0.62;

/// A chart that is drawn.
pub(crate) struct Canvas {
    svg: String,
    /// The values of the grid, which are above all else: a chart that is scrolled takes them along.
    ticks: String,
    /// The width of a column.
    column: f64,
    /// The room that a label needs.
    label: f64,
    /// The value at the top of the scale; the bottom is 0.
    top: f64,
}

impl Canvas {
    /// For so many columns of values up to `top`, with labels that need so many CSS pixels; `attributes` are those of the SVG.
    ///
    /// Columns begin at the left and are no wider than a label; the grid fills the room there is, and what does not fit is scrolled to.
    pub(crate) fn new(columns: usize, top: f64, label: f64, attributes: &str) -> Self {
        let columns = columns.max(1) as f64;
        let column = ((WIDTH - LEFT - RIGHT) / columns).clamp(NARROWEST, label);
        let width = LEFT + column * columns + RIGHT;
        Self {
            svg: format!(
                "<svg width=\"100%\" height=\"{HEIGHT:.0}\" style=\"min-width:{width:.0}px\" {attributes}>"
            ),
            ticks: String::new(),
            column,
            label,
            top,
        }
    }

    /// The middle of a column, from 0 on.
    pub(crate) fn x(&self, number: usize) -> f64 {
        LEFT + self.column * (number as f64 + 0.5)
    }

    /// The place of a value.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let room = HEIGHT - TOP - BOTTOM;
        TOP + room * (1.0 - (value / self.top).clamp(0.0, 1.0))
    }

    /// How far beside the middle of a column two marks stand, so that neither hides the other.
    pub(crate) fn aside(&self) -> f64 {
        (self.column / 6.0).min(7.0)
    }

    /// A line for each quarter of the scale, with its value.
    pub(crate) fn grid(&mut self, shown: impl Fn(f64) -> String) {
        for quarter in 0..=4 {
            let value = self.top * f64::from(quarter) / 4.0;
            let y = self.y(value);
            let shown = escaped(&shown(value));
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            ));
            // Writing to a text can't fail.
            let _ = write!(
                self.ticks,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
                LEFT - 8.0,
                y + 4.0
            );
        }
    }

    /// The whole of a column, to be pointed at.
    pub(crate) fn hit(&mut self, number: usize) {
        let x = self.x(number) - self.column / 2.0;
        let (width, height) = (self.column, HEIGHT - TOP - BOTTOM);
        self.put(format_args!(
            "<rect class=\"hit\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    /// A bar from the bottom up to a value; what is not nothing can be seen.
    pub(crate) fn bar(&mut self, number: usize, value: f64, class: &str) {
        let wide = self.column * FILLED;
        let least = if value > 0.0 { 2.0 } else { 0.0 };
        let height = (HEIGHT - BOTTOM - self.y(value)).max(least);
        self.put(format_args!(
            "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{height:.1}\" rx=\"2\"/>",
            self.x(number) - wide / 2.0,
            HEIGHT - BOTTOM - height,
        ));
    }

    /// A text above the place of a value, so many lines of text higher.
    pub(crate) fn above(&mut self, number: usize, value: f64, lines: u32, class: &str, text: &str) {
        let (x, y) = (self.x(number), self.y(value) - 7.0 - 14.0 * f64::from(lines));
        let text = escaped(text);
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    /// A label below a column. Where columns are narrow, only some have room for one.
    pub(crate) fn label(&mut self, number: usize, text: &str) {
        let every = (self.label / self.column).ceil().max(1.0) as usize;
        if number.is_multiple_of(every) {
            let (x, y, text) = (self.x(number), HEIGHT - 10.0, escaped(text));
            self.put(format_args!(
                "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
            ));
        }
    }

    /// Anything else, as it stands.
    pub(crate) fn put(&mut self, svg: Arguments<'_>) {
        // Writing to a text can't fail.
        let _ = self.svg.write_fmt(svg);
    }

    pub(crate) fn finish(mut self) -> String {
        self.svg.push_str(&self.ticks);
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// The end of a scale for values up to `most`: its quarters have one digit more than a power of ten at the most, so 0.3, 0.6, 0.9, 1.2.
pub(crate) fn round_top(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.2, 2.0, 4.0, 8.0, 12.0];
    let step = steps.into_iter().find(|step| step * power >= most);
    step.unwrap_or(12.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_where_their_quarters_are_easy_to_read() {
        let ends = [1.0, 1.5, 4.0, 7.0, 9.0, 10.0, 13.0, 900.0].map(round_top);
        assert_eq!(ends, [1.2, 2.0, 4.0, 8.0, 12.0, 12.0, 20.0, 1200.0]);
    }

    #[test]
    fn the_values_of_a_grid_are_not_rounded() {
        for most in 1_u32..=2000 {
            for quarter in 1..=4 {
                let tenths = round_top(f64::from(most)) * f64::from(quarter) / 4.0 * 10.0;
                assert!((tenths - tenths.round()).abs() < 1e-6, "{most}: {tenths}");
                let is_whole = (tenths / 10.0 - (tenths / 10.0).round()).abs() < 1e-6;
                assert!(most < 3 || is_whole, "{most}: {tenths}");
            }
        }
    }

    #[test]
    fn bars_and_labels_are_in_their_columns() {
        let mut canvas = Canvas::new(2, 3.0, 80.0, "role=\"img\"");
        canvas.bar(0, 4.0, "accent");
        canvas.bar(1, 0.0, "accent");
        canvas.label(1, "<b>");
        insta::assert_snapshot!(canvas.finish().replace("><", ">\n<"), @r#"
        <svg width="100%" height="240" style="min-width:240px" role="img">
        <rect class="bar accent" x="83.2" y="14.0" width="49.6" height="196.0" rx="2"/>
        <rect class="bar accent" x="163.2" y="210.0" width="49.6" height="0.0" rx="2"/>
        <text class="label" x="188.0" y="230.0">&lt;b&gt;</text>
        </svg>
        "#);
    }

    #[test]
    fn of_many_columns_some_are_labelled_and_none_is_too_narrow() {
        let mut canvas = Canvas::new(400, 3.0, 84.0, "");
        (0..400).for_each(|number| canvas.label(number, "x"));
        let svg = canvas.finish();
        assert_eq!(svg.matches("<text").count(), 100);
        assert!(svg.contains("min-width:8880px"), "{}", &svg[..80]);
    }
}
