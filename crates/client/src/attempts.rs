//! One request's attempts against the clock: `flow::retry` decides, this waits.

use crate::http::{FailureKind, HttpFailure};
use bytes::Bytes;
use flow::retry::{Attempt, Outcome, Policy, Reason, Safety, Verdict, decide};
use http::{HeaderMap, header};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wire::{UtcTime, time::parse_retry_after};

pub(crate) struct Attempts {
    policy: Policy,
    safety: Safety,
    started: Instant,
    number: u32,
    /// How many of them were answered 429.
    busy: u32,
    /// Whether the server may have done what one of them asked for.
    may_be_done: bool,
    /// When the first attempt was sent that the server may have done.
    sent: Instant,
}

impl Attempts {
    pub(crate) fn start(policy: Policy, safety: Safety) -> Self {
        let started = Instant::now();
        Self {
            policy,
            safety,
            started,
            sent: started,
            may_be_done: false,
            number: 0,
            busy: 0,
        }
    }

    /// How many attempts were made.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Whether the server may have done it, though no attempt succeeded.
    pub(crate) fn may_be_done(&self) -> bool {
        self.may_be_done
    }

    /// How long the server had it wait before it took it.
    pub(crate) fn held_up(&self) -> Duration {
        self.sent - self.started
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What is left of the total time.
    pub(crate) fn left(&self) -> Duration {
        self.policy.total.saturating_sub(self.elapsed())
    }

    /// Makes an attempt within `most`, and within what is left of the total time.
    pub(crate) async fn attempt<T>(
        &mut self,
        most: Duration,
        exchange: impl Future<Output = Result<T, HttpFailure>>,
    ) -> Result<T, HttpFailure> {
        self.number += 1;
        if !self.may_be_done {
            self.sent = Instant::now();
        }
        let limit = most.min(self.left());
        timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(late("answer", limit)))
    }

    /// The last attempt does not count: it was made with a token that had to be replaced.
    pub(crate) fn uncount(&mut self) {
        self.number -= 1;
    }

    /// Waits until the next attempt after one that did not succeed, or says why there is none.
    pub(crate) async fn pause(
        &mut self,
        tried: Result<&http::Response<Bytes>, &HttpFailure>,
    ) -> Result<(), Reason> {
        // An answer that is too large is one.
        self.may_be_done |= tried.is_err_and(|failure| failure.kind == FailureKind::TooLarge);
        let (outcome, retry_after) = match tried {
            Ok(answer) => (
                Outcome::Answered(answer.status().as_u16()),
                retry_after(answer.headers()),
            ),
            Err(failure) => (outcome(failure).ok_or(Reason::NotRepeatable)?, None),
        };
        self.may_be_done |= outcome.may_be_done();
        self.busy += u32::from(outcome == Outcome::Answered(429));
        let (number, elapsed) = (self.number, self.elapsed());
        let attempt = Attempt {
            number,
            busy: self.busy,
            outcome,
            retry_after,
            elapsed,
            random: rand::random(),
        };
        match decide(&self.policy, self.safety, &attempt) {
            Verdict::GiveUp(reason) => Err(reason),
            Verdict::Wait(wait) => {
                tracing::debug!(attempt = number, ?outcome, ?wait, "the request is repeated");
                sleep(wait).await;
                Ok(())
            }
        }
    }
}

/// The failure of a thing that did not come within `limit`.
pub(crate) fn late(what: &str, limit: Duration) -> HttpFailure {
    HttpFailure::new(
        FailureKind::TimedOut,
        format!("no {what} within {:.1} s", limit.as_secs_f64()),
    )
}

/// What a failure is to the retry policy; `None` when a repeat can't help.
fn outcome(failure: &HttpFailure) -> Option<Outcome> {
    match failure.kind {
        FailureKind::NotConnected => Some(Outcome::NotConnected),
        FailureKind::Broken => Some(Outcome::Broken),
        FailureKind::TimedOut => Some(Outcome::TimedOut),
        FailureKind::Untrusted | FailureKind::TooLarge | FailureKind::Refused => None,
    }
}

/// The answer's `Retry-After`. A date is taken relative to the answer's own `Date`, so the clocks need not agree.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let sent = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let sent = sent.and_then(|date| {
        jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(date)
            .ok()
    });
    parse_retry_after(value, UtcTime::from(sent.unwrap_or_else(jiff::Timestamp::now)))
}
