//! Due dates: so many hours, days, business days or business hours from a point in time, in a time zone.
//!
//! Days are calendar days: a day over a daylight-saving change keeps the wall clock. A time that does not exist on that day
//! moves forward, one that comes twice is the first. Hours are real hours. Business days skip weekends and holidays, business
//! hours count working time only; what begins outside of working time counts from the next opening.
//!
//! ```
//! use flow::calendar::{Calendar, WorkingTime};
//!
//! let calendar = Calendar::new("Europe/Berlin", WorkingTime::default())?;
//! let friday_evening = "2026-03-27T18:00:00Z".parse()?;
//! // Summer time begins on the Sunday between.
//! assert_eq!(calendar.due(friday_evening, &"1 business day".parse()?)?.to_string(), "2026-03-31T07:00:00.000Z");
//! assert_eq!(calendar.due(friday_evening, &"3 days at 12:00".parse()?)?.to_string(), "2026-03-30T10:00:00.000Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time zones are those of the IANA database that is built in: every machine counts alike.

mod due;
#[cfg(test)]
mod tests;
mod working;

pub use due::{Due, DueError, MAX_DAYS, TimeOfDay};
pub use working::{MAX_HOLIDAYS, WorkingTime};

use crate::file::suggest;
use due::Span;
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::{TimeZone, TimeZoneDatabase},
};
use std::sync::LazyLock;
use wire::UtcTime;

/// How many days are looked at for working time: twice what a due date may need, since a daylight-saving change can shorten
/// a day.
const MAX_WALK: u32 = 2 * MAX_DAYS;
// Not the machine's own: it may have none, or an old one.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Why a date cannot be reckoned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The database has no such zone.
    #[error("there is no time zone {name:?}; {hint}")]
    UnknownZone {
        /// As it was written.
        name: String,
        /// What to write instead.
        hint: String,
    },
    /// The date is beyond the calendar.
    #[error("the due date lies too far away; at most {MAX_DAYS} days can be reckoned")]
    TooFar,
}

/// A time zone, and when people work there.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    working: WorkingTime,
}

impl Calendar {
    /// The calendar of a zone of the IANA database, such as `Europe/Berlin`.
    pub fn new(zone: &str, working: WorkingTime) -> Result<Self, CalendarError> {
        let zone = ZONES.get(zone).map_err(|_| unknown_zone(zone))?;
        Ok(Self { zone, working })
    }

    /// The time zone's name.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// When people work.
    pub fn working(&self) -> &WorkingTime {
        &self.working
    }

    /// What the clock on the wall says at a point in time.
    pub fn wall_clock(&self, at: UtcTime) -> DateTime {
        self.zone.to_datetime(at.timestamp())
    }

    /// Whether a due date can be reckoned from whatever point in time.
    pub(crate) fn reaches(&self, due: &Due) -> bool {
        self.working.days_needed(due) <= u64::from(MAX_DAYS)
    }

    /// When something is due that begins at `from`.
    pub fn due(&self, from: UtcTime, due: &Due) -> Result<UtcTime, CalendarError> {
        let from = from.timestamp();
        let due = match *due.span() {
            Span::Minutes(minutes) => {
                let minutes = SignedDuration::from_mins(minutes.into());
                from.checked_add(minutes).map_err(|_| CalendarError::TooFar)
            }
            Span::Days(days, at) => self.days_later(from, days, at),
            Span::BusinessDays(days, at) => self.business_days_later(from, days, at),
            Span::BusinessMinutes(minutes) => self.business_minutes_later(from, minutes),
        };
        due.map(UtcTime::from)
    }

    fn days_later(
        &self,
        from: Timestamp,
        days: u32,
        at: Option<TimeOfDay>,
    ) -> Result<Timestamp, CalendarError> {
        let now = self.zone.to_datetime(from);
        let date = later(now.date(), days)?;
        match at {
            Some(at) => self.at(date, at),
            None => self.instant(date.to_datetime(now.time())),
        }
    }

    fn business_days_later(
        &self,
        from: Timestamp,
        days: u32,
        at: Option<TimeOfDay>,
    ) -> Result<Timestamp, CalendarError> {
        let start = self.next_open(from)?;
        let now = self.zone.to_datetime(start);
        let mut left = days;
        for passed in 1..=MAX_WALK {
            let date = later(now.date(), passed)?;
            let Some((open, close)) = self.hours_of(date)? else {
                continue;
            };
            left -= 1;
            if left == 0 {
                let due = match at {
                    Some(at) => self.at(date, at)?,
                    None => self.instant(date.to_datetime(now.time()))?,
                };
                // The clock may have been moved meanwhile.
                return Ok(due.clamp(open, close));
            }
        }
        Err(CalendarError::TooFar)
    }

    fn business_minutes_later(&self, from: Timestamp, minutes: u32) -> Result<Timestamp, CalendarError> {
        let mut left = SignedDuration::from_mins(minutes.into());
        let today = self.zone.to_datetime(from).date();
        for passed in 0..=MAX_WALK {
            let Some((open, close)) = self.hours_of(later(today, passed)?)? else {
                continue;
            };
            let begin = open.max(from);
            let open_for = close.duration_since(begin);
            if left <= open_for {
                return begin.checked_add(left).map_err(|_| CalendarError::TooFar);
            }
            left -= open_for.max(SignedDuration::ZERO);
        }
        Err(CalendarError::TooFar)
    }

    /// `from` in working time, or else the next opening.
    fn next_open(&self, from: Timestamp) -> Result<Timestamp, CalendarError> {
        let today = self.zone.to_datetime(from).date();
        for passed in 0..=MAX_WALK {
            if let Some((open, close)) = self.hours_of(later(today, passed)?)?
                && from < close
            {
                return Ok(from.max(open));
            }
        }
        Err(CalendarError::TooFar)
    }

    /// From when to when people work on a day.
    fn hours_of(&self, date: Date) -> Result<Option<(Timestamp, Timestamp)>, CalendarError> {
        if !self.working.includes(date) {
            return Ok(None);
        }
        let (open, close) = self.working.hours();
        let (open, close) = (self.at(date, open)?, self.at(date, close)?);
        // Hours that the clock skips are no working time.
        Ok((open < close).then_some((open, close)))
    }

    fn at(&self, date: Date, time: TimeOfDay) -> Result<Timestamp, CalendarError> {
        match time.to_time() {
            Some(time) => self.instant(date.to_datetime(time)),
            None => self.instant(later(date, 1)?.to_datetime(Time::midnight())),
        }
    }

    fn instant(&self, local: DateTime) -> Result<Timestamp, CalendarError> {
        let instant = self.zone.to_ambiguous_timestamp(local).compatible();
        instant.map_err(|_| CalendarError::TooFar)
    }
}

fn later(date: Date, days: u32) -> Result<Date, CalendarError> {
    let days = jiff::Span::new().try_days(days);
    days.and_then(|days| date.checked_add(days))
        .map_err(|_| CalendarError::TooFar)
}

fn unknown_zone(name: &str) -> CalendarError {
    let names: Vec<String> = ZONES.available().map(|known| known.to_string()).collect();
    let near = suggest(name, names.iter().map(String::as_str));
    let hint = match near.starts_with("did you mean") {
        true => near,
        false => "write it like Europe/Berlin or UTC".into(),
    };
    CalendarError::UnknownZone {
        name: name.chars().take(60).collect(),
        hint,
    }
}
