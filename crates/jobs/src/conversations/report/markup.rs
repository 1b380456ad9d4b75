//! Texts in XML and HTML.

/// A text as content or attribute. Characters that XML does not have are shown as a replacement.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `1.2 s`, `340 ms`, `4 min 05 s`.
pub(super) fn time(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{:.1} s", seconds(ms)),
        _ => format!("{} min {:02} s", ms / 60_000, ms / 1000 % 60),
    }
}

pub(super) fn seconds(ms: u64) -> f64 {
    // Times of reports are far below 2^52 ms.
    std::time::Duration::from_millis(ms).as_secs_f64()
}

/// `1 turn`, `3 turns`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}
