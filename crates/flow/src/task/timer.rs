//! What a task waits for.

use std::{fmt, str::FromStr};

/// A timer of a task. Its text (`offer:3`) names it for ever: the number tells an older one from the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timer {
    /// An offer is open no longer.
    Offer {
        /// The offer's number.
        number: u32,
    },
    /// A snoozed task wakes.
    Wake {
        /// The how-manyeth snooze it is.
        number: u32,
    },
    /// Somebody should have accepted by now.
    FirstResponse,
    /// It should be done by now.
    Resolution,
}

/// Why a text is no timer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such timer of a task")]
pub struct NoTimer;

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer { number } => write!(f, "offer:{number}"),
            Self::Wake { number } => write!(f, "wake:{number}"),
            Self::FirstResponse => f.write_str("first-response"),
            Self::Resolution => f.write_str("resolution"),
        }
    }
}

impl FromStr for Timer {
    type Err = NoTimer;

    fn from_str(text: &str) -> Result<Self, NoTimer> {
        let number = |digits: &str| digits.parse().map_err(|_| NoTimer);
        match text.split_once(':') {
            Some(("offer", digits)) => Ok(Self::Offer {
                number: number(digits)?,
            }),
            Some(("wake", digits)) => Ok(Self::Wake {
                number: number(digits)?,
            }),
            None if text == "first-response" => Ok(Self::FirstResponse),
            None if text == "resolution" => Ok(Self::Resolution),
            _ => Err(NoTimer),
        }
    }
}
