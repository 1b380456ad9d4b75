//! Points in time as the contract writes them: ISO 8601, UTC, milliseconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, time::Duration};

/// A point in time, written as `2026-11-21T09:30:00.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtcTime(jiff::Timestamp);

impl UtcTime {
    /// The underlying time stamp.
    pub fn timestamp(self) -> jiff::Timestamp {
        self.0
    }

    /// So much later; the last point in time that can be written, at the most.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.checked_add(span).unwrap_or(jiff::Timestamp::MAX))
    }

    /// The same without what is finer than milliseconds, which is how it is written.
    pub fn to_the_millisecond(self) -> Self {
        let whole = jiff::Timestamp::from_millisecond(self.0.as_millisecond());
        Self(whole.unwrap_or(self.0))
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or(Duration::ZERO)
    }
}

impl From<jiff::Timestamp> for UtcTime {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp)
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UtcTime {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        jiff::Timestamp::deserialize(deserializer).map(Self)
    }
}

/// Reads a `Retry-After` header (RFC 9110, 10.2.3): whole seconds, or an HTTP date, which is taken relative to `now`.
///
/// A date in the past means "at once". Anything else is `None`.
pub fn parse_retry_after(value: &str, now: UtcTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is for ever.
        return Some(Duration::from_secs(
            value.parse::<u32>().unwrap_or(u32::MAX).into(),
        ));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    Some(Duration::try_from(date.duration_since(now.0)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcTime {
        text.parse().unwrap()
    }

    #[test]
    fn times_have_milliseconds_always() {
        assert_eq!(at("2026-11-21T09:30:00Z").to_string(), "2026-11-21T09:30:00.000Z");
        assert_eq!(
            at("2026-11-21T09:30:00.123456Z").to_string(),
            "2026-11-21T09:30:00.123Z"
        );
    }

    #[test]
    fn spans_between_times_do_not_overflow() {
        let now = at("2026-11-21T09:30:00Z");
        assert_eq!(now.after(Duration::from_secs(60)), at("2026-11-21T09:31:00Z"));
        assert_eq!(
            now.after(Duration::from_secs(60)).since(now),
            Duration::from_secs(60)
        );
        assert_eq!(now.since(now.after(Duration::from_secs(60))), Duration::ZERO);
        assert_eq!(now.after(Duration::MAX), jiff::Timestamp::MAX.into());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = at("2026-11-21T09:30:00Z");
        let read = |value| parse_retry_after(value, now);
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(
            read("99999999999999999999"),
            Some(Duration::from_secs(u32::MAX.into()))
        );
        assert_eq!(
            read("Sat, 21 Nov 2026 09:30:05 GMT"),
            Some(Duration::from_secs(5))
        );
        assert_eq!(read("Sat, 21 Nov 2026 09:29:05 GMT"), Some(Duration::ZERO));
        for wrong in ["", "-1", "1.5", "soon", "Sat, 32 Nov 2026 09:30:05 GMT"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
