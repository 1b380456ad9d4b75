//! Faults on demand: an administrator asks for routes to be slow or to fail, and tests how programs bear it.

use serde::Serialize;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wire::{
    Faults,
    fault::{self, Object},
};

/// Most faults at a time.
const MAX_FAULTS: usize = 100;

/// One fault: requests whose path begins with `path` are delayed, refused, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fault {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    delay_ms: u64,
    times: u64,
}

/// What a request has to bear.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Burden {
    pub(crate) delay: Duration,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_s: Option<u64>,
}

impl Fault {
    /// `{"path","status"?: 400-599,"retryAfterS"?,"delayMs"?: up to 60000,"times"?: 1 unless given}`.
    pub(crate) fn parse(body: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value.and_then(|value| {
            let body = Object::top(&value, &mut faults)?;
            let path = body.text("path", &mut faults).map(str::to_owned);
            let status = body.optional_whole("status", 400..=599, &mut faults);
            let retry_after_s = body.optional_whole("retryAfterS", 0..=3600, &mut faults);
            let delay_ms = body
                .optional_whole("delayMs", 0..=60_000, &mut faults)
                .unwrap_or(0);
            let times = body
                .optional_whole("times", 1..=1_000_000, &mut faults)
                .unwrap_or(1);
            let status = status.and_then(|status| u16::try_from(status).ok());
            Some(Self {
                path: path?,
                status,
                retry_after_s,
                delay_ms,
                times,
            })
        });
        faults.finish(read)
    }
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct FaultBook(Mutex<Vec<Fault>>);

impl FaultBook {
    /// Adds a fault; `false` when there are too many.
    pub(crate) fn add(&self, fault: Fault) -> bool {
        let mut faults = self.lock();
        let fits = faults.len() < MAX_FAULTS;
        if fits {
            faults.push(fault);
        }
        fits
    }

    /// The faults that are left.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Ends all faults.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The first fault for a path, used once more.
    pub(crate) fn strike(&self, path: &str) -> Option<Burden> {
        let mut faults = self.lock();
        let index = faults.iter().position(|fault| path.starts_with(&fault.path))?;
        let fault = &mut faults[index];
        fault.times -= 1;
        let burden = Burden {
            delay: Duration::from_millis(fault.delay_ms),
            status: fault.status,
            retry_after_s: fault.retry_after_s,
        };
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(burden)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_asked() {
        let book = FaultBook::default();
        let fault = r#"{"path":"/api/v2/profiles","status":503,"retryAfterS":2,"times":2}"#;
        assert!(book.add(Fault::parse(fault).unwrap()));
        assert_eq!(book.strike("/oauth/token"), None);
        let burden = Burden {
            delay: Duration::ZERO,
            status: Some(503),
            retry_after_s: Some(2),
        };
        assert_eq!(book.strike("/api/v2/profiles/external/x"), Some(burden));
        assert!(book.strike("/api/v2/profiles/external/x").is_some());
        assert_eq!(book.strike("/api/v2/profiles/external/x"), None);
    }

    #[test]
    fn a_faulty_fault_is_refused_whole() {
        let faults = Fault::parse(r#"{"status":200,"times":0}"#).unwrap_err();
        assert_eq!(faults.as_slice().len(), 3);
    }
}
