//! A report as one page.

use super::{
    By, Report, Row,
    chart::{Picture, chart},
};
use crate::page::{Page, brand, escaped, minute, time};
use flow::share::Share;
use std::fmt::Write as _;
use wire::UtcTime;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Most rows that are drawn, the last ones; the table has all.
const MOST_DRAWN: usize = 400;

impl Report {
    /// The report as a page.
    pub fn html(&self) -> String {
        let from = self.rows.len().saturating_sub(MOST_DRAWN);
        let drawn = match self.rows.get(from..).unwrap_or_default() {
            [] => std::slice::from_ref(&self.total),
            rows => rows,
        };
        let body = match self.total.conversations {
            0 => "<p class=\"empty\">There were no conversations in this time. Ask for an earlier one with --from.</p>".to_owned(),
            _ => format!("{}{}{}", tiles(&self.total), figures(drawn, from, self.by), self.table()),
        };
        let body = format!(
            "<main>\n<header>\n{}\n<h1>Conversations</h1>\n<p class=\"soft\">Created from {} to {}, {}</p>\n</header>\n\
             {body}\n<footer class=\"soft\">A conversation counts where it was created, whenever it was settled. Ranges are 95 % \
             confidence intervals (Wilson). Contained is what is over without having been handed to a person.</footer>\n</main>\n",
            brand("bot report"),
            minute(self.span.from),
            minute(self.span.to),
            by(self.by),
        );
        let day = |time: UtcTime| time.timestamp().strftime("%Y-%m-%d").to_string();
        Page {
            title: &format!("Conversations, {} to {}", day(self.span.from), day(self.span.to)),
            style: STYLE,
            script: SCRIPT,
            body: &body,
        }
        .html()
    }

    fn table(&self) -> String {
        let mut table = "<section aria-labelledby=\"numbers\"><h2 id=\"numbers\">All numbers</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
            aria-labelledby=\"numbers\"><table><thead><tr><th scope=\"col\"></th><th scope=\"col\">Conversations</th><th scope=\"col\">Resolved</th>\
            <th scope=\"col\">Contained</th><th scope=\"col\">Escalated</th><th scope=\"col\">Turns</th><th scope=\"col\">Median answer</th>\
            <th scope=\"col\">95 % within</th></tr></thead><tbody>"
            .to_owned();
        self.rows.iter().for_each(|row| line(&mut table, row, ""));
        line(&mut table, &self.total, " class=\"total\"");
        table.push_str("</tbody></table></div></section>");
        table
    }
}

fn by(by: By) -> &'static str {
    match by {
        By::Hour => "by the hour (UTC)",
        By::Day => "by the day (UTC)",
        By::Bot => "by bot",
        By::None => "all in one",
    }
}

fn tiles(total: &Row) -> String {
    let times = |ms: Option<f64>| ms.map_or_else(|| "–".into(), time);
    let turns = total
        .turns_each()
        .map_or_else(|| "–".into(), |turns| format!("{turns:.1}"));
    format!(
        "<dl class=\"tiles\"><div><dt>Conversations</dt><dd>{}</dd></div>{}{}<div><dt>Turns each</dt><dd>{turns}</dd></div>\
         <div><dt>Median answer</dt><dd>{}</dd></div><div><dt>95 % answered within</dt><dd>{}</dd></div></dl>",
        total.conversations,
        share_tile("Resolved", "resolved", total.resolution),
        share_tile("Contained", "contained", total.containment),
        times(total.median_response_ms),
        times(total.p95_response_ms),
    )
}

/// A share with its interval drawn below it.
fn share_tile(name: &str, class: &str, share: Option<Share>) -> String {
    let Some(share) = share else {
        return format!("<div><dt>{name}</dt><dd>–</dd></div>");
    };
    let percent = |share: f64| share * 100.0;
    format!(
        "<div><dt>{name}</dt><dd>{:.0} %</dd><dd class=\"range\">{:.0} to {:.0} %<span class=\"meter {class}\"><i style=\"left:{:.1}%;width:{:.1}%\">\
         </i><b style=\"left:{:.1}%\"></b></span></dd></div>",
        percent(share.rate),
        percent(share.low),
        percent(share.high),
        percent(share.low),
        percent(share.high - share.low).max(0.5),
        percent(share.rate),
    )
}

fn figures(rows: &[Row], left_out: usize, by: By) -> String {
    let mut figures = String::new();
    // What is newest says most; where it does not fit, it is shown first.
    let end = match by {
        By::Hour | By::Day => " data-from=\"end\"",
        By::Bot | By::None => "",
    };
    for (title, key, picture) in [
        (
            "Resolved and contained",
            "<i class=\"dot resolved\"></i> resolved <i class=\"square contained\"></i> contained, with 95 % intervals",
            Picture::Shares,
        ),
        (
            "How many",
            "<i class=\"square all\"></i> conversations <i class=\"square resolved\"></i> of them resolved",
            Picture::Numbers,
        ),
        (
            "How fast answers came",
            "<i class=\"dot resolved\"></i> half within <i class=\"dash contained\"></i> 95 of 100 within",
            Picture::Times,
        ),
    ] {
        let is_answered = |row: &Row| row.median_response_ms.is_some();
        if matches!(picture, Picture::Times) && !rows.iter().any(is_answered) {
            continue;
        }
        let note = match left_out {
            0 => String::new(),
            _ => format!(" <span>The last {}; the table has all.</span>", rows.len()),
        };
        // Writing to a text can't fail.
        let _ = write!(
            figures,
            "<figure><figcaption><h2>{title}</h2><p class=\"key soft\">{key}{note}</p></figcaption><div class=\"scroll chart\"{end}>{}</div>\
             <output class=\"readout soft\" aria-live=\"off\">Point at a column, or go to it with Tab and the arrow keys.</output></figure>",
            chart(rows, &picture)
        );
    }
    figures
}

fn line(table: &mut String, row: &Row, class: &str) {
    let share = |share: Option<Share>| share.map_or_else(|| "–".into(), |share| share.to_string());
    let times = |ms: Option<f64>| ms.map_or_else(|| "–".into(), time);
    // Writing to a text can't fail.
    let _ = write!(
        table,
        "<tr{class}><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escaped(&row.label),
        row.conversations,
        share(row.resolution),
        share(row.containment),
        row.escalated,
        row.turns,
        times(row.median_response_ms),
        times(row.p95_response_ms),
    );
}
