//! Whether a request is repeated, and when (contract section 2): one decision for every client.

use std::time::Duration;

/// Most attempts that are answered "too many requests" and count as none: the policy's time ends them first, unless waits are tiny.
const MOST_BUSY: u32 = 100;

/// How often and for how long a request is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Most attempts, the first included. One that is answered 429 counts only where there is but one: the time bounds those.
    pub attempts: u32,
    /// The longest first wait; it doubles with every attempt.
    pub base: Duration,
    /// What the doubling ends at.
    pub cap: Duration,
    /// The most time for all attempts and waits together.
    pub total: Duration,
}

impl Policy {
    /// One attempt within `total`, and no repeat.
    pub fn single(total: Duration) -> Self {
        Self {
            attempts: 1,
            total,
            ..Self::default()
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// What a repeat of the request can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// No more than one request does: GET, PUT, DELETE.
    Idempotent,
    /// No more than one request does: the server knows repeats by their `Idempotency-Key`.
    Keyed,
    /// The same thing twice. Repeated only when the server says that it did nothing: 429 and 503.
    Once,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered with this status.
    Answered(u16),
    /// There was no connection; the server has seen nothing.
    NotConnected,
    /// The connection broke after sending; the server may have done it.
    Broken,
    /// No answer in time; the server may have done it.
    TimedOut,
}

impl Outcome {
    /// Whether the server may have done what it was asked for, though it did not say so.
    pub fn may_be_done(self) -> bool {
        match self {
            Self::Answered(status) => matches!(status, 200..=299 | 500..=502 | 504..=599),
            Self::NotConnected => false,
            Self::Broken | Self::TimedOut => true,
        }
    }

    /// Whether a repeat may help, and can't do harm.
    pub fn is_repeatable(self, safety: Safety) -> bool {
        match (self, safety) {
            (Self::Answered(429 | 503), _) => true,
            (_, Safety::Once) => false,
            (Self::Answered(status), _) => matches!(status, 502 | 504),
            (Self::NotConnected | Self::Broken | Self::TimedOut, _) => true,
        }
    }
}

/// An attempt that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// Its number; the first is 1.
    pub number: u32,
    /// How many of the attempts so far were answered 429, this one included.
    pub busy: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The answer's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Since the first attempt began.
    pub elapsed: Duration,
    /// A random number from 0 to 1.
    pub random: f64,
}

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Repeat the request after this time.
    Wait(Duration),
    /// The attempt was the last one.
    GiveUp(Reason),
}

/// Why a request is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A repeat would not help, or could do the same thing twice.
    #[error("it must not be repeated")]
    NotRepeatable,
    /// The attempts are used up.
    #[error("all attempts are used up")]
    Attempts,
    /// The next attempt would come too late.
    #[error("the next attempt would come after the time for the request")]
    Time,
}

/// Decides what follows an attempt: full jitter on top of `Retry-After`.
///
/// The wait is random between nothing and the backoff, so that clients that failed together do not come back together;
/// `Retry-After` is added to it, so the wait is never less than the server asked for. A wait that would end past the
/// policy's total time is not begun. A 429 costs time and no attempt: the server did nothing, and says so.
///
/// ```
/// use flow::retry::{Attempt, Outcome, Policy, Safety, Verdict, decide};
/// use std::time::Duration;
///
/// let busy = Attempt {
///     number: 1,
///     busy: 1,
///     outcome: Outcome::Answered(429),
///     retry_after: Some(Duration::from_secs(2)),
///     elapsed: Duration::ZERO,
///     random: 0.5,
/// };
/// assert_eq!(decide(&Policy::default(), Safety::Once, &busy), Verdict::Wait(Duration::from_millis(2100)));
/// ```
pub fn decide(policy: &Policy, safety: Safety, attempt: &Attempt) -> Verdict {
    if !attempt.outcome.is_repeatable(safety) {
        return Verdict::GiveUp(Reason::NotRepeatable);
    }
    if is_last(policy, attempt) {
        return Verdict::GiveUp(Reason::Attempts);
    }
    let jitter = jittered(
        backoff(policy.base, policy.cap, attempt.number.saturating_sub(1)),
        attempt.random,
    );
    let wait = attempt.retry_after.unwrap_or_default().saturating_add(jitter);
    if attempt.elapsed.saturating_add(wait) >= policy.total {
        return Verdict::GiveUp(Reason::Time);
    }
    Verdict::Wait(wait)
}

