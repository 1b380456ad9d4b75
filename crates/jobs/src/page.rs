//! What the pages of reports have in common: the frame, the product's looks, texts in markup, and charts of columns.
//!
//! A page needs nothing else: no network, no fonts, no libraries.

mod canvas;

pub(crate) use canvas::{Canvas, round_top};

use wire::UtcTime;

const STYLE: &str = include_str!("page/base.css");

/// The product's mark, for [`brand()`].
const MARK: &str = "<svg class=\"sprite\" aria-hidden=\"true\"><symbol id=\"mark\" viewBox=\"0 0 24 24\"><rect width=\"24\" height=\"24\" rx=\"6\" \
    fill=\"#14594d\"/><path d=\"M5.5 8h13M12 8v9.5M8.4 12.4v5.1M15.6 12.4v5.1\" fill=\"none\" stroke=\"#f4f3ef\" stroke-width=\"2\" \
    stroke-linecap=\"round\"/></symbol></svg>\n";

/// A page: what it is made of besides the frame.
pub(crate) struct Page<'a> {
    /// As text.
    pub(crate) title: &'a str,
    /// CSS that follows the common one.
    pub(crate) style: &'a str,
    /// JavaScript that runs when all is there.
    pub(crate) script: &'a str,
    /// HTML.
    pub(crate) body: &'a str,
}

impl Page<'_> {
    pub(crate) fn html(&self) -> String {
        let Self {
            title,
            style,
            script,
            body,
        } = self;
        let title = escaped(title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n\
             <body>\n{MARK}{body}<script>\n{script}</script>\n</body>\n</html>\n"
        )
    }
}

/// The line that says whose page it is, and what of.
pub(crate) fn brand(about: &str) -> String {
    format!(
        "<p class=\"brand\"><svg viewBox=\"0 0 24 24\" width=\"24\" height=\"24\" aria-hidden=\"true\"><use href=\"#mark\"/></svg>\
         Trunkline <span>{}</span></p>",
        escaped(about)
    )
}

/// A text as content or attribute of HTML and XML. Characters that XML does not have are shown as a replacement.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(sign),
            sign if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            sign => escaped.push(sign),
        }
    }
    escaped
}

/// A moment for people, to the minute: `2026-11-21 22:40 UTC`.
pub(crate) fn minute(at: UtcTime) -> String {
    let shown = at.timestamp().strftime("%Y-%m-%d %H:%M UTC");
    format!("<time datetime=\"{at}\">{shown}</time>")
}

/// A number of milliseconds for people: `0.4 ms`, `340 ms`, `1.2 s`, `4 min 05 s`.
pub fn time(ms: f64) -> String {
    match ms {
        _ if ms < 10.0 && ms.fract() > 0.05 => format!("{ms:.1} ms"),
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        _ if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => {
            let seconds = (ms / 1000.0) as u64;
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        let shown = [0.4, 12.0, 999.4, 1500.0, 90_000.0, 245_900.0].map(time);
        assert_eq!(
            shown,
            ["0.4 ms", "12 ms", "999 ms", "1.5 s", "1 min 30 s", "4 min 05 s"]
        );
    }

    #[test]
    fn moments_are_written_to_the_minute() {
        assert_eq!(
            minute("2026-11-21T22:40:49.288Z".parse().unwrap()),
            "<time datetime=\"2026-11-21T22:40:49.288Z\">2026-11-21 22:40 UTC</time>"
        );
    }

    #[test]
    fn no_text_leaves_its_place() {
        let page = Page {
            title: "</title><script>1</script>",
            style: "",
            script: "",
            body: &escaped("<b a='1' b=\"2\">&\u{1b}[2J\n"),
        };
        let html = page.html();
        assert!(html.contains("<title>&lt;/title&gt;&lt;script&gt;1&lt;/script&gt;</title>"));
        assert!(html.contains("&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;\u{fffd}[2J\n"));
    }
}
