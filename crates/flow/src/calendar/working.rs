//! When people work.

use super::due::{Due, Span, TimeOfDay};
use jiff::civil::{Date, Weekday};
use std::collections::BTreeSet;

/// Most holidays of a calendar.
pub const MAX_HOLIDAYS: usize = 1000;

/// Days of the week, hours of the day, and holidays. The default is Monday to Friday, 09:00 to 17:00.
///
/// There is at least one day, and the hours end after they begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingTime {
    /// Monday first.
    days: [bool; 7],
    from: TimeOfDay,
    to: TimeOfDay,
    holidays: BTreeSet<Date>,
}

impl Default for WorkingTime {
    fn default() -> Self {
        Self {
            days: [true, true, true, true, true, false, false],
            from: TimeOfDay::hour(9),
            to: TimeOfDay::hour(17),
            holidays: BTreeSet::new(),
        }
    }
}

impl WorkingTime {
    /// None without a day, when `to` is not after `from`, or with more than [`MAX_HOLIDAYS`].
    pub fn new(days: &[Weekday], from: TimeOfDay, to: TimeOfDay, holidays: BTreeSet<Date>) -> Option<Self> {
        let sound = !days.is_empty() && from < to && holidays.len() <= MAX_HOLIDAYS;
        let mut week = [false; 7];
        for (day, works) in week.iter_mut().enumerate() {
            *works = days
                .iter()
                .any(|named| named.to_monday_zero_offset() as usize == day);
        }
        sound.then_some(Self {
            days: week,
            from,
            to,
            holidays,
        })
    }

    /// Whether people work on a day.
    pub fn includes(&self, date: Date) -> bool {
        let day = date.weekday().to_monday_zero_offset() as usize;
        self.days.get(day).copied().unwrap_or_default() && !self.holidays.contains(&date)
    }

    /// From when to when.
    pub fn hours(&self) -> (TimeOfDay, TimeOfDay) {
        (self.from, self.to)
    }

    /// How many calendar days a span takes at the most, but for changes of the clock.
    pub(super) fn days_needed(&self, due: &Due) -> u64 {
        let working_days = match *due.span() {
            Span::Minutes(_) | Span::Days(..) => return 0,
            Span::BusinessDays(days, _) => days,
            Span::BusinessMinutes(minutes) => {
                minutes.div_ceil(u32::from(self.to.minutes() - self.from.minutes()))
            }
        };
        let a_week = self.days.iter().filter(|works| **works).count().max(1) as u64;
        // One more, since the first day may have begun; a holiday on a working day costs a week at the worst.
        let weeks = (u64::from(working_days) + 1).div_ceil(a_week);
        let holidays = self
            .holidays
            .iter()
            .filter(|date| {
                let day = date.weekday().to_monday_zero_offset() as usize;
                self.days.get(day).copied().unwrap_or_default()
            })
            .count() as u64;
        (weeks + holidays.div_ceil(a_week) + 1) * 7
    }
}
