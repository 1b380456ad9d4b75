//! How punctual frames are.

use serde::Serialize;
use std::time::Duration;

/// A frame later than this is counted as late.
const LATE: Duration = Duration::from_millis(5);

/// Counts of frames sent, and how long after their due time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pacing {
    /// Frames sent to callers.
    pub frames: u64,
    /// Frames that were more than 5 ms late.
    pub late: u64,
    /// The latest of all, in microseconds.
    pub worst_us: u64,
}

impl Pacing {
    /// Notes a frame that was sent so long after it was due.
    pub(super) fn sent(&mut self, lateness: Duration) {
        self.frames += 1;
        self.late += u64::from(lateness > LATE);
        self.worst_us = self
            .worst_us
            .max(u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX));
    }
}
