//! The one place where the center asks what time it is.

use flow::Moment;
use std::time::Instant;
use wire::UtcTime;

/// A monotonic clock whose zero is the center's start, and the time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn now(self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    /// The time of day.
    pub(crate) fn utc() -> UtcTime {
        jiff::Timestamp::now().into()
    }

    /// The time of day to the millisecond, as it is written: what is kept and read again is the same.
    pub(crate) fn utc_ms() -> UtcTime {
        let now = jiff::Timestamp::now();
        jiff::Timestamp::from_millisecond(now.as_millisecond()).map_or(now.into(), UtcTime::from)
    }
}
