//! How people write when something is due: `4 hours`, `2 business days at 17:00`.

use jiff::civil::Time;
use std::{fmt, str::FromStr};

/// The farthest due date, in days.
pub const MAX_DAYS: u32 = 3660;
const MINUTES_PER_DAY: u32 = 24 * 60;
const EXAMPLES: &str =
    "write it like \"4 hours\", \"1 day\", \"3 days at 12:00\", \"2 business days\" or \"6 business hours\"";

/// When something is due, counted from a point in time; reckoned by a [`Calendar`](super::Calendar).
///
/// ```
/// use flow::calendar::Due;
///
/// assert_eq!("1 day".parse::<Due>()?.to_string(), "1 day");
/// assert_eq!("2 business days at 9:30".parse::<Due>()?.to_string(), "2 business days at 09:30");
/// assert!("tomorrow".parse::<Due>().is_err());
/// # Ok::<(), flow::calendar::DueError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    written: String,
    span: Span,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Span {
    Minutes(u32),
    Days(u32, Option<TimeOfDay>),
    BusinessMinutes(u32),
    BusinessDays(u32, Option<TimeOfDay>),
}

/// A time of day in minutes after midnight, up to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

/// Why a text does not say when something is due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each text says what it is")]
pub enum DueError {
    #[error("must say when, not {0:?}; {EXAMPLES}")]
    Form(String),
    #[error("must be 1 to {most} {unit}, not {found}")]
    Number {
        most: u32,
        unit: &'static str,
        found: String,
    },
    #[error("must not name a time of day with hours; name one with days, or leave it out")]
    TimeWithHours,
    #[error("must be a time of day like 09:00 or 17:30, not {0:?}")]
    Time(String),
}

impl Due {
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The time of day that a business day is to end at.
    pub(crate) fn business_time(&self) -> Option<TimeOfDay> {
        match self.span {
            Span::BusinessDays(_, at) => at,
            _ => None,
        }
    }
}

impl FromStr for Due {
    type Err = DueError;

    fn from_str(text: &str) -> Result<Self, DueError> {
        let words: Vec<&str> = text.split_whitespace().take(6).collect();
        let wrong = || DueError::Form(shorten(text));
        let (number, rest) = words.split_first().ok_or_else(wrong)?;
        let (business, rest) = match rest {
            ["business", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (unit, at) = match rest {
            [unit] => (*unit, None),
            [unit, "at", at] => (*unit, Some(at.parse::<TimeOfDay>()?)),
            _ => return Err(wrong()),
        };
        let (unit, minutes) = match unit {
            "minute" | "minutes" => ("minutes", 1),
            "hour" | "hours" => ("hours", 60),
            "day" | "days" => ("days", MINUTES_PER_DAY),
            _ => return Err(wrong()),
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let most = MAX_DAYS * (MINUTES_PER_DAY / minutes);
        let number = number.parse().ok().filter(|count| (1..=most).contains(count));
        let count: u32 = number.ok_or_else(|| DueError::Number {
            most,
            unit,
            found: shorten(words[0]),
        })?;
        let span = match (unit, business) {
            ("days", false) => Span::Days(count, at),
            ("days", true) => Span::BusinessDays(count, at),
            _ if at.is_some() => return Err(DueError::TimeWithHours),
            (_, false) => Span::Minutes(count * minutes),
            (_, true) => Span::BusinessMinutes(count * minutes),
        };
        let unit = if count == 1 {
            unit.trim_end_matches('s')
        } else {
            unit
        };
        let business = if business { "business " } else { "" };
        let at = at.map_or_else(String::new, |at| format!(" at {at}"));
        Ok(Self {
            written: format!("{count} {business}{unit}{at}"),
            span,
        })
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TimeOfDay {
    /// So many whole hours after midnight; at most 24.
    pub(super) const fn hour(hours: u16) -> Self {
        Self(if hours > 24 { 24 * 60 } else { hours * 60 })
    }

    /// Minutes after midnight.
    pub(super) fn minutes(self) -> u16 {
        self.0
    }

    /// The time; None for 24:00, which is the next day's midnight.
    pub(super) fn to_time(self) -> Option<Time> {
        let (hour, minute) = (i8::try_from(self.0 / 60).ok()?, i8::try_from(self.0 % 60).ok()?);
        Time::new(hour, minute, 0, 0).ok()
    }
}

impl FromStr for TimeOfDay {
    type Err = DueError;

    fn from_str(text: &str) -> Result<Self, DueError> {
        let wrong = || DueError::Time(shorten(text));
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) || !(1..=2).contains(&hour.len()) || minute.len() != 2 {
            return Err(wrong());
        }
        let (hour, minute): (u16, u16) = (
            hour.parse().map_err(|_| wrong())?,
            minute.parse().map_err(|_| wrong())?,
        );
        let minutes = hour * 60 + minute;
        (minute < 60 && minutes <= 24 * 60)
            .then_some(Self(minutes))
            .ok_or_else(wrong)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