fn is_last(policy: &Policy, attempt: &Attempt) -> bool {
    let is_patient = policy.attempts > 1 && attempt.busy < MOST_BUSY;
    if attempt.outcome == Outcome::Answered(429) && is_patient {
        return false;
    }
    attempt.number.saturating_sub(attempt.busy) >= policy.attempts || !is_patient
}

/// `base` doubled `doublings` times, but no more than `cap`.
pub(crate) fn backoff(base: Duration, cap: Duration, doublings: u32) -> Duration {
    base.saturating_mul(2_u32.saturating_pow(doublings)).min(cap)
}

/// The share `random` of `most`; a random number out of range can't make it more or negative.
pub(crate) fn jittered(most: Duration, random: f64) -> Duration {
    let share = if random.is_nan() {
        1.0
    } else {
        random.clamp(0.0, 1.0)
    };
    Duration::try_from_secs_f64(most.as_secs_f64() * share)
        .unwrap_or(most)
        .min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: Policy = Policy {
        attempts: 5,
        base: Duration::from_millis(200),
        cap: Duration::from_secs(10),
        total: Duration::from_secs(30),
    };

    fn attempt(number: u32, outcome: Outcome) -> Attempt {
        Attempt {
            number,
            busy: 0,
            outcome,
            retry_after: None,
            elapsed: Duration::ZERO,
            random: 1.0,
        }
    }

    fn is_wait(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Wait(_))
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        assert_eq!(Policy::default(), POLICY);
        let single = Policy::single(Duration::from_secs(1));
        let verdict = decide(&single, Safety::Idempotent, &attempt(1, Outcome::Answered(429)));
        assert_eq!(verdict, Verdict::GiveUp(Reason::Attempts));
    }

    #[test]
    fn what_is_repeated_depends_on_what_a_repeat_can_do() {
        use Outcome::*;
        use Safety::*;
        for status in 100..600 {
            for safety in [Idempotent, Keyed, Once] {
                let wanted = match safety {
                    Once => [429, 503].contains(&status),
                    _ => [429, 502, 503, 504].contains(&status),
                };
                let verdict = decide(&POLICY, safety, &attempt(1, Answered(status)));
                assert_eq!(is_wait(verdict), wanted, "{status} {safety:?}");
            }
        }
        for outcome in [NotConnected, Broken, TimedOut] {
            assert!(is_wait(decide(&POLICY, Idempotent, &attempt(1, outcome))));
            assert!(is_wait(decide(&POLICY, Keyed, &attempt(1, outcome))));
            let once = decide(&POLICY, Once, &attempt(1, outcome));
            assert_eq!(once, Verdict::GiveUp(Reason::NotRepeatable), "{outcome:?}");
        }
    }

    #[test]
    fn the_backoff_doubles_up_to_the_cap() {
        let policy = Policy {
            attempts: 99,
            total: Duration::MAX,
            ..POLICY
        };
        let wait = |number| match decide(&policy, Safety::Keyed, &attempt(number, Outcome::Broken)) {
            Verdict::Wait(wait) => wait.as_millis(),
            other => panic!("{other:?}"),
        };
        let waits: Vec<_> = (1..=8).map(wait).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(wait(90), 10_000);
    }

    #[test]
    fn the_attempts_are_counted() {
        assert!(is_wait(decide(
            &POLICY,
            Safety::Keyed,
            &attempt(4, Outcome::Broken)
        )));
        let last = decide(&POLICY, Safety::Keyed, &attempt(5, Outcome::Broken));
        assert_eq!(last, Verdict::GiveUp(Reason::Attempts));
    }

    #[test]
    fn too_many_requests_cost_time_and_no_attempt() {
        let busy = |number, busy| Attempt {
            busy,
            ..attempt(number, Outcome::Answered(429))
        };
        assert!(is_wait(decide(&POLICY, Safety::Once, &busy(5, 5))));
        assert!(is_wait(decide(&POLICY, Safety::Once, &busy(50, 46))));
        // What follows has its attempts still.
        let broken = |number| Attempt {
            busy: 4,
            ..attempt(number, Outcome::Broken)
        };
        assert!(is_wait(decide(&POLICY, Safety::Keyed, &broken(8))));
        let last = Verdict::GiveUp(Reason::Attempts);
        assert_eq!(decide(&POLICY, Safety::Keyed, &broken(9)), last);
        // They are bounded by the time, and for policies without end in number, too.
        let late = Attempt {
            elapsed: POLICY.total,
            ..busy(5, 5)
        };
        assert_eq!(
            decide(&POLICY, Safety::Once, &late),
            Verdict::GiveUp(Reason::Time)
        );
        assert_eq!(decide(&POLICY, Safety::Once, &busy(100, 100)), last);
    }

    #[test]
    fn a_wait_that_ends_too_late_is_not_begun() {
        let busy = |elapsed, retry_after| Attempt {
            elapsed: Duration::from_millis(elapsed),
            retry_after: Some(Duration::from_millis(retry_after)),
            random: 0.0,
            ..attempt(1, Outcome::Answered(503))
        };
        let decide = |attempt| decide(&POLICY, Safety::Once, &attempt);
        assert_eq!(
            decide(busy(0, 29_999)),
            Verdict::Wait(Duration::from_millis(29_999))
        );
        assert_eq!(decide(busy(0, 30_000)), Verdict::GiveUp(Reason::Time));
        assert_eq!(decide(busy(29_000, 1_000)), Verdict::GiveUp(Reason::Time));
        let never = Attempt {
            retry_after: Some(Duration::MAX),
            ..busy(1, 0)
        };
        assert_eq!(decide(never), Verdict::GiveUp(Reason::Time));
    }

    fn any_attempt() -> impl Strategy<Value = Attempt> {
        let outcome = prop_oneof![
            (100_u16..600).prop_map(Outcome::Answered),
            Just(Outcome::Answered(429)),
            Just(Outcome::NotConnected),
            Just(Outcome::Broken),
            Just(Outcome::TimedOut),
        ];
        let retry_after = proptest::option::of((0_u64..60_000).prop_map(Duration::from_millis));
        let elapsed = (0_u64..60_000).prop_map(Duration::from_millis);
        let random = prop_oneof![0.0..=1.0, Just(f64::NAN), Just(-1.0), Just(7.0)];
        (0_u32..10, 0_u32..10, outcome, retry_after, elapsed, random).prop_map(
            |(number, busy, outcome, retry_after, elapsed, random)| Attempt {
                number,
                busy: busy.min(number),
                outcome,
                retry_after,
                elapsed,
                random,
            },
        )
    }

    proptest! {
        #[test]
        fn every_wait_is_within_its_bounds(attempt in any_attempt(), safety in 0..3) {
            let safety = [Safety::Idempotent, Safety::Keyed, Safety::Once][safety as usize];
            if let Verdict::Wait(wait) = decide(&POLICY, safety, &attempt) {
                let asked = attempt.retry_after.unwrap_or_default();
                let most = backoff(POLICY.base, POLICY.cap, attempt.number.saturating_sub(1));
                prop_assert!(wait >= asked);
                prop_assert!(wait <= asked + most);
                prop_assert!(attempt.elapsed + wait < POLICY.total);
                prop_assert!(attempt.number - attempt.busy < POLICY.attempts || attempt.outcome == Outcome::Answered(429));
                prop_assert!(attempt.outcome.is_repeatable(safety));
            }
        }

        #[test]
        fn the_jitter_is_full(random in 0.0..=1.0) {
            let attempt = Attempt { random, ..attempt(3, Outcome::Broken) };
            let wanted = Duration::from_secs_f64(0.8 * random);
            let Verdict::Wait(wait) = decide(&POLICY, Safety::Idempotent, &attempt) else { panic!("no wait") };
            prop_assert!(wait.abs_diff(wanted) < Duration::from_micros(1));
        }
    }
}
