//! How long things may take.

use std::time::Duration;
use wire::task::Priority;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How long an agent has to accept an offer, and anybody to respond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How long an offer is open.
    pub accept_within: Duration,
    /// From the creation to the first accept, by priority, the least important first.
    first_response: [Duration; Priority::ALL.len()],
}

impl Policy {
    /// How long the first accept may take.
    pub fn first_response(&self, priority: Priority) -> Duration {
        self.first_response[priority as usize]
    }

    /// Changes how long the first accept may take.
    pub fn set_first_response(&mut self, priority: Priority, span: Duration) {
        self.first_response[priority as usize] = span;
    }
}

impl Default for Policy {
    /// Two minutes to accept; a first response within 5 minutes (critical), 30 minutes, 2, 8 and 24 hours (low).
    fn default() -> Self {
        Self {
            accept_within: 2 * MINUTE,
            first_response: [24 * HOUR, 8 * HOUR, 2 * HOUR, 30 * MINUTE, 5 * MINUTE],
        }
    }
}
