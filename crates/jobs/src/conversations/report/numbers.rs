//! Numbers in reports.

/// So many milliseconds, in seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    // Times of reports are far below 2^52 ms.
    std::time::Duration::from_millis(ms).as_secs_f64()
}

/// `1.2 s`, `340 ms`, `4 min 05 s`.
pub(super) fn time(ms: u64) -> String {
    crate::page::time(seconds(ms) * 1000.0)
}

/// `1 turn`, `3 turns`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}
